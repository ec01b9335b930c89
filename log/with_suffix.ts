/**
 * Puts fields to the end of every event.
 * @module
 */
import { contextual, partsOf } from "./_context.ts";
import type { Fields, Logger } from "./logger.ts";

/**
 * Gives a logger that puts fields to the end of every event, after those added earlier.
 * @param log The logger to add to.
 * @param fields What to add; it is copied. Functions as values are called for each event.
 * @returns The logger. Stacking many costs no more than one.
 * @example Usage
 * ```ts
 * import { logfmt, memorySink, withSuffix } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const log = withSuffix(logfmt(sink), { z: 26 });
 * log({ c: 3 });
 * assert.deepEqual(sink.lines, ["c=3 z=26"]);
 * ```
 */
export function withSuffix(log: Logger, fields: Fields): Logger {
  if (Object.keys(fields).length === 0) return log;
  const { next, before, after } = partsOf(log);
  return contextual({ next, before, after: { ...after, ...fields } });
}
