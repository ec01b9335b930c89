/**
 * A level for events without one.
 * @module
 */
import { type Level, levelOf } from "./level.ts";
import type { Logger } from "./logger.ts";

/**
 * Gives a logger that puts a level in front of every event that has none.
 * @param log Where all go.
 * @param level The level to put.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { injectLevel, level, LEVELS, logfmt, memorySink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const log = injectLevel(logfmt(sink), LEVELS.info);
 * log({ msg: "hello" });
 * level.error(log)({ msg: "down" });
 * assert.deepEqual(sink.lines, ["level=info msg=hello", "level=error msg=down"]);
 * ```
 */
export function injectLevel(log: Logger, level: Level): Logger {
  const field = { level };
  const kitLog: Logger = (fields) =>
    log(levelOf(fields) === undefined ? { ...field, ...fields, ...field } : fields);
  return kitLog;
}
