/**
 * Errors on the wire of gRPC: a status, a text and, in `grpc-status-details-bin`, google.rpc.Status
 * with what else there is to tell.
 * @module
 */
import type { Metadata as GrpcMetadata, StatusObject } from "@grpc/grpc-js";
import { type ErrorCode, type ErrorDetail, KitError } from "@kit/endpoint";
import { Buffer } from "node:buffer";
import { parseWireError, wireError } from "../_wire_error.ts";
import { decodeStatus, encodeStatus } from "./_rpc_status.ts";
import { codeOfStatus, statusOf } from "./status.ts";

const DETAILS = "grpc-status-details-bin";
/** Proposal A6: when, or with a negative number that never, a retry makes sense. */
const PUSHBACK = "grpc-retry-pushback-ms";

/** Trailers are headers, of which a peer may take no more than 8 KiB. */
const MAX_DETAIL_BYTES = 4096;
const MAX_MESSAGE_BYTES = 2048;

/** Writes an error into the trailer of a call. */
export function statusOfError(
  error: unknown,
  trailer: GrpcMetadata,
): { readonly code: number; readonly details: string; readonly metadata: GrpcMetadata } {
  const { code, message, details = [], retryAfterMs } = wireError(error);
  const status = statusOf(code);
  // A lone surrogate cannot be percent-encoded.
  const text = shortened(message.toWellFormed());
  if (details.length > 0 || retryAfterMs !== undefined) {
    const bytes = fitting(status, text, details, retryAfterMs);
    if (bytes !== undefined) trailer.set(DETAILS, Buffer.from(bytes));
  }
  if (retryAfterMs !== undefined) trailer.set(PUSHBACK, String(Math.ceil(retryAfterMs)));
  return { code: status, details: text, metadata: trailer };
}

/** Leaves the last details out until the rest fits. */
function fitting(
  code: number,
  message: string,
  details: readonly ErrorDetail[],
  retryAfterMs: number | undefined,
): Uint8Array | undefined {
  for (let count = details.length; count >= 0; count = count > 8 ? count >> 1 : count - 1) {
    const bytes = encodeStatus({ code, message, details: details.slice(0, count), retryAfterMs });
    if (bytes.length <= MAX_DETAIL_BYTES) return bytes;
  }
  return undefined;
}

function shortened(text: string): string {
  if (text.length <= MAX_MESSAGE_BYTES / 9 || encodeURI(text).length <= MAX_MESSAGE_BYTES) {
    return text;
  }
  let length = Math.min(text.length, MAX_MESSAGE_BYTES);
  for (;;) {
    const start = `${text.slice(0, length).toWellFormed()}...`;
    if (encodeURI(start).length <= MAX_MESSAGE_BYTES) return start;
    length = Math.floor(length * 0.8);
  }
}

/** Makes the error of a call that did not end well. */
export function errorOfStatus(status: StatusObject, isFromPeer: boolean): KitError {
  const code = errorCode(status.code);
  if (!isFromPeer) {
    const message = OWN_MESSAGES.get(code) ?? status.details;
    return new KitError(code, message, { cause: new Error(status.details) });
  }
  const found = richOf(status);
  const pushback = status.metadata.get(PUSHBACK);
  const retryAfterMs = pushback.length === 0
    ? found?.retryAfterMs
    // What cannot be read says never, as A6 has it.
    : pushback.length === 1 && /^-?\d{1,10}$/.test(String(pushback[0]))
    ? Number(pushback[0])
    : -1;
  return parseWireError(
    { details: found?.details, retryAfterMs },
    { code, message: found?.message || status.details },
  );
}

/** What grpc-js says of its own names addresses, which concern no caller. */
const OWN_MESSAGES: ReadonlyMap<ErrorCode, string> = new Map([
  ["unavailable", "Cannot reach service"],
  ["deadline_exceeded", "Deadline exceeded"],
  ["cancelled", "Call was cancelled"],
  ["unknown", "Unknown error"],
]);

function errorCode(status: number): ErrorCode {
  const code = codeOfStatus(status);
  return code === "ok" ? "unknown" : code;
}

function richOf(status: StatusObject): ReturnType<typeof decodeStatus> | undefined {
  const bytes = status.metadata.get(DETAILS)[0];
  if (bytes === undefined || typeof bytes === "string") return undefined;
  try {
    const found = decodeStatus(bytes);
    // Details of another code are about another error.
    return found.code === status.code ? found : undefined;
  } catch {
    return undefined;
  }
}
