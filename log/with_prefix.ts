/**
 * Puts fields to the very front of every event.
 * @module
 */
import { contextual, partsOf } from "./_context.ts";
import type { Fields, Logger } from "./logger.ts";

/**
 * Gives a logger that puts fields to the very front of every event, before those added earlier.
 * @param log The logger to add to.
 * @param fields What to add; it is copied. Functions as values are called for each event.
 * @returns The logger. Stacking many costs no more than one.
 * @example Usage
 * ```ts
 * import { logfmt, memorySink, withFields, withPrefix } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const log = withPrefix(withFields(logfmt(sink), { b: 2 }), { a: 1 });
 * log({ c: 3 });
 * assert.deepEqual(sink.lines, ["a=1 b=2 c=3"]);
 * ```
 */
export function withPrefix(log: Logger, fields: Fields): Logger {
  if (Object.keys(fields).length === 0) return log;
  const { next, before, after } = partsOf(log);
  return contextual({ next, before: { ...fields, ...before, ...fields }, after });
}
