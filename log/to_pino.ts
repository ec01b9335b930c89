/**
 * Events for pino.
 * @module
 */
import { adapt } from "./_adapt.ts";
import type { LevelName } from "./level.ts";
import type { Logger } from "./logger.ts";

/** What is used of a pino logger. */
export type PinoLike = Readonly<Record<LevelName, (fields: object, message?: string) => void>>;

/**
 * Gives a logger that writes to pino, or to anything of its shape. The level becomes pino's (`info`
 * without one), `msg` the message, an `Error` as `err` stays one for pino's serializer, and the rest
 * are its fields: errors and objects with a text of their own as that text.
 * @param target The pino logger.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { duration, level, toPino } from "@kit/log";
 * import assert from "node:assert/strict";
 * const seen: unknown[] = [];
 * const write = (fields: object, message?: string) => seen.push(fields, message);
 * const log = toPino({ debug: write, info: write, warn: write, error: write });
 * level.warn(log)({ msg: "slow", took: duration(1500) });
 * assert.deepEqual(seen, [{ took: "1.5s" }, "slow"]);
 * ```
 */
export function toPino(target: PinoLike): Logger {
  return adapt(({ level, message, rest }, { err }) => {
    if (err instanceof Error) rest.err = err;
    target[level](rest, message || undefined);
  });
}
