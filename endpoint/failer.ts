/**
 * Business failures that travel inside the response.
 * @module
 */

/**
 * A response that may carry a business failure. The call itself succeeded: a breaker, a retry or a
 * limiter does not see the failure, while logging, metrics and the encoder of a transport do.
 */
export interface Failer {
  /**
   * Tells the business failure.
   * @returns The failure, or `undefined` when the business went well.
   */
  failed(): Error | undefined;
}

/**
 * Tells the business failure that a response carries.
 * @param response Any response.
 * @returns The error of its `failed()` method, or `undefined` when it has none or did not fail.
 * @example Usage
 * ```ts
 * import { failure } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * assert.equal(failure({ failed: () => new Error("Empty string") })?.message, "Empty string");
 * assert.equal(failure({ v: 1 }), undefined);
 * ```
 */
export function failure(response: unknown): Error | undefined {
  if (typeof response !== "object" || response === null) return undefined;
  const { failed } = response as Partial<Failer>;
  return typeof failed === "function" ? failed.call(response) ?? undefined : undefined;
}
