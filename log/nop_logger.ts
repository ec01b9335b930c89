/**
 * A logger that does nothing.
 * @module
 */
import type { Fields } from "./logger.ts";

/**
 * Drops every event. It stands in where a logger is wanted and nobody reads it.
 * @param _fields The event.
 * @example Usage
 * ```ts
 * import { type Logger, nopLogger } from "@kit/log";
 * import assert from "node:assert/strict";
 * const log: Logger = nopLogger;
 * assert.equal(log({ msg: "hello" }), undefined);
 * ```
 */
export function nopLogger(_fields: Fields): void {}
