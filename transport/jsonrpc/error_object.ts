/**
 * Errors as the error objects of JSON-RPC, written and read.
 * @module
 */
import { isKitError } from "@kit/endpoint";
import { isJson, parseWireError, wireError } from "../_wire_error.ts";
import { type ErrorCoder, JsonRpcError } from "./json_rpc_error.ts";
import { codeOfRpcCode, errorText, rpcCodeOf } from "./rpc_codes.ts";

/** The `error` member of a response. */
export interface ErrorObject {
  /** The error code, a whole number. */
  readonly code: number;
  /** What the caller may read. */
  readonly message: string;
  /** More of it, as JSON. */
  readonly data?: unknown;
}

/**
 * Makes the error object for a failed call. The error code is the one that `errorCode()` of the error
 * chooses, or that of the table for its code. `data` is the error's own, or an object with the members
 * `code`, and, where the error has them, `details` and `retryAfterMs`.
 *
 * Only a `KitError` shows its message. Of anything else not a word is told. Data that is no JSON is
 * left out.
 * @param error What was thrown.
 * @returns The error object.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { errorObject } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * assert.deepEqual(errorObject(new KitError("not_found", `Cannot find profile "7"`)), {
 *   code: -32085,
 *   message: `Cannot find profile "7"`,
 *   data: { code: "not_found" },
 * });
 * assert.equal(errorObject(new Error("password=hunter2")).message, "Unknown error");
 * ```
 */
export function errorObject(error: unknown): ErrorObject {
  const { code, message, ...more } = wireError(error);
  const own = chosenCode(error);
  const data = isKitError(error) && "data" in error ? error.data : undefined;
  return {
    code: own ?? rpcCodeOf(code),
    message,
    data: data !== undefined && isJson(data) ? data : {
      // An error of someone else's that has chosen an error code has chosen a code with it.
      code: code === "unknown" && own !== undefined ? codeOfRpcCode(own) : code,
      ...more,
    },
  };
}

/** The error code that an error chooses, if it does. */
function chosenCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    const code = (error as Partial<ErrorCoder>).errorCode?.();
    return Number.isSafeInteger(code) ? code : undefined;
  } catch {
    // An answer there must be.
    return undefined;
  }
}

/**
 * Reads the error out of the `error` member of a response. The code is the one in its `data`, so that
 * it survives several hops, or else that of its error code.
 * @param value The member, of which nothing is believed unseen.
 * @returns The error.
 * @example Usage
 * ```ts
 * import { errorObject, JsonRpcError, parseErrorObject } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * const error = parseErrorObject(errorObject(new JsonRpcError(1001, "Full", { code: "aborted" })));
 * assert.equal(error.rpcCode, 1001);
 * assert.equal(error.code, "aborted");
 * assert.equal(parseErrorObject({ code: -32601, message: "?" }).code, "unimplemented");
 * ```
 */
export function parseErrorObject(value: unknown): JsonRpcError {
  const { code: found, message, data } = members(value);
  const rpcCode = Number.isSafeInteger(found) ? found as number : 0;
  const { code, details, retryAfterMs } = members(data);
  const error = parseWireError({ code, message, details, retryAfterMs }, {
    code: codeOfRpcCode(rpcCode),
    message: errorText(rpcCode),
  });
  return new JsonRpcError(rpcCode, error.message, {
    code: error.code,
    details: error.details,
    data,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  });
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
