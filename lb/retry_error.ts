/**
 * The error of a call that was tried more than once in vain.
 * @module
 */
import { codeOf, KitError, toKitError } from "@kit/endpoint";
import type { Instance } from "@kit/sd";

/** One attempt that failed. */
export interface Attempt {
  /** Which attempt of the call it was, from 1 on. */
  readonly number: number;
  /** Which instance was called; `undefined` if there was none to pick. */
  readonly instance: Instance | undefined;
  /** What it failed with, as it came. */
  readonly error: unknown;
  /** Whether it was given up after `perAttemptMs`. */
  readonly timedOut: boolean;
}

/**
 * The error of a call whose attempts all failed. It has the code, the details and the push-back of
 * the last failure. Its message holds what may be shown of each failure; all there is to know of
 * them is in `attempts`.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { RetryError } from "@kit/lb";
 * import assert from "node:assert/strict";
 * const attempts = ["one", "two", "three"].map((message, i) => ({
 *   number: i + 1,
 *   instance: { address: `host${i}:80` },
 *   error: new KitError("unavailable", message),
 *   timedOut: false,
 * }));
 * assert.equal(new RetryError(attempts).message, "three (previously: one; two)");
 * ```
 */
export class RetryError extends KitError {
  /** Every attempt, in order. */
  readonly attempts: readonly Attempt[];

  /**
   * Creates the error of a call.
   * @param attempts Every attempt, in order; at least one.
   * @param final What the call failed with, if that is not the error of the last attempt.
   */
  constructor(attempts: readonly Attempt[], final?: unknown) {
    const cause = final ?? attempts.at(-1)?.error;
    const { message, details, retryAfterMs } = toKitError(cause);
    const earlier = attempts.slice(0, -1).map(({ error }) => toKitError(error).message);
    super(
      codeOf(cause),
      earlier.length === 0 ? message : `${message} (previously: ${earlier.join("; ")})`,
      { cause, details, ...(retryAfterMs !== undefined && { retryAfterMs }) },
    );
    this.name = "RetryError";
    this.attempts = attempts;
  }
}
