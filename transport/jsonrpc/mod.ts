/**
 * JSON-RPC 2.0 over HTTP: endpoints as methods of a handler of `Request` and `Response`, and clients
 * on `fetch`.
 * @module
 */
export * from "./batch.ts";
export * from "./client.ts";
export * from "./error_object.ts";
export * from "./json_rpc_error.ts";
export * from "./keys.ts";
export * from "./method.ts";
export * from "./request.ts";
export * from "./rpc_codes.ts";
export * from "./server.ts";
