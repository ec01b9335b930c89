/**
 * An error as plain members, for wires that carry JSON or headers.
 * @module
 */
import {
  type ErrorCode,
  type ErrorDetail,
  KitError,
  type KitErrorOptions,
  toKitError,
} from "@kit/endpoint";
import { isErrorCode } from "./http/status.ts";

/** The longest push-back that is believed: a day. */
export const MAX_RETRY_AFTER_MS = 86_400_000;

/** What of an error may be shown: never the text of one that is not a `KitError`. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Left out where there are none, or where they are no JSON. */
  readonly details?: readonly ErrorDetail[];
  /** Left out where there is none; a negative one says never. */
  readonly retryAfterMs?: number;
}

/** Tells what of an error may be shown. */
export function wireError(error: unknown): WireError {
  const { code, message, details, retryAfterMs } = toKitError(error);
  return {
    code: isErrorCode(code) ? code : "unknown",
    message,
    ...(details.length > 0 && isJson(details) ? { details } : {}),
    ...(Number.isFinite(retryAfterMs) ? { retryAfterMs: retryAfterMs! } : {}),
  };
}

/** Where the members of an error were found, and what stands in for those that are not there. */
export interface FoundError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
  readonly retryAfterMs?: unknown;
}

/** Makes the error out of members that a peer has sent, of which none is believed unseen. */
export function parseWireError(
  found: FoundError,
  otherwise: { readonly code: ErrorCode; readonly message: string },
): KitError {
  const { code, message, details, retryAfterMs } = found;
  const options: KitErrorOptions = {
    ...(Array.isArray(details) ? { details: details.filter(isDetail) } : {}),
    ...(typeof retryAfterMs === "number" && !Number.isNaN(retryAfterMs)
      ? { retryAfterMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) }
      : {}),
  };
  return new KitError(
    isErrorCode(code) ? code : otherwise.code,
    typeof message === "string" ? message : otherwise.message,
    options,
  );
}

function isDetail(value: unknown): value is ErrorDetail {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value can be written as JSON. */
export function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}
