/**
 * Descriptions of Go types that are made of others.
 * @module
 */
import { checkNonNegativeInteger } from "@kit/endpoint/check";
import {
  type ArrayNode,
  type DynamicNode,
  type FieldNode,
  type InterfaceNode,
  type LazyNode,
  type MapNode,
  type Node,
  nodeOf,
  type PointerNode,
  type SliceNode,
  type StructNode,
  typeOf,
} from "./_node.ts";
import type { GobType, Infer } from "./type.ts";

/** The fields of a struct, by their names in TypeScript. */
export type Fields = Readonly<Record<string, GobType<unknown>>>;

/**
 * Options for {@linkcode struct}.
 * @typeParam Key The names of the fields.
 */
export interface StructOptions<Key extends string = string> {
  /**
   * Tells what a field is called in Go.
   * @default The name with its first letter in upper case.
   */
  readonly goName?: (key: Key) => string;
  /**
   * Tells what a field is called in JSON, where the struct has tags for it.
   * @default The name in Go.
   */
  readonly jsonName?: (key: Key) => string;
}

/**
 * Describes a struct. Only exported fields travel, so that `userId` can only be Go's `UserId`; where
 * it is `UserID`, say so by `goName`. Fields that the peer does not send are zero, fields that it
 * sends beyond these are passed over.
 * @typeParam F The fields.
 * @param name What Go calls the type; it is for messages only.
 * @param fields The fields.
 * @param options What the fields are called elsewhere.
 * @returns The description.
 * @throws {TypeError} If a name is not one of an exported field, or two fields have the same.
 * @example Usage
 * ```ts
 * import { decode, encode, type Infer, int, string, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const User = struct("User", { userId: int, name: string }, {
 *   goName: (key) => ({ userId: "UserID", name: "Name" })[key],
 * });
 * const ada: Infer<typeof User> = { userId: 7, name: "Ada" };
 * assert.deepEqual(decode(User, encode(User, ada)), ada);
 * ```
 */
export function struct<F extends Fields>(
  name: string,
  fields: F,
  options: StructOptions<keyof F & string> = {},
): GobType<{ [K in keyof F]: Infer<F[K]> }> {
  const { goName = exported, jsonName } = options;
  const seen = new Set<string>();
  const nodes = Object.entries(fields).map(([key, type]): FieldNode => {
    const inGo = goName(key);
    if (!/^\p{Lu}/u.test(inGo ?? "")) {
      throw new TypeError(
        `Cannot describe field "${key}" of "${name}" as Go exports upper case only: current value is "${inGo}"`,
      );
    }
    if (seen.has(inGo)) {
      throw new TypeError(`Cannot describe "${name}" as two of its fields are "${inGo}"`);
    }
    seen.add(inGo);
    return {
      key,
      goName: inGo,
      jsonName: jsonName?.(key) ?? inGo,
      node: nodeOf(type),
      label: `${name}.${inGo}`,
    };
  });
  const node: StructNode = { kind: "struct", name, fields: nodes };
  return typeOf(node);
}

function exported(key: string): string {
  const [first = "", ...rest] = key;
  return first.toUpperCase() + rest.join("");
}

/**
 * Describes a slice. Nil and empty are the same. A slice of bytes is `bytes`.
 * @typeParam T The elements.
 * @param element The elements.
 * @returns The description.
 * @throws {TypeError} If the elements are bytes.
 * @example Usage
 * ```ts
 * import { decode, encode, int, slice } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * assert.deepEqual(decode(slice(int), encode(slice(int), [1, 2])), [1, 2]);
 * ```
 */
export function slice<T>(element: GobType<T>): GobType<T[]> {
  if (element.name === "uint8") {
    throw new TypeError('Cannot describe a slice of "uint8" as Go sends it otherwise: use "bytes"');
  }
  const node: SliceNode = { kind: "slice", name: `[]${element.name}`, element: nodeOf(element) };
  return typeOf(node);
}

/**
 * Describes an array. It has as many elements on both sides.
 * @typeParam T The elements.
 * @param length How many.
 * @param element The elements.
 * @returns The description.
 * @throws {RangeError} If `length` is not a non-negative integer.
 * @example Usage
 * ```ts
 * import { array, decode, encode, uint8 } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const Key = array(3, uint8);
 * assert.deepEqual(decode(Key, encode(Key, [1, 2, 3])), [1, 2, 3]);
 * ```
 */
