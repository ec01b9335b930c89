/**
 * Refuses the calls that are over a rate.
 * @module
 */
import type { AnyMiddleware } from "@kit/endpoint";
import { RateLimitError } from "./rate_limit_error.ts";

/** What {@linkcode rateLimit} asks: a token bucket, or any other object with `allow()`. */
export interface Allower {
  /**
   * Tells whether one more call may begin now, and counts it if so.
   * @returns Whether it may.
   */
  allow(): boolean;
  /**
   * Tells after how long a refused call may come back.
   * @returns Milliseconds; `Infinity` when it is not known.
   */
  retryAfterMs?(): number;
}

/**
 * Refuses the calls that are over a rate, at once. A streamed call counts once, when it begins.
 * @param limiter What knows the rate; share one to limit several endpoints together.
 * @returns The middleware. A refused call rejects with a {@linkcode RateLimitError}: code
 * `resource_exhausted`, and `retryAfterMs` when the limiter can tell.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { rateLimit } from "@kit/middleware/rate-limit";
 * import { tokenBucket } from "@kit/middleware/token-bucket";
 * import assert from "node:assert/strict";
 * const limited = rateLimit(tokenBucket({ limit: 0.001, burst: 1 }));
 * const double = limited((n: number) => Promise.resolve(n * 2));
 * assert.equal(await double(4, background()), 8);
 * await assert.rejects(double(5, background()), { code: "resource_exhausted" });
 * ```
 */
export function rateLimit(limiter: Allower): AnyMiddleware {
  return (next) => (request, ctx) =>
    limiter.allow()
      ? next(request, ctx)
      : Promise.reject(new RateLimitError(undefined, limiter.retryAfterMs?.()));
}
