/**
 * What the context of a call that came by HTTP knows of its request.
 * @module
 */
import { type ContextKey, contextKey } from "@kit/endpoint";

/**
 * Finds the request of a call that came by HTTP: its method, its URL, its headers. The headers are
 * the context's `metadata` as well, on this and every other transport. Its body is read already.
 * @example Usage
 * ```ts
 * import { httpRequest, server } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const handler = server((_, ctx) => Promise.resolve(ctx.value(httpRequest)?.url), {
 *   decode: () => undefined,
 * });
 * const response = await handler(new Request("http://localhost/search?q=sympatico"));
 * assert.equal(await response.json(), "http://localhost/search?q=sympatico");
 * ```
 */
export const httpRequest: ContextKey<Request> = contextKey("http request");

/** Finds who sent the request, as `host:port`. */
export const remoteAddress: ContextKey<string> = contextKey("remote address");
