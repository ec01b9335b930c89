/**
 * The business: it knows nothing of requests, logs or metrics.
 * @module
 */
import { type Context, KitError } from "@kit/endpoint";

/** Does things with strings. */
export interface StringService {
  /** Gives a string in upper case; an empty one is refused. */
  uppercase(s: string, ctx: Context): Promise<string>;
  /** Counts the bytes that a string has in UTF-8. */
  count(s: string, ctx: Context): Promise<number>;
}

/** Adds something to a service. */
export type ServiceMiddleware = (next: StringService) => StringService;

/** Gives the service. */
export function stringService(): StringService {
  return {
    uppercase(s) {
      if (s === "") return Promise.reject(new KitError("invalid_argument", "Empty string"));
      return Promise.resolve(toUpper(s));
    },
    count: (s) => Promise.resolve(new TextEncoder().encode(s).length),
  };
}

/**
 * Maps character by character, in no language, as Go's `strings.ToUpper` does: `ß` has no upper case
 * that is one character, and stays.
 */
function toUpper(s: string): string {
  const upper = s.toUpperCase();
  // What becomes more than one character always becomes longer.
  return upper.length === s.length ? upper : Array.from(s, toUpperOne).join("");
}

function toUpperOne(char: string): string {
  const upper = char.toUpperCase();
  if (upper.length === char.length) return upper;
  // Greek letters with an iota below: the one character is the one for titles.
  const code = char.charCodeAt(0);
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCharCode(code | 8);
  return code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3
    ? String.fromCharCode(code + 9)
    : char;
}
