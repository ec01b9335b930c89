/**
 * An error with a JSON-RPC error code of its own.
 * @module
 */
import { type ErrorCode, KitError, type KitErrorOptions } from "@kit/endpoint";
import { codeOfRpcCode, errorText } from "./rpc_codes.ts";

/** An error that chooses its error code on the wire. */
export interface ErrorCoder {
  /**
   * Tells the error code.
   * @returns A whole number.
   */
  errorCode(): number;
}

/** Options for {@linkcode JsonRpcError}. */
export interface JsonRpcErrorOptions extends KitErrorOptions {
  /**
   * The code.
   * @default {codeOfRpcCode(rpcCode)}
   */
  readonly code?: ErrorCode;
  /**
   * What the `data` member of the error is, in place of the code, the details and the push-back. It
   * is JSON, and safe to show to the caller.
   */
  readonly data?: unknown;
}

/**
 * The error of a call with an error code of its own, be it one that a method fails with or one that
 * a server has answered.
 * @example Usage
 * ```ts
 * import { JsonRpcError } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * const error = new JsonRpcError(1001, "Cannot book as the flight is full", {
 *   code: "failed_precondition",
 * });
 * assert.equal(error.rpcCode, 1001);
 * assert.equal(error.code, "failed_precondition");
 * ```
 */
export class JsonRpcError extends KitError implements ErrorCoder {
  /** The error code on the wire. */
  readonly rpcCode: number;
  /** The `data` member of the error, if it has one. */
  readonly data: unknown;

  /**
   * Creates the error.
   * @param rpcCode The error code, a whole number; -32768 to -32000 belong to the specification.
   * @param message What the caller may read; if it is empty, the text for the error code.
   * @param options The code, the data, and the options of every error.
   */
  constructor(rpcCode: number, message: string = "", options: JsonRpcErrorOptions = {}) {
    super(
      options.code ?? codeOfRpcCode(rpcCode),
      message === "" ? errorText(rpcCode) : message,
      options,
    );
    this.name = "JsonRpcError";
    this.rpcCode = rpcCode;
    this.data = options.data;
  }

  /**
   * Tells the error code.
   * @returns The error code.
   */
  errorCode(): number {
    return this.rpcCode;
  }
}