export function array<T>(length: number, element: GobType<T>): GobType<T[]> {
  checkNonNegativeInteger("length", length);
  const node: ArrayNode = {
    kind: "array",
    name: `[${length}]${element.name}`,
    length,
    element: nodeOf(element),
  };
  return typeOf(node);
}

/**
 * Describes a map. One that is nil is empty; `pointer(map(...))` tells the two apart.
 * @typeParam K The keys.
 * @typeParam V The values.
 * @param key The keys.
 * @param value The values.
 * @returns The description.
 * @example Usage
 * ```ts
 * import { decode, encode, int, map, string } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const Ages = map(string, int);
 * assert.equal(decode(Ages, encode(Ages, new Map([["Ada", 36]]))).get("Ada"), 36);
 * ```
 */
export function map<K, V>(key: GobType<K>, value: GobType<V>): GobType<Map<K, V>> {
  const node: MapNode = {
    kind: "map",
    name: `map[${key.name}]${value.name}`,
    key: nodeOf(key),
    value: nodeOf(value),
  };
  return typeOf(node);
}

/**
 * Describes a pointer. The wire has none: in a struct, one that is nil is left out, and so is one to
 * a zero number, string or boolean, which comes back as `null` therefore. Elsewhere nil is an error.
 * @typeParam T What it points to.
 * @param element What it points to.
 * @returns The description.
 * @example Usage
 * ```ts
 * import { decode, encode, int, pointer, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const Limit = struct("Limit", { max: pointer(int), min: int });
 * assert.deepEqual(decode(Limit, encode(Limit, { max: null, min: 1 })), { max: null, min: 1 });
 * ```
 */
export function pointer<T>(element: GobType<T>): GobType<T | null> {
  const node: PointerNode = { kind: "pointer", name: `*${element.name}`, element: nodeOf(element) };
  return typeOf(node);
}

/**
 * Describes a type by one that is described later, which is how a type gets to contain itself.
 * @typeParam T The values.
 * @param later Tells the description, when it is first needed.
 * @returns The description.
 * @example Usage
 * ```ts
 * import { decode, encode, type GobType, int, lazy, pointer, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * interface List {
 *   value: number;
 *   next: List | null;
 * }
 * const List: GobType<List> = struct("List", { value: int, next: lazy(() => pointer(List)) });
 * const list = { value: 1, next: { value: 2, next: null } };
 * assert.deepEqual(decode(List, encode(List, list)), list);
 * ```
 */
export function lazy<T>(later: () => GobType<T>): GobType<T> {
  let resolved: Node | undefined;
  const node: LazyNode = {
    kind: "lazy",
    name: "recursive type",
    resolve: () => resolved ??= nodeOf(later()),
  };
  return typeOf(node);
}

/**
 * A value of one of several types, with the name of its type.
 * @typeParam Types The types by name.
 */
export type Named<Types extends Fields> = {
  [N in keyof Types & string]: { readonly name: N; readonly value: Infer<Types[N]> };
}[keyof Types & string];

/**
 * Describes an interface: `any`, `error`, or one of your own. A value says its type by the name that
 * `gob.Register` has given it in Go: `main.Circle` for a struct of the main package,
 * `example.com/shapes.Circle` for one of another, `int` or `[]string` for those that are built in.
 * @typeParam Types The types by name.
 * @param types The types that may occur. Any other is an error.
 * @returns The description; a nil interface is `null`.
 * @example Usage
 * ```ts
 * import { anyOf, decode, encode, float, slice, string, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const Circle = struct("Circle", { radius: float });
 * const Shapes = slice(anyOf({ "main.Circle": Circle, string }));
 * const shapes = decode(Shapes, encode(Shapes, [{ name: "main.Circle", value: { radius: 2 } }, null]));
 * assert.deepEqual(shapes, [{ name: "main.Circle", value: { radius: 2 } }, null]);
 * ```
 */
export function anyOf<Types extends Fields>(types: Types): GobType<Named<Types> | null> {
  const node: InterfaceNode = {
    kind: "interface",
    name: "interface",
    types: new Map(Object.entries(types).map(([name, type]) => [name, nodeOf(type)])),
  };
  return typeOf(node);
}

const dynamicNode: DynamicNode = { kind: "dynamic", name: "any value" };

/**
 * Describes whatever comes, for decoding only: to look into a stream whose types are not known.
 * Integers are numbers where a number can hold them, else `bigint`s; structs are objects with the
 * names that Go has for what was sent, maps are `Map`s, interfaces `{ name, value }`; values that
 * encode themselves are bytes.
 */
export const dynamic: GobType<unknown> = typeOf(dynamicNode);
