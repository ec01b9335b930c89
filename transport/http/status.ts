/**
 * The table between the codes of Kit and the statuses of HTTP.
 * @module
 */
import { type Code, CODES, type ErrorCode } from "@kit/endpoint";

// https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
const STATUSES: Readonly<Record<Code, number>> = {
  ok: 200,
  cancelled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
};

// What a status means when no code comes with it, so when the peer is not a Kit service.
const CODES_BY_STATUS = new Map<number, ErrorCode>([
  [400, "invalid_argument"],
  [401, "unauthenticated"],
  [403, "permission_denied"],
  [404, "not_found"],
  [405, "unimplemented"],
  [408, "deadline_exceeded"],
  [409, "aborted"],
  [410, "not_found"],
  [412, "failed_precondition"],
  [413, "resource_exhausted"],
  [415, "invalid_argument"],
  [416, "out_of_range"],
  [422, "invalid_argument"],
  [428, "failed_precondition"],
  [429, "resource_exhausted"],
  [431, "resource_exhausted"],
  [499, "cancelled"],
  [501, "unimplemented"],
  [502, "unavailable"],
  [503, "unavailable"],
  [504, "deadline_exceeded"],
]);

/**
 * Tells the HTTP status of a code, by the table of google.rpc.Code.
 * @param code The code.
 * @returns The status.
 * @example Usage
 * ```ts
 * import { statusOf } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * assert.equal(statusOf("resource_exhausted"), 429);
 * ```
 */
export function statusOf(code: Code): number {
  return STATUSES[code];
}

/**
 * Tells the code of an HTTP status that came without one.
 * @param status The status.
 * @returns The code: the one of the table, for other 4xx `failed_precondition`, else `unknown`.
 * @example Usage
 * ```ts
 * import { codeOfStatus } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * assert.equal(codeOfStatus(503), "unavailable");
 * assert.equal(codeOfStatus(418), "failed_precondition");
 * ```
 */
export function codeOfStatus(status: number): ErrorCode {
  const code = CODES_BY_STATUS.get(status);
  if (code !== undefined) return code;
  return status >= 400 && status < 500 ? "failed_precondition" : "unknown";
}

/** Tells whether a value that came over the wire is the code of an error. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return value !== "ok" && (CODES as readonly unknown[]).includes(value);
}
