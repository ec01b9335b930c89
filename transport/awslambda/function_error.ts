/**
 * Errors as Lambda tells them to the caller of a function.
 * @module
 */
import type { KitError } from "@kit/endpoint";
import { parseWireError, wireError } from "../_wire_error.ts";

/** What Lambda answers when a function has failed: `X-Amz-Function-Error` is set then. */
export interface FunctionError {
  /** What kind of error it is: of a function that Kit serves, the code. */
  readonly errorType?: unknown;
  /** What it says. */
  readonly errorMessage?: unknown;
}

/**
 * Makes what a handler is to throw for an error. Lambda shows the name, the message and the stack of
 * what is thrown to the caller, so they are the code, which the rules of Step Functions can match as
 * `errorType`, the message that may be shown, and nothing.
 * @param error Anything that was thrown.
 * @returns The error to throw. Its details and its push-back cannot be told.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { functionError } from "@kit/transport/awslambda";
 * import assert from "node:assert/strict";
 * assert.equal(functionError(new KitError("not_found", "No such order")).name, "not_found");
 * assert.equal(functionError(new Error("password=hunter2")).message, "Unknown error");
 * ```
 */
export function functionError(error: unknown): Error {
  const { code, message } = wireError(error);
  const shown = new Error(message);
  shown.name = code;
  shown.stack = `${code}: ${message}`;
  return shown;
}

/**
 * Reads the error out of the payload that Lambda answers when a function has failed.
 * @param payload The payload, as JSON or parsed.
 * @returns The error: with the code that a function of Kit has told; `deadline_exceeded` where Lambda
 * has given up on a function that took too long; else `unknown`.
 * @example Usage
 * ```ts
 * import { parseFunctionError } from "@kit/transport/awslambda";
 * import assert from "node:assert/strict";
 * const payload = `{"errorType":"not_found","errorMessage":"No such order","trace":[]}`;
 * assert.equal(parseFunctionError(payload).code, "not_found");
 * ```
 */
export function parseFunctionError(payload: string | FunctionError): KitError {
  const found = typeof payload === "string" ? parsed(payload) : payload;
  const { errorType, errorMessage } = found ?? {};
  const isLate = errorType === "Sandbox.Timedout" ||
    (typeof errorMessage === "string" && / Task timed out after /.test(errorMessage));
  const otherwise = { code: isLate ? "deadline_exceeded" : "unknown", message: "Function failed" };
  return parseWireError(
    { code: errorType, message: errorMessage },
    otherwise as { code: KitError["code"]; message: string },
  );
}

function parsed(text: string): FunctionError {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
