/**
 * The table between the codes of Kit and the close codes of WebSocket.
 * @module
 */
import { CODES, type ErrorCode } from "@kit/endpoint";

/** What applications may use as they like: RFC 6455 section 7.4.2. */
const BASE = 4000;

/** The most bytes that the reason of a close may have: RFC 6455 section 5.5. */
const MAX_REASON_BYTES = 123;

/** What closes tell that are not of this table: RFC 6455 section 7.4.1. */
const STANDARD = new Map<number, ErrorCode>([
  [1002, "internal"],
  [1003, "invalid_argument"],
  [1007, "invalid_argument"],
  [1008, "permission_denied"],
  [1009, "resource_exhausted"],
  [1011, "internal"],
]);

/** Tells the close code of a code: 4000 and its number in gRPC. */
export function closeCodeOf(code: ErrorCode): number {
  return BASE + CODES.indexOf(code);
}

/** Tells the code of a close code; `unavailable` for a connection that just broke. */
export function codeOfClose(closeCode: number): ErrorCode {
  const code = CODES[closeCode - BASE];
  if (code !== undefined && code !== "ok") return code;
  return STANDARD.get(closeCode) ?? "unavailable";
}

/** Cuts a text so that it fits the reason of a close, between two letters. */
export function closeReason(text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_REASON_BYTES));
  return text.slice(0, read);
}
