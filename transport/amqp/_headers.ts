/**
 * The headers of messages, which are a table of typed values on this wire.
 * @module
 */
import { KitError, type Metadata, metadata, NO_METADATA } from "@kit/endpoint";

/**
 * How many characters the headers of a message may have. They have to fit in one frame, of 128 KiB
 * by default: a broker breaks the connection of all calls over headers that do not.
 */
const MAX_CHARACTERS = 40_000;

/** Set in place of headers that could not be read. */
export const UNREADABLE = "x-kit-unreadable";

/** Makes headers: without a prototype, so that names are names only. */
export function newHeaders(): Record<string, unknown> {
  return Object.create(null);
}

/** Makes metadata of headers. What is neither text, a number nor a boolean is left out. */
export function readMetadata(headers: Readonly<Record<string, unknown>>): Metadata {
  const names = Object.keys(headers);
  if (names.length === 0) return NO_METADATA;
  const pairs: [string, string][] = [];
  for (const name of names) {
    const value = headers[name];
    for (const one of Array.isArray(value) ? value : [value]) {
      if (isScalar(one)) pairs.push([name, String(one)]);
    }
  }
  return metadata(pairs);
}

/** Writes metadata into headers; several values of a name become a list. */
export function writeMetadata(source: Metadata, headers: Record<string, unknown>): void {
  if (source === NO_METADATA) return;
  for (const [name] of source) {
    const values = source.getAll(name);
    headers[name] = values.length === 1 ? values[0] : values;
  }
}

/** Refuses headers that do not fit in a frame. */
export function checkHeaders(headers: Readonly<Record<string, unknown>>): void {
  let characters = 0;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    characters += name.length + 8 +
      (typeof value === "string" ? value.length : JSON.stringify(value)?.length ?? 0);
  }
  if (characters > MAX_CHARACTERS) {
    throw new KitError(
      "resource_exhausted",
      `Cannot send message as its headers have more than ${MAX_CHARACTERS} characters`,
    );
  }
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
