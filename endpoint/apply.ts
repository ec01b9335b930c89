/**
 * Wraps an endpoint in middleware.
 * @module
 */
import type { Endpoint, Middleware } from "./endpoint.ts";

/**
 * Wraps an endpoint in middleware, outermost first: the first middleware sees a call first and its
 * result last.
 * @typeParam Req The request, taken from the endpoint.
 * @typeParam Res The response, taken from the endpoint.
 * @param endpoint The endpoint to wrap.
 * @param middleware What to wrap it in; with none the endpoint itself is returned.
 * @returns The wrapped endpoint.
 * @example Usage
 * ```ts
 * import { apply, background } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const double = (n: number) => Promise.resolve(n * 2);
 * const plusOne = apply(double, (next) => (n, ctx) => next(n + 1, ctx));
 * assert.equal(await plusOne(4, background()), 10);
 * ```
 */
export function apply<Req, Res>(
  endpoint: Endpoint<Req, Res>,
  ...middleware: readonly Middleware<NoInfer<Req>, NoInfer<Res>>[]
): Endpoint<Req, Res> {
  return middleware.reduceRight((next, wrap) => wrap(next), endpoint);
}
