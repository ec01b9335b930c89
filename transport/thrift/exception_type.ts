/**
 * The table between the codes of Kit and the types of TApplicationException.
 * @module
 */
import type { ErrorCode } from "@kit/endpoint";

/** The types of TApplicationException that Kit sends, by what they say. */
const TYPES: ReadonlyMap<ErrorCode, number> = new Map<ErrorCode, number>([
  ["unknown", 0],
  ["unimplemented", 1],
  ["internal", 6],
  ["invalid_argument", 7],
]);

const CODES: readonly ErrorCode[] = [
  "unknown", // UNKNOWN
  "unimplemented", // UNKNOWN_METHOD
  "internal", // INVALID_MESSAGE_TYPE
  "internal", // WRONG_METHOD_NAME
  "internal", // BAD_SEQUENCE_ID
  "internal", // MISSING_RESULT
  "internal", // INTERNAL_ERROR
  "invalid_argument", // PROTOCOL_ERROR
  "unimplemented", // INVALID_TRANSFORM
  "unimplemented", // INVALID_PROTOCOL
  "unimplemented", // UNSUPPORTED_CLIENT_TYPE
];

/**
 * Tells the type of TApplicationException that an error is sent as. The code itself is sent along, in
 * a field that other libraries pass over.
 * @param code The code.
 * @returns The type: 1 for `unimplemented`, 6 for `internal`, 7 for `invalid_argument`, else 0.
 * @example Usage
 * ```ts
 * import { exceptionTypeOf } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * assert.equal(exceptionTypeOf("unimplemented"), 1);
 * assert.equal(exceptionTypeOf("not_found"), 0);
 * ```
 */
export function exceptionTypeOf(code: ErrorCode): number {
  return TYPES.get(code) ?? 0;
}

/**
 * Tells the code of a TApplicationException that came without one, so from a peer that is not Kit.
 * @param type Its type.
 * @returns The code; `unknown` for a type that Thrift does not have.
 * @example Usage
 * ```ts
 * import { codeOfExceptionType } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * assert.equal(codeOfExceptionType(1), "unimplemented");
 * assert.equal(codeOfExceptionType(99), "unknown");
 * ```
 */
export function codeOfExceptionType(type: number): ErrorCode {
  return CODES[type] ?? "unknown";
}
