/**
 * What the reader and the writer of the JSON protocol share.
 * @module
 */
import { WIRE_TYPES, type WireType } from "./protocol.ts";

/** The version of the JSON protocol. */
export const VERSION = 1;

const NAMES: readonly (readonly [WireType, string])[] = [
  [WIRE_TYPES.bool, "tf"],
  [WIRE_TYPES.i8, "i8"],
  [WIRE_TYPES.i16, "i16"],
  [WIRE_TYPES.i32, "i32"],
  [WIRE_TYPES.i64, "i64"],
  [WIRE_TYPES.double, "dbl"],
  [WIRE_TYPES.string, "str"],
  [WIRE_TYPES.struct, "rec"],
  [WIRE_TYPES.map, "map"],
  [WIRE_TYPES.set, "set"],
  [WIRE_TYPES.list, "lst"],
  [WIRE_TYPES.uuid, "uid"],
];
/** The names of the kinds of values. */
export const NAME_OF: ReadonlyMap<WireType, string> = new Map(NAMES);

/** The kinds of values by their names. */
export const TYPE_OF: ReadonlyMap<string, WireType> = new Map(
  NAMES.map(([type, name]) => [name, type]),
);

/** What stands between values: commas in an array, colons and commas by turns in an object. */
export class Places {
  /** How many values each array, and minus how many less one each object, has had so far. */
  readonly #counts: number[] = [];

  beginArray(): void {
    this.#counts.push(0);
  }
  beginObject(): void {
    this.#counts.push(-1);
  }
  end(): void {
    this.#counts.pop();
  }
  clear(): void {
    this.#counts.length = 0;
  }

  /** Whether the next value is a key, which has to be in quotes. */
  get isKey(): boolean {
    const count = this.#counts.at(-1);
    return count !== undefined && count < 0 && count % 2 !== 0;
  }

  /** Goes on to the next value, and tells what stands before it. */
  next(): "" | "," | ":" {
    const top = this.#counts.length - 1;
    if (top < 0) return "";
    const count = this.#counts[top]!;
    this.#counts[top] = count < 0 ? count - 1 : count + 1;
    if (count === 0 || count === -1) return "";
    return count > 0 || count % 2 !== 0 ? "," : ":";
  }
}
