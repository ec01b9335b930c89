/**
 * NATS: endpoints as handlers of subjects, and clients that request and publish. The connection is
 * one of `@nats-io/transport-node`, or of any other transport of `@nats-io/nats-core`. What Go kit
 * calls a publisher is {@linkcode client} here, and its subscriber {@linkcode server}.
 * @module
 */
export * from "./client.ts";
export * from "./connection.ts";
export * from "./error_reply.ts";
export * from "./functions.ts";
export * from "./handler.ts";
export * from "./keys.ts";
export * from "./publish.ts";
export * from "./serve.ts";
export * from "./server.ts";
