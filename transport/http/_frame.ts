/**
 * What goes over a stream, piece by piece, whatever carries it. In lines and in messages a frame is a
 * JSON object with one member that says what it is:
 *
 * - `{"item":…}`: an item
 * - `{"end":true}`: there are no more items; a stream without it was cut
 * - `{"error":{"code":…,"message":…}}`: the stream has failed
 * - `{"credit":8}`: as many more items may be sent (WebSocket only)
 * @module
 */
import { KitError } from "@kit/endpoint";
import { type FoundError, parseWireError, wireError } from "../_wire_error.ts";

/** A piece of a stream. */
export type Frame =
  | { readonly type: "item"; readonly item: unknown }
  | { readonly type: "end" }
  | { readonly type: "error"; readonly error: KitError }
  | { readonly type: "credit"; readonly credit: number };

/** The end of a stream. */
export const END_FRAME: Frame = Object.freeze({ type: "end" });

/** Writes an item as JSON. */
export function itemJson(item: unknown): string {
  let text: string | undefined;
  let why: unknown;
  try {
    text = JSON.stringify(item ?? null);
  } catch (error) {
    why = error;
  }
  if (text === undefined) {
    throw new KitError("internal", "Cannot encode item as it is no JSON", { cause: why });
  }
  return text;
}

/** Writes what of an error may be shown as JSON. */
export function errorJson(error: unknown): string {
  return JSON.stringify(wireError(error));
}

/** Reads an error that a peer has sent. */
export function parseError(value: unknown): KitError {
  const found = typeof value === "object" && value !== null ? value as FoundError : {};
  return parseWireError(found, { code: "unknown", message: "Unknown error" });
}

/** Reads a frame. It throws a `KitError` for what is none. */
export function parseFrame(text: string): Frame {
  const value = parseItem(text);
  if (typeof value === "object" && value !== null) {
    if (Object.hasOwn(value, "item")) return { type: "item", item: (value as Found).item };
    if (Object.hasOwn(value, "error")) {
      return { type: "error", error: parseError((value as Found).error) };
    }
    if ((value as Found).end === true) return END_FRAME;
    const { credit } = value as Found;
    if (Number.isSafeInteger(credit) && credit as number > 0) {
      return { type: "credit", credit: credit as number };
    }
  }
  throw new KitError(
    "invalid_argument",
    `Cannot decode frame as it has none of "item", "end" and "error"`,
  );
}

/** Reads JSON. It throws a `KitError`, without a word of the text, for what is none. */
export function parseItem(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KitError("invalid_argument", "Cannot decode frame as it is not JSON", { cause });
  }
}

interface Found {
  readonly item?: unknown;
  readonly end?: unknown;
  readonly error?: unknown;
  readonly credit?: unknown;
}
