/**
 * The table between the codes of Kit and the status numbers of gRPC.
 * @module
 */
import { type Code, CODES } from "@kit/endpoint";

/**
 * Tells the status number of a code, as https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
 * has it.
 * @param code The code.
 * @returns The number, 0 to 16.
 * @example Usage
 * ```ts
 * import { statusOf } from "@kit/transport/grpc";
 * import assert from "node:assert/strict";
 * assert.equal(statusOf("resource_exhausted"), 8);
 * ```
 */
export function statusOf(code: Code): number {
  const status = CODES.indexOf(code);
  return status < 0 ? 2 : status;
}

/**
 * Tells the code of a status number.
 * @param status The number.
 * @returns The code; `unknown` for a number that gRPC does not have.
 * @example Usage
 * ```ts
 * import { codeOfStatus } from "@kit/transport/grpc";
 * import assert from "node:assert/strict";
 * assert.equal(codeOfStatus(14), "unavailable");
 * assert.equal(codeOfStatus(99), "unknown");
 * ```
 */
export function codeOfStatus(status: number): Code {
  return CODES[status] ?? "unknown";
}
