/**
 * Adds fields to every event.
 * @module
 */
import { contextual, partsOf } from "./_context.ts";
import type { Fields, Logger } from "./logger.ts";

/**
 * Gives a logger that adds fields to every event: after those added before, in front of the event's
 * own. Of two fields with one name the event's counts, and else the one added last. Functions as
 * values are called for each event, from left to right.
 * @param log The logger to add to.
 * @param fields What to add; it is copied.
 * @returns The logger. Stacking many costs no more than one.
 * @example Usage
 * ```ts
 * import { logfmt, memorySink, withFields } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * let n = 0;
 * const log = withFields(logfmt(sink), { service: "string", call: () => ++n });
 * log({ msg: "up" });
 * log({ msg: "down" });
 * assert.deepEqual(sink.lines, ["service=string call=1 msg=up", "service=string call=2 msg=down"]);
 * ```
 */
export function withFields(log: Logger, fields: Fields): Logger {
  if (Object.keys(fields).length === 0) return log;
  const { next, before, after } = partsOf(log);
  return contextual({ next, before: { ...before, ...fields }, after });
}
