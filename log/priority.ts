/**
 * Lines with a syslog priority, for the systemd journal.
 * @module
 */
import { levelOf } from "./level.ts";
import type { Fields } from "./logger.ts";
import type { Format } from "./sink.ts";

/** The severity of a syslog message: 0 emergency to 7 debug. */
export type Priority = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** Options for {@linkcode withPriority}. */
export interface PriorityOptions {
  /**
   * Chooses the priority of an event; with none the line is written plain.
   * @default {priorityByLevel}
   */
  readonly select?: (fields: Fields) => Priority | undefined;
}

const byLevel = { debug: 7, info: 6, warn: 4, error: 3 } as const;

/**
 * Chooses the priority by level.
 * @param fields The event.
 * @returns 7 for debug, 4 for warn, 3 for error, 6 for info and for an event without a level.
 * @example Usage
 * ```ts
 * import { LEVELS, priorityByLevel } from "@kit/log";
 * import assert from "node:assert/strict";
 * assert.equal(priorityByLevel({ level: LEVELS.warn }), 4);
 * assert.equal(priorityByLevel({ msg: "hello" }), 6);
 * ```
 */
export function priorityByLevel(fields: Fields): Priority {
  return byLevel[levelOf(fields)?.name ?? "info"];
}

/**
 * Gives a format that puts the syslog priority in front of each line (`<4>level=warn ...`), as the
 * systemd journal reads it from the output of a service.
 * @param format Writes the rest of the line.
 * @param options How the priority is chosen.
 * @returns The format.
 * @example Usage
 * ```ts
 * import { formatLogfmt, LEVELS, withPriority } from "@kit/log";
 * import assert from "node:assert/strict";
 * const format = withPriority(formatLogfmt);
 * assert.equal(format({ level: LEVELS.error, msg: "down" }), "<3>level=error msg=down");
 * ```
 */
export function withPriority(format: Format, options: PriorityOptions = {}): Format {
  const { select = priorityByLevel } = options;
  return (fields) => {
    const priority = select(fields);
    return priority === undefined ? format(fields) : `<${priority}>${format(fields)}`;
  };
}
