/**
 * What the context of a JSON-RPC call knows of its request, on a server and in the hooks of a client.
 * @module
 */
import { type ContextKey, contextKey } from "@kit/endpoint";
import type { RequestId } from "./request.ts";

/**
 * Finds the id of the request. A notification has none. The HTTP request that the call came with is
 * under `httpRequest` of the HTTP transport.
 * @example Usage
 * ```ts
 * import { method, requestId, requestMethod, server } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * const handler = server({
 *   who: method((_: unknown, ctx) =>
 *     Promise.resolve([ctx.value(requestMethod), ctx.value(requestId)])
 *   ),
 * });
 * const body = `{"jsonrpc":"2.0","method":"who","id":7}`;
 * const response = await handler(new Request("http://localhost/", { method: "POST", body }));
 * assert.deepEqual((await response.json()).result, ["who", 7]);
 * ```
 */
export const requestId: ContextKey<RequestId> = contextKey("json-rpc request id");

/** Finds the name of the method that is called. */
export const requestMethod: ContextKey<string> = contextKey("json-rpc method");
