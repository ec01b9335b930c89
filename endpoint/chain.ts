/**
 * Joins middleware into one.
 * @module
 */
import type { AnyMiddleware, Middleware } from "./endpoint.ts";

/**
 * Joins several middleware into one, outermost first, as Go kit's `endpoint.Chain` does.
 * @param outer The outermost middleware.
 * @param others The rest, from outside in.
 * @returns One middleware that applies them all.
 * @example Usage
 * ```ts
 * import { type AnyMiddleware, background, chain } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const seen: string[] = [];
 * const annotate = (name: string): AnyMiddleware => (next) => async (request, ctx) => {
 *   seen.push(`${name} pre`);
 *   const response = await next(request, ctx);
 *   seen.push(`${name} post`);
 *   return response;
 * };
 * const wrapped = chain(annotate("first"), annotate("second"))(() => Promise.resolve(1));
 * await wrapped({}, background());
 * assert.deepEqual(seen, ["first pre", "second pre", "second post", "first post"]);
 * ```
 */
export function chain(outer: AnyMiddleware, ...others: readonly AnyMiddleware[]): AnyMiddleware;
/**
 * Joins several middleware for one endpoint type into one, outermost first.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param outer The outermost middleware.
 * @param others The rest, from outside in.
 * @returns One middleware that applies them all.
 */
export function chain<Req, Res>(
  outer: Middleware<Req, Res>,
  ...others: readonly Middleware<Req, Res>[]
): Middleware<Req, Res>;
export function chain(
  outer: AnyMiddleware,
  ...others: readonly AnyMiddleware[]
): AnyMiddleware {
  return (next) => outer(others.reduceRight((inner, wrap) => wrap(inner), next));
}
