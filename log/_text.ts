/**
 * What the formats share: values as text, and texts that stay within their line.
 * @module
 */

/** What stands for a value that has no text of its own, as in go-logfmt. */
export const UNSUPPORTED = "unsupported value type";

/**
 * The characters besides C0 that end a line, hide one or turn it around somewhere: DEL and C1, the
 * line and paragraph separators, the bidirectional controls; and halves of surrogate pairs.
 */
export const UNSAFE =
  "\\u007f-\\u009f\\u2028\\u2029\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\p{Cs}";

/** A character as both formats escape it. */
export function escapeUnit(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** What stands for a value whose text cannot be had, as in Go kit. */
export function panicText(where: string, error: unknown): string {
  let text = "unknown error";
  try {
    text = error instanceof Error ? error.message : String(error);
  } catch {
    // The text of what was thrown throws as well.
  }
  return `PANIC in ${where}: ${text}`;
}

/** The message of an error, its name if it has none. */
export function errorText(error: Error): string {
  try {
    return String(error.message || error.name);
  } catch (thrown) {
    return panicText("message getter", thrown);
  }
}

/** Whether a value has a text form that its own class wrote. */
export function hasOwnText(value: object): boolean {
  const { toString } = value;
  return typeof toString === "function" && toString !== Object.prototype.toString &&
    toString !== Array.prototype.toString;
}

/** The text of a value that is an object; `undefined` if it has none. */
export function objectText(value: object): string | undefined {
  try {
    if (value instanceof Error) return errorText(value);
    if (value instanceof Date) return value.toJSON() ?? "Invalid Date";
    if (hasOwnText(value)) return String(value.toString());
    return value instanceof Uint8Array ? new TextDecoder().decode(value) : undefined;
  } catch (error) {
    return panicText("toString method", error);
  }
}

/** The most keys that a cache of keys holds; names made up at run time must not fill the memory. */
const MAX_CACHED_KEYS = 1024;

/** Remembers what a key becomes in a line. */
export function keyCache(write: (key: string) => string): (key: string) => string {
  const written = new Map<string, string>();
  return (key) => {
    let text = written.get(key);
    if (text === undefined) {
      text = write(key);
      if (written.size < MAX_CACHED_KEYS) written.set(key, text);
    }
    return text;
  };
}
