/**
 * HTTP: endpoints as handlers of `Request` and `Response`, and clients on `fetch`; streams as lines of
 * JSON, Server-Sent Events and WebSockets; routes, a reverse proxy, and a server that drains.
 * @module
 */
export * from "./client.ts";
export * from "./functions.ts";
export * from "./handler.ts";
export * from "./http_error.ts";
export * from "./keys.ts";
export * from "./listen_address.ts";
export * from "./problem.ts";
export * from "./proxy.ts";
export * from "./routes.ts";
export * from "./serve.ts";
export * from "./server.ts";
export * from "./status.ts";
export * from "./stream_client.ts";
export * from "./stream_server.ts";
export * from "./web_socket_client.ts";
export * from "./web_socket_server.ts";
