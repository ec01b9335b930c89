/**
 * An error with an HTTP status of its own.
 * @module
 */
import { KitError, type KitErrorOptions } from "@kit/endpoint";
import { codeOfStatus } from "./status.ts";

/** A response or an error that chooses the HTTP status of its answer. */
export interface StatusCoder {
  /**
   * Tells the status.
   * @returns A status from 200 to 599.
   */
  statusCode(): number;
}

/** A response or an error that adds headers to its answer. */
export interface Headerer {
  /**
   * Tells the headers; all values of a name are sent.
   * @returns The headers.
   */
  headers(): HeadersInit;
}

/** Options for {@linkcode HttpError}. */
export interface HttpErrorOptions extends KitErrorOptions {
  /** Headers of the answer. */
  readonly headers?: HeadersInit;
}

/**
 * The error of a call that has to be answered with a status that no code has, such as 405 or 413.
 * @example Usage
 * ```ts
 * import { HttpError } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const error = new HttpError(415, "Cannot decode a picture");
 * assert.equal(error.code, "invalid_argument");
 * assert.equal(error.statusCode(), 415);
 * ```
 */
export class HttpError extends KitError implements StatusCoder, Headerer {
  readonly #status: number;
  readonly #headers: HeadersInit;

  /**
   * Creates the error.
   * @param status The status, from 400 to 599.
   * @param message What the caller may read.
   * @param options Headers, and the options of every error.
   */
  constructor(status: number, message: string, options: HttpErrorOptions = {}) {
    super(codeOfStatus(status), message, options);
    this.name = "HttpError";
    this.#status = status;
    this.#headers = options.headers ?? [];
  }

  /**
   * Tells the status.
   * @returns The status.
   */
  statusCode(): number {
    return this.#status;
  }

  /**
   * Tells the headers.
   * @returns The headers.
   */
  headers(): HeadersInit {
    return this.#headers;
  }
}

/** Tells the status that a response or an error chooses, if it does. */
export function chosenStatus(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { statusCode } = value as Partial<StatusCoder>;
  return typeof statusCode === "function" ? statusCode.call(value) : undefined;
}

/** Tells the headers that a response or an error adds, if it does. */
export function chosenHeaders(value: unknown): HeadersInit | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { headers } = value as Partial<Headerer>;
  return typeof headers === "function" ? headers.call(value) : undefined;
}

/** Tells whether a response of that status has no body. */
export function isWithoutBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
