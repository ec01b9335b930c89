/**
 * Holds back the calls that are over a rate.
 * @module
 */
import type { AnyMiddleware, Context } from "@kit/endpoint";

/** What {@linkcode rateLimitWait} asks: a token bucket, or any other object with `wait()`. */
export interface Waiter {
  /**
   * Waits until one more call may begin, and counts it.
   * @param ctx Ends the wait.
   * @returns A promise that resolves when it may begin and rejects when it may not.
   */
  wait(ctx: Context): Promise<unknown>;
}

/**
 * Holds back the calls that are over a rate until they fit it, first come, first served. A call
 * whose deadline would pass while it waits is refused at once, and one that is cancelled gives its
 * place up. A streamed call counts once, when it begins.
 * @param limiter What knows the rate; share one to limit several endpoints together.
 * @returns The middleware. A refused call rejects with the error of the limiter.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { rateLimitWait } from "@kit/middleware/rate-limit-wait";
 * import { tokenBucket } from "@kit/middleware/token-bucket";
 * import assert from "node:assert/strict";
 * const limited = rateLimitWait(tokenBucket({ limit: 1000, burst: 1 }));
 * const double = limited((n: number) => Promise.resolve(n * 2));
 * assert.deepEqual(await Promise.all([1, 2, 3].map((n) => double(n, background()))), [2, 4, 6]);
 * ```
 */
export function rateLimitWait(limiter: Waiter): AnyMiddleware {
  return (next) => (request, ctx) => limiter.wait(ctx).then(() => next(request, ctx));
}
