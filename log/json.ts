/**
 * Events as lines of JSON.
 * @module
 */
import { lineLogger } from "./line_logger.ts";
import {
  errorText,
  escapeUnit,
  hasOwnText,
  keyCache,
  objectText,
  panicText,
  UNSAFE,
  UNSUPPORTED,
} from "./_text.ts";
import type { Fields, Logger } from "./logger.ts";
import type { Sink } from "./sink.ts";

const unsafe = new RegExp(`[${UNSAFE}]`, "u");
const everyUnsafe = new RegExp(`[${UNSAFE}]`, "gu");

/** What JSON has no form for, and errors, which it would write as `{}`. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return errorText(value);
  if (value instanceof Map) return Object.fromEntries(value);
  return value instanceof Set ? [...value] : value;
}

/** A replacer for one value: it makes what is inside plain, and cuts where the value meets itself. */
function replacer(): (this: unknown, key: string, value: unknown) => unknown {
  const path: { readonly source: unknown; readonly written: unknown }[] = [];
  return function (_key, value) {
    const written = plain(value);
    if (typeof written !== "object" || written === null) return written;
    while (path.length > 0 && path[path.length - 1]!.written !== this) path.pop();
    if (path.some((step) => step.source === value)) return "[Circular]";
    path.push({ source: value, written });
    return written;
  };
}

function object(value: object): string {
  try {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") {
      const written: unknown = toJSON.call(value, "");
      return typeof written === "object" && written !== null
        ? JSON.stringify(written, replacer())
        : valueOf(written);
    }
    return value instanceof Error || hasOwnText(value)
      ? JSON.stringify(objectText(value))
      : JSON.stringify(value, replacer());
  } catch (error) {
    return JSON.stringify(panicText("toJSON method", error));
  }
}

function valueOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case "boolean":
      return String(value);
    case "bigint":
      return `"${value}"`;
    case "undefined":
      return "null";
    case "object":
      return value === null ? "null" : object(value);
    case "symbol":
      return JSON.stringify(String(value));
    default:
      return `"${UNSUPPORTED}"`;
  }
}

const first = keyCache((key) => `${JSON.stringify(key)}:`);
const later = keyCache((key) => `,${first(key)}`);

/**
 * Writes an event as one line of JSON, its fields in their order. All outside plain ASCII that could
 * end a line, hide one or turn it around is escaped.
 *
 * A value with `toJSON` is written by it, an error as its message, an object with a `toString` of
 * its own as that says; a `bigint` and a number that is not finite as text, `undefined` as `null`.
 * @param fields The event.
 * @returns The line, without its line end.
 * @example Usage
 * ```ts
 * import { formatJson } from "@kit/log";
 * import assert from "node:assert/strict";
 * assert.equal(
 *   formatJson({ msg: "hello", err: new Error("down"), ids: [1, 2] }),
 *   '{"msg":"hello","err":"down","ids":[1,2]}',
 * );
 * ```
 */
export function formatJson(fields: Fields): string {
  let line = "";
  for (const key in fields) {
    line += (line === "" ? first(key) : later(key)) + valueOf(fields[key]);
  }
  return `{${unsafe.test(line) ? line.replace(everyUnsafe, escapeUnit) : line}}`;
}

/**
 * Gives a logger that writes JSON, one object a line. It never throws.
 * @param sink Where the lines go.
 * @returns The logger.
 * @example Usage
 * ```ts
 * import { json, memorySink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * json(sink)({ msg: "hello, world", n: 1 });
 * assert.deepEqual(sink.lines, ['{"msg":"hello, world","n":1}']);
 * ```
 */
export function json(sink: Sink): Logger {
  return lineLogger(sink, formatJson);
}
