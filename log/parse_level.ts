/**
 * Reads a level from text.
 * @module
 */
import { type Level, type LevelName, LEVELS } from "./level.ts";

/** Options for {@linkcode parseLevel}. */
export interface ParseLevelOptions {
  /**
   * What to take when the text is no level.
   * @default {undefined} the text is refused
   */
  readonly fallback?: Level;
}

/**
 * Reads a level as it stands in a flag or a variable of the environment: spaces around it and upper
 * case do not matter.
 * @param text The text; `undefined`, as of a variable that is not set, is no level.
 * @param options What to take when the text is no level.
 * @returns The level.
 * @throws {RangeError} If the text is no level and there is no fallback.
 * @example Usage
 * ```ts
 * import { LEVELS, parseLevel } from "@kit/log";
 * import assert from "node:assert/strict";
 * assert.equal(parseLevel(" WARN "), LEVELS.warn);
 * assert.equal(parseLevel(undefined, { fallback: LEVELS.info }), LEVELS.info);
 * assert.throws(() => parseLevel("loud"), RangeError);
 * ```
 */
export function parseLevel(text: string | undefined, options: ParseLevelOptions = {}): Level {
  const name = text?.trim().toLowerCase();
  if (name !== undefined && Object.hasOwn(LEVELS, name)) return LEVELS[name as LevelName];
  if (options.fallback !== undefined) return options.fallback;
  throw new RangeError(
    `Cannot parse level as it must be "debug", "info", "warn" or "error": current value is ` +
      (text === undefined ? "undefined" : JSON.stringify(text)),
  );
}
