/**
 * Several loggers as one.
 * @module
 */
import type { Logger } from "./logger.ts";

/**
 * Gives a logger that hands each event to several.
 * @param logs The loggers, in the order in which they are called; one that throws does not keep the
 * event from the others.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { json, logfmt, memorySink, multiLogger } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * multiLogger(logfmt(sink), json(sink))({ n: 1 });
 * assert.deepEqual(sink.lines, ["n=1", '{"n":1}']);
 * ```
 */
export function multiLogger(...logs: readonly Logger[]): Logger {
  const kitLog: Logger = (fields) => {
    for (const log of logs) {
      try {
        log(fields);
      } catch {
        // The others must have the event, and the call must not fail.
      }
    }
  };
  return kitLog;
}
