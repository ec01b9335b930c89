/**
 * How long to wait before a retry.
 * @module
 */
import { checkNonNegative, checkPositive } from "@kit/endpoint/check";

/**
 * Tells how long to wait before a retry.
 * @param retry Which retry it is, from 1 on.
 * @returns Milliseconds.
 */
export type Backoff = (retry: number) => number;

/** Options for {@linkcode exponentialBackoff}. */
export interface BackoffOptions {
  /**
   * The wait before the first retry, before chance comes in.
   * @default {25}
   */
  readonly baseMs?: number;
  /**
   * By how much each wait is longer than the one before; at least 1.
   * @default {2}
   */
  readonly factor?: number;
  /**
   * The longest wait, before chance comes in.
   * @default {10 * baseMs}
   */
  readonly maxMs?: number;
  /**
   * What chance does, so that clients that failed at once do not come back at once: `full` takes
   * anything from nothing to the whole wait, `narrow` from 0.8 to 1.2 of it (gRPC's A6), `none`
   * the wait as it is.
   * @default {"full"}
   */
  readonly jitter?: "full" | "narrow" | "none";
  /**
   * Gives a number from 0 on and below 1.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/**
 * Waits longer before each retry, with chance in it.
 * @param options How long.
 * @returns What tells the wait.
 * @throws {RangeError} If an option is negative, or `factor` is below 1.
 * @example Usage
 * ```ts
 * import { exponentialBackoff } from "@kit/lb";
 * import assert from "node:assert/strict";
 * const backoff = exponentialBackoff({ baseMs: 100, maxMs: 1000, jitter: "none" });
 * assert.deepEqual([1, 2, 3, 4, 5].map(backoff), [100, 200, 400, 800, 1000]);
 * ```
 */
export function exponentialBackoff(options: BackoffOptions = {}): Backoff {
  const { baseMs = 25, factor = 2, maxMs = 10 * baseMs, jitter = "full" } = options;
  const { random = Math.random } = options;
  checkNonNegative("baseMs", baseMs);
  checkNonNegative("maxMs", maxMs);
  checkPositive("factor", factor);
  if (factor < 1) {
    throw new RangeError(
      `Cannot use "factor" as it must be at least 1: current value is ${factor}`,
    );
  }
  return (retry) => {
    // A power may overflow to Infinity, which the minimum brings back.
    const waitMs = baseMs === 0 ? 0 : Math.min(maxMs, baseMs * factor ** (retry - 1));
    if (jitter === "none") return waitMs;
    return jitter === "full" ? random() * waitMs : (0.8 + 0.4 * random()) * waitMs;
  };
}
