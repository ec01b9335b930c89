/**
 * gRPC: endpoints as methods of services, with streams both ways, and clients, on grpc-js.
 * @module
 */
export * from "./channel.ts";
export * from "./client.ts";
export * from "./from_proto.ts";
export * from "./health.ts";
export * from "./health_check.ts";
export * from "./keys.ts";
export * from "./metadata_writer.ts";
export * from "./method.ts";
export * from "./reflection.ts";
export * from "./serve.ts";
export * from "./server.ts";
export * from "./status.ts";
