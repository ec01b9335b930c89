/**
 * Events for `@std/log`.
 * @module
 */
import { adapt } from "./_adapt.ts";
import { isLevel, type LevelName } from "./level.ts";
import type { Logger } from "./logger.ts";
import { formatLogfmt } from "./logfmt.ts";

/** What is used of a logger of `@std/log`; the `console` has it as well. */
export type StdLogLike = Readonly<
  Record<LevelName, (message: string, ...args: unknown[]) => unknown>
>;

/**
 * Gives a logger that writes to one of `@std/log`, or to anything of its shape. The level becomes
 * that of the record (`info` without one), the other fields its message, as logfmt, and once more
 * its one argument.
 * @param target The logger of `@std/log`.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { level, toStdLog } from "@kit/log";
 * import assert from "node:assert/strict";
 * const lines: string[] = [];
 * const write = (message: string) => lines.push(message);
 * const log = toStdLog({ debug: write, info: write, warn: write, error: write });
 * level.warn(log)({ msg: "slow", n: 1 });
 * assert.deepEqual(lines, ["msg=slow n=1"]);
 * ```
 */
export function toStdLog(target: StdLogLike): Logger {
  return adapt(({ level, message, rest }, fields) => {
    const others = Object.entries(fields).filter(([_key, value]) => !isLevel(value));
    const args = message === "" ? rest : { msg: message, ...rest };
    target[level](formatLogfmt(Object.fromEntries(others)), args);
  });
}
