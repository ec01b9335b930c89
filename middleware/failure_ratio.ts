/**
 * Opens a circuit breaker by the share of failures.
 * @module
 */
import { checkPositiveInteger, checkRatio } from "@kit/endpoint/check";
import type { Counts } from "./_rolling_counts.ts";

/** Options for {@linkcode failureRatio}. */
export interface FailureRatioOptions {
  /**
   * How many calls must have ended before the share means anything.
   * @default {20}
   */
  readonly minRequests?: number;
}

/**
 * Opens a circuit breaker when the share of failures among the calls that ended reaches a ratio.
 * Give the breaker a window by `intervalMs`, best with `bucketPeriodMs`, so that the past is
 * forgotten.
 * @param ratio The share, from 0 to 1, at which to open.
 * @param options How many calls it takes.
 * @returns The function for `readyToTrip`.
 * @throws {RangeError} If `ratio` is not between 0 and 1 or `minRequests` not a positive integer.
 * @example Usage
 * ```ts
 * import { breaker } from "@kit/middleware/breaker";
 * import { failureRatio } from "@kit/middleware/failure-ratio";
 * import assert from "node:assert/strict";
 * const guard = breaker({
 *   readyToTrip: failureRatio(0.5, { minRequests: 4 }),
 *   intervalMs: 10_000,
 *   bucketPeriodMs: 1000,
 * });
 * for (let i = 0; i < 2; i++) await guard.execute(() => Promise.resolve());
 * for (let i = 0; i < 2; i++) {
 *   await assert.rejects(guard.execute(() => Promise.reject(new Error("down"))));
 * }
 * assert.equal(guard.state, "open");
 * ```
 */
export function failureRatio(
  ratio: number,
  options: FailureRatioOptions = {},
): (counts: Counts) => boolean {
  const { minRequests = 20 } = options;
  checkRatio("ratio", ratio);
  checkPositiveInteger("minRequests", minRequests);
  return ({ totalSuccesses, totalFailures }) => {
    const ended = totalSuccesses + totalFailures;
    return ended >= minRequests && totalFailures >= ratio * ended;
  };
}
