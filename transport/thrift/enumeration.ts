/**
 * Enumerations.
 * @module
 */
import { misfit } from "./_fault.ts";
import { WIRE_TYPES } from "./protocol.ts";
import { i32, type Type } from "./types.ts";

/**
 * Describes an enumeration, whose values are its names.
 * @typeParam N The names.
 * @param name What it is called in messages.
 * @param numbers The numbers, by the names.
 * @returns The type. Reading a number that has no name is an error; where a peer may be newer, use
 * `i32`.
 * @throws {TypeError} If two names have one number.
 * @example Usage
 * ```ts
 * import { enumeration, type Infer } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const Color = enumeration("Color", { red: 1, green: 2 });
 * const color: Infer<typeof Color> = "green";
 * assert.equal(Color.name, "Color");
 * assert.equal(color, "green");
 * ```
 */
export function enumeration<const N extends string>(
  name: string,
  numbers: Readonly<Record<N, number>>,
): Type<N> {
  const toNumber = new Map(Object.entries(numbers) as [N, number][]);
  const toName = new Map([...toNumber].map(([key, number]) => [number, key]));
  if (toName.size < toNumber.size) {
    throw new TypeError(`Cannot describe "${name}" as two of its names have one number`);
  }
  return {
    name,
    wire: WIRE_TYPES.i32,
    read: (input) => {
      const number = input.i32();
      const key = toName.get(number);
      if (key === undefined) throw misfit(`a number of ${name}`, number);
      return key;
    },
    write: (output, key) => {
      const number = toNumber.get(key);
      if (number === undefined) throw misfit(`a name of ${name}`, key);
      i32.write(output, number);
    },
  };
}
