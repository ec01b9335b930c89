/**
 * JSON as the body of a message, without a newline at its end.
 * @module
 */
import { KitError } from "@kit/endpoint";

/** The most bytes that a body may have, unless a limit is set. */
export const DEFAULT_MAX_BYTES = 4_194_304;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Writes a value; `undefined` is written as `null`. */
export function encodeJson(value: unknown, what: string): Uint8Array {
  const text: string | undefined = JSON.stringify(value ?? null);
  if (text === undefined) throw new TypeError(`Cannot encode ${what} as it is no JSON`);
  return encoder.encode(text);
}

/** Reads a body; the text of its error quotes nothing of it. */
export function decodeJson(data: Uint8Array): unknown {
  if (data.length === 0) {
    throw new KitError("invalid_argument", "Cannot decode body as it is empty");
  }
  try {
    return JSON.parse(decoder.decode(data));
  } catch (cause) {
    const why = `it is not JSON${place((cause as Error).message)}`;
    throw new KitError("invalid_argument", `Cannot decode body as ${why}`, { cause });
  }
}

/** Refuses a body that is too large. */
export function checkSize(data: Uint8Array, maxBytes: number, what: string): void {
  if (data.length <= maxBytes) return;
  throw new KitError(
    "resource_exhausted",
    `Cannot read ${what} as it has more than ${maxBytes} bytes`,
  );
}

/** Takes the place out of a parser's text, whose rest may quote the body. */
function place(text: string): string {
  const match = /position (\d+)/.exec(text);
  if (match !== null) return `: error at position ${match[1]}`;
  return text.includes("end of JSON") ? ": it ends too early" : "";
}
