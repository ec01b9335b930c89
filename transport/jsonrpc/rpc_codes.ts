/**
 * The table between the codes of Kit and the error codes of JSON-RPC.
 *
 * | Kit                | JSON-RPC | Kit                   | JSON-RPC |
 * | ------------------ | -------- | --------------------- | -------- |
 * | `invalid_argument` | -32602   | `resource_exhausted`  | -32088   |
 * | `unimplemented`    | -32601   | `failed_precondition` | -32089   |
 * | `internal`         | -32603   | `aborted`             | -32090   |
 * | `unknown`          | -32603   | `out_of_range`        | -32091   |
 * | `cancelled`        | -32081   | `unavailable`         | -32094   |
 * | `deadline_exceeded`| -32084   | `data_loss`           | -32095   |
 * | `not_found`        | -32085   | `unauthenticated`     | -32096   |
 * | `already_exists`   | -32086   |                       |          |
 * | `permission_denied`| -32087   |                       |          |
 *
 * Those without a number in the specification have -32080 less gRPC's number. They lie at the far end
 * of the range that servers may use, as other servers give the near end meanings of their own.
 * @module
 */
import { CODES, type ErrorCode } from "@kit/endpoint";

/** The text of a request could not be read as JSON. */
export const PARSE_ERROR: number = -32700;
/** What was sent is JSON, but no request. */
export const INVALID_REQUEST: number = -32600;
/** There is no method of that name. */
export const METHOD_NOT_FOUND: number = -32601;
/** The parameters are not those of the method. */
export const INVALID_PARAMS: number = -32602;
/** The server failed. */
export const INTERNAL_ERROR: number = -32603;

/** From here on downwards lie the codes that have a number of Kit's. */
const BASE = -32080;

const RPC_CODES: Readonly<Record<ErrorCode, number>> = {
  cancelled: BASE - 1,
  unknown: INTERNAL_ERROR,
  invalid_argument: INVALID_PARAMS,
  deadline_exceeded: BASE - 4,
  not_found: BASE - 5,
  already_exists: BASE - 6,
  permission_denied: BASE - 7,
  resource_exhausted: BASE - 8,
  failed_precondition: BASE - 9,
  aborted: BASE - 10,
  out_of_range: BASE - 11,
  unimplemented: METHOD_NOT_FOUND,
  internal: INTERNAL_ERROR,
  unavailable: BASE - 14,
  data_loss: BASE - 15,
  unauthenticated: BASE - 16,
};

const TEXTS = new Map([
  [PARSE_ERROR, "Request is not JSON"],
  [INVALID_REQUEST, "Request is not a JSON-RPC 2.0 request"],
  [METHOD_NOT_FOUND, "Method does not exist"],
  [INVALID_PARAMS, "Parameters are not those of the method"],
  [INTERNAL_ERROR, "Server failed"],
]);

/**
 * Tells the error code of JSON-RPC for a code.
 * @param code The code.
 * @returns The number of the table.
 * @example Usage
 * ```ts
 * import { rpcCodeOf } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * assert.equal(rpcCodeOf("invalid_argument"), -32602);
 * assert.equal(rpcCodeOf("not_found"), -32085);
 * ```
 */
export function rpcCodeOf(code: ErrorCode): number {
  return RPC_CODES[code];
}

/**
 * Tells the code of an error code of JSON-RPC that came without one.
 * @param rpcCode The number.
 * @returns The code of the table; `invalid_argument` for -32700 and -32600, `internal` for -32603,
 * `unknown` for all that others have made up.
 * @example Usage
 * ```ts
 * import { codeOfRpcCode } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * assert.equal(codeOfRpcCode(-32601), "unimplemented");
 * assert.equal(codeOfRpcCode(-32000), "unknown");
 * ```
 */
export function codeOfRpcCode(rpcCode: number): ErrorCode {
  switch (rpcCode) {
    case PARSE_ERROR:
    case INVALID_REQUEST:
    case INVALID_PARAMS:
      return "invalid_argument";
    case METHOD_NOT_FOUND:
      return "unimplemented";
    case INTERNAL_ERROR:
      return "internal";
  }
  const code = CODES[BASE - rpcCode] as ErrorCode | undefined;
  return code !== undefined && RPC_CODES[code] === rpcCode ? code : "unknown";
}

/**
 * Tells the text of an error code that came without one.
 * @param rpcCode The number.
 * @returns A text for the five codes of the specification, `Call failed with code ...` for others.
 * @example Usage
 * ```ts
 * import { errorText } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * assert.equal(errorText(-32601), "Method does not exist");
 * assert.equal(errorText(7), "Call failed with code 7");
 * ```
 */
export function errorText(rpcCode: number): string {
  return TEXTS.get(rpcCode) ?? `Call failed with code ${rpcCode}`;
}
