/**
 * The error of a failed call and its codes.
 * @module
 */

/**
 * How a call ended: one of 17 codes, named as gRPC names them
 * (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
 */
export type Code =
  | "ok"
  | "cancelled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/** Every {@linkcode Code}, each at the place of gRPC's number for it. */
export const CODES: readonly Code[] = Object.freeze<Code[]>([
  "ok",
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
]);

/** How a call failed: every {@linkcode Code} but `ok`. */
export type ErrorCode = Exclude<Code, "ok">;

/**
 * One machine-readable detail of an error, as plain JSON. A validation failure has one for each
 * field, with `pointer` (a JSON pointer, RFC 6901) and `detail`, as RFC 9457 shows it.
 */
export type ErrorDetail = Readonly<Record<string, unknown>>;

/** Options for {@linkcode KitError}. */
export interface KitErrorOptions {
  /** What led to the error. It is logged and never reaches a wire. */
  readonly cause?: unknown;
  /**
   * Details that are safe to show to the caller.
   * @default {[]}
   */
  readonly details?: readonly ErrorDetail[];
  /** After how many milliseconds a retry makes sense. A negative number says never. */
  readonly retryAfterMs?: number;
}

const brand: unique symbol = Symbol.for("kit.error");

/**
 * The error of a failed call. Its message and details are shown to the caller on every wire, its
 * cause and stack never are.
 *
 * Branch on `code`, never on `instanceof`: two copies of this package may be loaded at once.
 * @example Usage
 * ```ts
 * import { codeOf, KitError } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const error = new KitError("not_found", `Cannot find profile "7"`);
 * assert.equal(codeOf(error), "not_found");
 * ```
 */
export class KitError extends Error {
  /** What kind of failure it is. */
  readonly code: ErrorCode;
  /** Details that are safe to show to the caller. */
  readonly details: readonly ErrorDetail[];
  /** After how many milliseconds a retry makes sense; negative says never, `undefined` nothing. */
  readonly retryAfterMs: number | undefined;

  /**
   * Creates the error of a failed call.
   * @param code What kind of failure it is.
   * @param message What the caller may read.
   * @param options The cause, the details and the push-back.
   */
  constructor(code: ErrorCode, message: string, options: KitErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.name = "KitError";
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Marks the error, so that every copy of this package knows it. */
  get [brand](): true {
    return true;
  }
}

/**
 * Tells whether a value is a {@linkcode KitError}, of whichever copy of this package.
 * @param value Anything that was thrown.
 * @returns Whether it has a code.
 * @example Usage
 * ```ts
 * import { isKitError, KitError } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * assert(isKitError(new KitError("aborted", "Try again")));
 * assert(!isKitError(Object.assign(new Error("refused"), { code: "ECONNREFUSED" })));
 * ```
 */
export function isKitError(value: unknown): value is KitError {
  return typeof value === "object" && value !== null &&
    (value as { [brand]?: unknown })[brand] === true;
}

/**
 * Tells the code of whatever a call rejected with.
 * @param error Anything that was thrown.
 * @returns The code of a {@linkcode KitError}; `cancelled` for an `AbortError` and
 * `deadline_exceeded` for a `TimeoutError` of the platform; `unknown` for all else, also for errors
 * of systems and libraries that have a `code` of their own.
 * @example Usage
 * ```ts
 * import { codeOf } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * assert.equal(codeOf(new DOMException("late", "TimeoutError")), "deadline_exceeded");
 * assert.equal(codeOf("boom"), "unknown");
 * ```
 */
export function codeOf(error: unknown): ErrorCode {
  if (isKitError(error)) return error.code;
  if (error instanceof DOMException) {
    if (error.name === "AbortError") return "cancelled";
    if (error.name === "TimeoutError") return "deadline_exceeded";
  }
  // What the `node:` modules reject with when their signal is aborted is no DOMException.
  if (error instanceof Error && (error as { code?: unknown }).code === "ABORT_ERR") {
    return "cancelled";
  }
  return "unknown";
}

/**
 * Turns whatever a call rejected with into an error that may be shown to its caller.
 * @param error Anything that was thrown.
 * @returns The error itself if it is a {@linkcode KitError}, else one with the code of
 * {@linkcode codeOf}, a text that tells nothing of the inside, and the error as its cause.
 * @example Usage
 * ```ts
 * import { toKitError } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const shown = toKitError(new Error("password=hunter2"));
 * assert.equal(shown.code, "unknown");
 * assert.equal(shown.message, "Unknown error");
 * ```
 */
export function toKitError(error: unknown): KitError {
  if (isKitError(error)) return error;
  const code = codeOf(error);
  const message = code === "cancelled"
    ? "Call was cancelled"
    : code === "deadline_exceeded"
    ? "Deadline exceeded"
    : "Unknown error";
  return new KitError(code, message, { cause: error });
}
