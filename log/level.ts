/**
 * The levels of events.
 * @module
 */
import type { Fields, Logger } from "./logger.ts";
import { withPrefix } from "./with_prefix.ts";

/** What a level is called. */
export type LevelName = "debug" | "info" | "warn" | "error";

const brand: unique symbol = Symbol.for("kit.log.level");

/**
 * The level of an event. A field holds a level only if its value is one of {@linkcode LEVELS}: a
 * string of the same name is not one.
 */
export interface Level {
  /** What the level is called. */
  readonly name: LevelName;
  /** How grave it is, in the numbers of OpenTelemetry: 5, 9, 13 and 17. */
  readonly severity: number;
}

/** The brand makes every copy of this package know the level. */
class Named implements Level {
  readonly [brand] = true;
  constructor(readonly name: LevelName, readonly severity: number) {}
  toString(): string {
    return this.name;
  }
  toJSON(): string {
    return this.name;
  }
}

/** The levels by name, in the order in which they get graver. */
export const LEVELS: Readonly<Record<LevelName, Level>> = /* @__PURE__ */ Object.freeze({
  debug: /* @__PURE__ */ new Named("debug", 5),
  info: /* @__PURE__ */ new Named("info", 9),
  warn: /* @__PURE__ */ new Named("warn", 13),
  error: /* @__PURE__ */ new Named("error", 17),
});

/**
 * Tells whether a value is a level, of whichever copy of this package.
 * @param value Anything.
 * @returns Whether it is a level.
 * @example Usage
 * ```ts
 * import { isLevel, LEVELS } from "@kit/log";
 * import assert from "node:assert/strict";
 * assert(isLevel(LEVELS.info));
 * assert(!isLevel("info"));
 * ```
 */
export function isLevel(value: unknown): value is Level {
  if (typeof value !== "object" || value === null) return false;
  try {
    return (value as { [brand]?: unknown })[brand] === true;
  } catch {
    return false; // A proxy may refuse.
  }
}

/**
 * Tells the level of an event.
 * @param fields The event.
 * @returns The first level among its values, whatever its name; `undefined` if there is none.
 * @example Usage
 * ```ts
 * import { levelOf, LEVELS } from "@kit/log";
 * import assert from "node:assert/strict";
 * assert.equal(levelOf({ msg: "disk full", severity: LEVELS.error }), LEVELS.error);
 * assert.equal(levelOf({ level: "error" }), undefined);
 * ```
 */
export function levelOf(fields: Fields): Level | undefined {
  for (const key in fields) {
    const value = fields[key];
    if (isLevel(value)) return value;
  }
  return undefined;
}

function at(name: LevelName): (log: Logger) => Logger {
  return (log) => withPrefix(log, { level: LEVELS[name] });
}

/**
 * For each level a function that gives a logger of that level: it puts `level` in front of every
 * event. Make such a logger once, not for every event; `leveled` makes all four.
 * @example Usage
 * ```ts
 * import { level, logfmt, memorySink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * level.info(logfmt(sink))({ msg: "hello" });
 * assert.deepEqual(sink.lines, ["level=info msg=hello"]);
 * ```
 */
export const level: Readonly<Record<LevelName, (log: Logger) => Logger>> = /* @__PURE__ */ Object
  .freeze({ debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") });
