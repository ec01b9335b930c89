/**
 * One value out of gob.
 * @module
 */
import { fail } from "./_fail.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import type { GobType } from "./type.ts";

/**
 * Reads a gob stream of one value.
 * @typeParam T The value.
 * @param type Its type; `dynamic` takes any.
 * @param bytes The stream.
 * @param options Limits.
 * @returns The value.
 * @throws {KitError} With code `invalid_argument` if it is no such stream, `resource_exhausted` if it
 * is beyond a limit.
 * @example Usage
 * ```ts
 * import { decode, dynamic, encode, int, string, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const User = struct("User", { id: int, name: string });
 * const bytes = encode(User, { id: 7, name: "Ada" });
 * assert.deepEqual(decode(struct("Name", { name: string }), bytes), { name: "Ada" });
 * assert.deepEqual(Object.entries(decode(dynamic, bytes)!), [["Id", 7], ["Name", "Ada"]]);
 * ```
 */
export function decode<T>(
  type: GobType<T>,
  bytes: Uint8Array,
  options: DecoderOptions = {},
): T {
  const decoder = new Decoder(options);
  decoder.push(bytes);
  const decoded = decoder.decode(type);
  if (decoded === undefined) fail("it ends too early");
  if (decoder.isPending) fail("there is more than one value");
  return decoded.value;
}
