/**
 * Lines in colour.
 * @module
 */
import { lineLogger } from "./line_logger.ts";
import { type LevelName, levelOf } from "./level.ts";
import type { Fields, Logger } from "./logger.ts";
import { formatLogfmt } from "./logfmt.ts";
import type { Format, Sink } from "./sink.ts";

/** One of the 16 colours of a terminal. */
export type Color =
  | "black"
  | "darkRed"
  | "darkGreen"
  | "brown"
  | "darkBlue"
  | "darkMagenta"
  | "darkCyan"
  | "gray"
  | "darkGray"
  | "red"
  | "green"
  | "yellow"
  | "blue"
  | "magenta"
  | "cyan"
  | "white";

const NAMES: readonly Color[] = [
  "black",
  "darkRed",
  "darkGreen",
  "brown",
  "darkBlue",
  "darkMagenta",
  "darkCyan",
  "gray",
  "darkGray",
  "red",
  "green",
  "yellow",
  "blue",
  "magenta",
  "cyan",
  "white",
];

/** The colours of a line; what is left out is as the terminal has it. */
export interface Colors {
  /** The colour of the letters. */
  readonly fg?: Color;
  /** The colour behind them. */
  readonly bg?: Color;
}

/** Options for {@linkcode terminal}. */
export interface TerminalOptions {
  /**
   * Writes the line.
   * @default {formatLogfmt}
   */
  readonly format?: Format;
  /**
   * Chooses the colours of an event.
   * @default {colorsByLevel}
   */
  readonly colors?: (fields: Fields) => Colors;
  /**
   * Whether to colour at all. `colorEnabled("stderr")` asks the terminal and `NO_COLOR`.
   * @default {true}
   */
  readonly enabled?: boolean;
}

const RESET = "\x1b[39;49;22m";

function escapeOf(base: number, color: Color | undefined): string {
  if (color === undefined) return "";
  const index = NAMES.indexOf(color);
  return index < 8 ? `\x1b[${base + index}m` : `\x1b[${base + index - 8};1m`;
}

const byLevel: Readonly<Record<LevelName, Colors>> = {
  debug: { fg: "darkGray" },
  info: {},
  warn: { fg: "yellow" },
  error: { fg: "red" },
};

/**
 * Chooses colours by level: dark gray, none, yellow, red.
 * @param fields The event.
 * @returns Its colours.
 * @example Usage
 * ```ts
 * import { colorsByLevel, LEVELS } from "@kit/log";
 * import assert from "node:assert/strict";
 * assert.deepEqual(colorsByLevel({ level: LEVELS.error }), { fg: "red" });
 * ```
 */
export function colorsByLevel(fields: Fields): Colors {
  return byLevel[levelOf(fields)?.name ?? "info"];
}

/**
 * Gives a logger that writes lines in colour.
 * @param sink Where the lines go.
 * @param options The format and the colours.
 * @returns The logger.
 * @throws {TypeError} If `colors` is no function.
 * @example Usage
 * ```ts
 * import { level, memorySink, terminal } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * level.error(terminal(sink))({ msg: "down" });
 * assert.deepEqual(sink.lines, ["\x1b[31;1mlevel=error msg=down\x1b[39;49;22m"]);
 * ```
 */
export function terminal(sink: Sink, options: TerminalOptions = {}): Logger {
  const { format = formatLogfmt, colors = colorsByLevel, enabled = true } = options;
  if (typeof colors !== "function") {
    throw new TypeError(
      `Cannot use "colors" as it must be a function: current value is ${colors}`,
    );
  }
  if (!enabled) return lineLogger(sink, format);
  return lineLogger(sink, (fields) => {
    const { fg, bg } = colors(fields);
    const start = escapeOf(30, fg) + escapeOf(40, bg);
    return start === "" ? format(fields) : start + format(fields) + RESET;
  });
}
