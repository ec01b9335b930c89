/**
 * Functions for the `before` and `after` options of servers and clients.
 * @module
 */
import type { Context } from "@kit/endpoint";

/**
 * Looks at a request before it is decoded, and may derive the context of its call.
 * It is told the context so far and the request, and returns the context to go on with.
 */
export type ServerRequestFunc = (ctx: Context, request: Request) => Context;

/**
 * Sets headers of a request or a response that is about to be sent, and may derive the context.
 * It is told the context so far and the headers, and returns the context to go on with.
 */
export type HeadersFunc = (ctx: Context, headers: Headers) => Context;

/**
 * Looks at a response before it is decoded, and may derive the context.
 * It is told the context so far and the response, and returns the context to go on with.
 */
export type ClientResponseFunc = (ctx: Context, response: Response) => Context;

/**
 * Sets a header, in place of one that is there.
 * @param name Its name.
 * @param value Its value.
 * @returns A function for `after` of a server or `before` of a client.
 * @throws {TypeError} If a header cannot have that name or value.
 * @example Usage
 * ```ts
 * import { server, setHeader } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const handler = server(() => Promise.resolve("hi"), {
 *   decode: () => undefined,
 *   after: [setHeader("x-served-by", "kit")],
 * });
 * const response = await handler(new Request("http://localhost/"));
 * assert.equal(response.headers.get("x-served-by"), "kit");
 * ```
 */
export function setHeader(name: string, value: string): HeadersFunc {
  new Headers([[name, value]]);
  return (ctx, headers) => {
    headers.set(name, value);
    return ctx;
  };
}

/**
 * Sets the content type.
 * @param contentType The content type.
 * @returns A function for `after` of a server or `before` of a client.
 * @throws {TypeError} If a header cannot have that value.
 */
export function setContentType(contentType: string): HeadersFunc {
  return setHeader("content-type", contentType);
}
