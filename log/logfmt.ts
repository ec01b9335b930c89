/**
 * Events as logfmt.
 * @module
 */
import { lineLogger } from "./line_logger.ts";
import { escapeUnit, keyCache, objectText, UNSAFE, UNSUPPORTED } from "./_text.ts";
import type { Fields, Logger } from "./logger.ts";
import type { Sink } from "./sink.ts";

const needsQuotes = new RegExp(`[\\0- "=\\ufffd${UNSAFE}]`, "u");
const needsEscape = new RegExp(`[\\0-\\x1f"\\\\\\ufffd${UNSAFE}]`, "u");
const escaped = new RegExp(needsEscape, "gu");
const notInKeys = new RegExp(`[\\0- "=\\ufffd${UNSAFE}]`, "gu");

function escape(char: string): string {
  switch (char) {
    case '"':
    case "\\":
      return `\\${char}`;
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
  }
  // A half of a surrogate pair has no UTF-8.
  return char >= "\ud800" && char <= "\udfff" ? "\\ufffd" : escapeUnit(char);
}

function text(value: string): string {
  if (!needsQuotes.test(value)) return value;
  return `"${needsEscape.test(value) ? value.replace(escaped, escape) : value}"`;
}

function string(value: string): string {
  return value === "null" ? '"null"' : text(value);
}

function valueOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return string(value);
    case "number":
    case "boolean":
    case "bigint":
      return String(value);
    case "undefined":
      return "null";
    case "object":
      return value === null ? "null" : string(objectText(value) ?? UNSUPPORTED);
    case "symbol":
      return text(String(value));
    default:
      return text(UNSUPPORTED);
  }
}

/** A name that has nothing left in it becomes `_`: its value must not be lost. */
const first = keyCache((key) => `${key.replace(notInKeys, "") || "_"}=`);
const later = keyCache((key) => ` ${first(key)}`);

/**
 * Writes an event as one line of logfmt, as Go's `github.com/go-logfmt/logfmt` v0.5.1 does, whose
 * decoder gives every text back. On top of what that escapes, DEL, C1, U+2028, U+2029 and the
 * bidirectional controls are escaped, and left out of names.
 *
 * `null` and `undefined` are `null`, errors their message, dates ISO 8601, objects what their own
 * `toString` says; arrays and objects without one are `"unsupported value type"`.
 * @param fields The event.
 * @returns The line, without its line end; empty for an event without fields.
 * @example Usage
 * ```ts
 * import { duration, formatLogfmt } from "@kit/log";
 * import assert from "node:assert/strict";
 * const line = formatLogfmt({
 *   method: "uppercase",
 *   input: "hello, world",
 *   output: "HELLO, WORLD",
 *   err: null,
 *   took: duration(0.002455),
 * });
 * assert.equal(
 *   line,
 *   'method=uppercase input="hello, world" output="HELLO, WORLD" err=null took=2.455µs',
 * );
 * ```
 */
export function formatLogfmt(fields: Fields): string {
  let line = "";
  for (const key in fields) {
    line += (line === "" ? first(key) : later(key)) + valueOf(fields[key]);
  }
  return line;
}

/**
 * Gives a logger that writes logfmt, one line an event. It never throws.
 * @param sink Where the lines go.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { logfmt, memorySink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * logfmt(sink)({ msg: "hello, world", n: 1 });
 * assert.deepEqual(sink.lines, ['msg="hello, world" n=1']);
 * ```
 */
export function logfmt(sink: Sink): Logger {
  return lineLogger(sink, formatLogfmt);
}
