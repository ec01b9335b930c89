/**
 * The containers of Thrift.
 * @module
 */
import { Fault, located, misfit } from "./_fault.ts";
import { type Reader, WIRE_TYPES, type WireType } from "./protocol.ts";
import type { Type } from "./types.ts";

/**
 * Describes a list, whose values are arrays.
 * @typeParam T The items.
 * @param item The type of the items.
 * @returns The type.
 * @example Usage
 * ```ts
 * import { i32, type Infer, list } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const Numbers = list(i32);
 * const some: Infer<typeof Numbers> = [1, 2];
 * assert.equal(Numbers.name, "list<i32>");
 * assert.equal(some.length, 2);
 * ```
 */
export function list<T>(item: Type<T>): Type<readonly T[]> {
  return {
    name: `list<${item.name}>`,
    wire: WIRE_TYPES.list,
    read: (input) => {
      const values: T[] = [];
      readItems(input, item, (value) => values.push(value));
      return values;
    },
    write: (output, values) => {
      if (!Array.isArray(values)) throw misfit("an array", values);
      output.listBegin(item.wire, values.length);
      let i = 0;
      try {
        for (; i < values.length; i++) item.write(output, values[i] as T);
      } catch (error) {
        throw located(error, `[${i}]`);
      }
      output.listEnd();
    },
  };
}

/**
 * Describes a set, whose values are `Set`s. Items that are bytes or structs are told apart by
 * identity, as `Set` does.
 * @typeParam T The items.
 * @param item The type of the items.
 * @returns The type.
 */
export function set<T>(item: Type<T>): Type<ReadonlySet<T>> {
  return {
    name: `set<${item.name}>`,
    wire: WIRE_TYPES.set,
    read: (input) => {
      const values = new Set<T>();
      readItems(input, item, (value) => values.add(value));
      return values;
    },
    write: (output, values) => {
      if (!(values instanceof Set)) throw misfit("a Set", values);
      output.listBegin(item.wire, values.size);
      try {
        for (const value of values) item.write(output, value);
      } catch (error) {
        throw located(error, "[]");
      }
      output.listEnd();
    },
  };
}

/**
 * Describes a map, whose values are `Map`s. Keys that are bytes or structs are told apart by
 * identity, as `Map` does.
 * @typeParam K The keys.
 * @typeParam V The values.
 * @param key The type of the keys.
 * @param value The type of the values.
 * @returns The type.
 */
export function map<K, V>(key: Type<K>, value: Type<V>): Type<ReadonlyMap<K, V>> {
  return {
    name: `map<${key.name}, ${value.name}>`,
    wire: WIRE_TYPES.map,
    read: (input) => {
      const pairs = new Map<K, V>();
      const size = input.mapBegin();
      if (size > 0) {
        checkKind(input.itemType, key);
        checkKind(input.valueType, value);
      }
      for (let i = 0; i < size; i++) pairs.set(key.read(input), value.read(input));
      input.mapEnd();
      return pairs;
    },
    write: (output, pairs) => {
      if (!(pairs instanceof Map)) throw misfit("a Map", pairs);
      output.mapBegin(key.wire, value.wire, pairs.size);
      try {
        for (const [k, v] of pairs) {
          key.write(output, k);
          value.write(output, v);
        }
      } catch (error) {
        throw located(error, "[]");
      }
      output.mapEnd();
    },
  };
}

function readItems<T>(input: Reader, item: Type<T>, add: (value: T) => void): void {
  const size = input.listBegin();
  if (size > 0) checkKind(input.itemType, item);
  for (let i = 0; i < size; i++) add(item.read(input));
  input.listEnd();
}

/** To skip a container of other items, as a field of another type is, would hide a mistake. */
function checkKind(found: WireType, { name, wire }: Type<unknown>): void {
  if (found !== wire) throw new Fault(`its items are not of type ${name}`);
}
