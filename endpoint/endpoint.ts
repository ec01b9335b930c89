/**
 * The types of an endpoint and of the middleware around it.
 * @module
 */
import type { Context } from "./context.ts";

/**
 * One RPC as one function. The request comes first and the context last, so that a function of the
 * request alone is already an endpoint.
 *
 * Streams are endpoints too: `Endpoint<Req, AsyncIterable<Res>>` is a server stream,
 * `Endpoint<AsyncIterable<Req>, Res>` a client stream, both at once a bidirectional one.
 *
 * A call that fails rejects, with a `KitError` where the code matters to the caller. An endpoint
 * never throws synchronously.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @example Usage
 * ```ts
 * import { background, type Endpoint } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const double: Endpoint<number, number> = (n) => Promise.resolve(n * 2);
 * assert.equal(await double(4, background()), 8);
 * ```
 */
export type Endpoint<Req, Res> = (request: Req, ctx: Context) => Promise<Res>;

/**
 * A function that wraps an endpoint in another one of the same type.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export type Middleware<Req, Res> = (next: Endpoint<Req, Res>) => Endpoint<Req, Res>;

/** A middleware that fits every endpoint, as it looks at neither the request nor the response. */
export type AnyMiddleware = <Req, Res>(next: Endpoint<Req, Res>) => Endpoint<Req, Res>;
