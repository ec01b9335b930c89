/**
 * Events for winston.
 * @module
 */
import { adapt } from "./_adapt.ts";
import type { Logger } from "./logger.ts";

/** What is used of a winston logger. */
export interface WinstonLike {
  /**
   * Writes an entry.
   * @param entry The level, the message and the fields.
   */
  log(entry: { level: string; message: string; [field: string]: unknown }): unknown;
}

/**
 * Gives a logger that writes to winston, or to anything of its shape. The level becomes winston's
 * (`info` without one), `msg` the message, the rest its fields: errors and objects with a text of
 * their own as that text.
 * @param target The winston logger.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { level, toWinston } from "@kit/log";
 * import assert from "node:assert/strict";
 * const entries: unknown[] = [];
 * const log = toWinston({ log: (entry) => entries.push(entry) });
 * level.error(log)({ msg: "down", err: new Error("refused") });
 * assert.deepEqual(entries, [{ level: "error", message: "down", err: "refused" }]);
 * ```
 */
export function toWinston(target: WinstonLike): Logger {
  return adapt(({ level, message, rest }) => target.log({ ...rest, level, message }));
}
