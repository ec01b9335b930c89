/**
 * Joins a format and a sink.
 * @module
 */
import { panicText } from "./_text.ts";
import type { Logger } from "./logger.ts";
import type { Format, Sink } from "./sink.ts";

/**
 * Gives a logger that writes lines in a format. It never throws: an event that cannot be written
 * (a getter of it throws) is told by a line that says so, and what the sink throws is dropped.
 * @param sink Where the lines go.
 * @param format Writes a line.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { formatLogfmt, lineLogger, memorySink, withPriority } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * lineLogger(sink, withPriority(formatLogfmt))({ msg: "hello" });
 * assert.deepEqual(sink.lines, ["<6>msg=hello"]);
 * ```
 */
export function lineLogger(sink: Sink, format: Format): Logger {
  const kitLog: Logger = (fields) => {
    try {
      sink(write(format, fields));
    } catch {
      // Neither a format nor a sink may fail the call that logs.
    }
  };
  return kitLog;
}

function write(format: Format, fields: Parameters<Format>[0]): string {
  try {
    return format(fields);
  } catch (error) {
    return format({ msg: "Cannot write event", err: panicText("field", error) });
  }
}
