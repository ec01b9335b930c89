/**
 * Lets events pass by level.
 * @module
 */
import { type Level, type LevelName, levelOf } from "./level.ts";
import type { Logger } from "./logger.ts";
import { parseLevel } from "./parse_level.ts";

/**
 * The least level that passes: a level, its name, `"all"`, which is `"debug"`, or `"none"`, which
 * `undefined` is as well.
 */
export type Allowed = Level | LevelName | "all" | "none" | undefined;

/** Options for {@linkcode allow}. */
export interface AllowOptions {
  /**
   * Whether events without a level are held back too.
   * @default {false}
   */
  readonly squelchNoLevel?: boolean;
}

function severityOf(least: Allowed): number {
  if (least === "all") return -Infinity;
  if (least === "none" || least === undefined) return Infinity;
  return (typeof least === "string" ? parseLevel(least) : least).severity;
}

/**
 * Gives a logger that holds back the events below a level. The level of an event is the first of its
 * values that is one; an event without any passes.
 *
 * Put it around the logger that adds costly fields (`allow(withFields(log, { caller }), "info")`),
 * so that nothing is worked out for an event that goes nowhere.
 * @param log Where the others go.
 * @param least The least level that passes.
 * @param options What becomes of events without a level.
 * @returns The logger.
 * @throws {RangeError} If the level is none.
 * @example Usage
 * ```ts
 * import { allow, leveled, logfmt, memorySink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const log = leveled(allow(logfmt(sink), "warn"));
 * log.info({ msg: "up" });
 * log.warn({ msg: "slow" });
 * assert.deepEqual(sink.lines, ["level=warn msg=slow"]);
 * ```
 */
export function allow(log: Logger, least: Allowed, options: AllowOptions = {}): Logger {
  const { squelchNoLevel = false } = options;
  const severity = severityOf(least);
  const kitLog: Logger = (fields) => {
    const level = levelOf(fields);
    if (level === undefined ? !squelchNoLevel : level.severity >= severity) log(fields);
  };
  return kitLog;
}
