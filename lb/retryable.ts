/**
 * Which failures are worth a retry.
 * @module
 */
import { codeOf, isKitError } from "@kit/endpoint";

/** What the runtimes call the failures of a connection, as the `code` of an error. */
const CONNECTION_FAILURES: ReadonlySet<unknown> = /* @__PURE__ */ new Set([
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/**
 * Tells whether a failure says that another try, or another instance, may do better: `unavailable`,
 * `resource_exhausted` that tells when to come back, or a connection that failed with one of the
 * codes of Node.js, such as `ECONNREFUSED`.
 * @param error What a call rejected with.
 * @returns Whether to try again. A push-back that says never makes it `false`.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { isRetryable } from "@kit/lb";
 * import assert from "node:assert/strict";
 * assert(isRetryable(new KitError("unavailable", "Service is shutting down")));
 * assert(!isRetryable(new KitError("invalid_argument", "Empty string")));
 * ```
 */
export function isRetryable(error: unknown): boolean {
  if (!isKitError(error)) return isConnectionFailure(error);
  const { code, retryAfterMs } = error;
  if (retryAfterMs !== undefined && !(retryAfterMs >= 0)) return false;
  return code === "unavailable" || code === "resource_exhausted" && retryAfterMs !== undefined;
}

function isConnectionFailure(error: unknown): boolean {
  if (codeOf(error) !== "unknown") return false;
  // `fetch` wraps what failed once or twice; no chain is followed for ever.
  for (let depth = 0; depth < 4 && error instanceof Error; depth++, error = error.cause) {
    if (CONNECTION_FAILURES.has((error as { code?: unknown }).code)) return true;
  }
  return false;
}
