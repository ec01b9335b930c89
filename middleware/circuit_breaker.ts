/**
 * Stops calling an endpoint that keeps failing.
 * @module
 */
import type { AnyMiddleware } from "@kit/endpoint";
import { type Breaker, breaker, type BreakerOptions } from "./breaker.ts";

/**
 * Stops calling an endpoint that keeps failing, and tries it again after a while. Every rejection
 * counts as a failure unless its caller aborted the call; a business failure inside the response
 * (`Failer`) counts as a success. A streamed call counts when its iteration ends.
 * @param options Options for the breakers, one for each endpoint that is wrapped; or one breaker,
 * which they then share.
 * @returns The middleware. A refused call rejects with a {@linkcode CircuitOpenError} or a
 * {@linkcode TooManyRequestsError}, both with code `unavailable`.
 * @throws {RangeError} If an option is none that {@linkcode breaker} takes.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { circuitBreaker } from "@kit/middleware/circuit-breaker";
 * import assert from "node:assert/strict";
 * const call = circuitBreaker()(() => Promise.reject(new Error("down")));
 * for (let i = 0; i < 6; i++) await assert.rejects(call({}, background()), { message: "down" });
 * await assert.rejects(call({}, background()), { message: "Circuit breaker is open" });
 * ```
 */
export function circuitBreaker(options: BreakerOptions | Breaker = {}): AnyMiddleware {
  const shared = "execute" in options ? options : undefined;
  if (shared === undefined) breaker(options as BreakerOptions); // refuses misuse now
  return (next) => {
    const own = shared ?? breaker(options as BreakerOptions);
    return (request, ctx) => own.execute(() => next(request, ctx), ctx);
  };
}
