/**
 * One value as gob.
 * @module
 */
import { Encoder } from "./encoder.ts";
import type { GobType } from "./type.ts";

/**
 * Makes a gob stream of one value: what Go's `gob.NewEncoder(w).Encode(value)` writes.
 * @typeParam T The value.
 * @param type Its type.
 * @param value The value.
 * @returns The bytes.
 * @throws {TypeError} If the value is not of the type.
 * @example Usage
 * ```ts
 * import { encode, int } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * assert.deepEqual([...encode(int, 3)], [3, 4, 0, 6]);
 * ```
 */
export function encode<T>(type: GobType<T>, value: NoInfer<T>): Uint8Array<ArrayBuffer> {
  return new Encoder().encode<T>(type, value);
}
