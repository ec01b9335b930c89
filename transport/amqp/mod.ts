/**
 * AMQP 0-9-1: endpoints as consumers of queues, and clients that call and publish over a broker.
 * @module
 */
export * from "./acknowledge.ts";
export * from "./client.ts";
export * from "./connect.ts";
export * from "./connection.ts";
export * from "./error_reply.ts";
export * from "./functions.ts";
export * from "./handler.ts";
export * from "./keys.ts";
export * from "./message.ts";
export * from "./publish.ts";
export * from "./serve.ts";
export * from "./server.ts";
export * from "./topology.ts";
