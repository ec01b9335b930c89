/**
 * Which failures speak against the instance.
 * @module
 */
import { codeOf, type ErrorCode } from "@kit/endpoint";

const HOST_FAILURES: ReadonlySet<ErrorCode> = /* @__PURE__ */ new Set<ErrorCode>([
  "data_loss",
  "deadline_exceeded",
  "internal",
  "unavailable",
  "unknown",
]);

/**
 * Tells whether a failure speaks against the instance that was called, not against the call:
 * `unavailable`, `deadline_exceeded`, `internal`, `data_loss`, and `unknown`, which is what every
 * error without a code counts as.
 * @param error What a call rejected with.
 * @returns Whether it does.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { isHostFailure } from "@kit/lb";
 * import assert from "node:assert/strict";
 * assert(isHostFailure(new KitError("unavailable", "Service is shutting down")));
 * assert(!isHostFailure(new KitError("invalid_argument", "Empty string")));
 * ```
 */
export function isHostFailure(error: unknown): boolean {
  return HOST_FAILURES.has(codeOf(error));
}
