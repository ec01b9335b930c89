/**
 * A logger for each level.
 * @module
 */
import { level, type LevelName } from "./level.ts";
import type { Logger } from "./logger.ts";

/** A logger for each level. */
export type LeveledLogger = Readonly<Record<LevelName, Logger>>;

/**
 * Gives a logger for each level.
 * @param log Where they all write to.
 * @returns The four loggers; each puts `level` in front of its events.
 * @example Usage
 * ```ts
 * import { leveled, logfmt, memorySink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const log = leveled(logfmt(sink));
 * log.info({ msg: "hello" });
 * log.error({ err: new Error("down") });
 * assert.deepEqual(sink.lines, ["level=info msg=hello", "level=error err=down"]);
 * ```
 */
export function leveled(log: Logger): LeveledLogger {
  return {
    debug: level.debug(log),
    info: level.info(log),
    warn: level.warn(log),
    error: level.error(log),
  };
}
