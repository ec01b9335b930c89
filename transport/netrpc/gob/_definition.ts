/**
 * How a stream defines its types: by values of a type, `wireType`, that both sides know.
 * @module
 */
import { type BaseNode, baseOf, type Node, nodeOf } from "./_node.ts";
import { fail } from "./_fail.ts";
import { int, string } from "./basic_types.ts";
import { pointer, slice, struct } from "./composite_types.ts";
import type { Infer } from "./type.ts";

/** The id of `interface`. */
export const INTERFACE_ID = 8;
/** The first id that a stream may define. */
const FIRST_ID = 64;

/** What a stream says of a type. */
export type Definition =
  | { readonly kind: "basic"; readonly name: string; readonly id: number }
  | {
    readonly kind: "struct";
    readonly name: string;
    readonly fields: readonly { readonly name: string; readonly id: number }[];
  }
  | { readonly kind: "slice"; readonly name: string; readonly element: number }
  | {
    readonly kind: "array";
    readonly name: string;
    readonly element: number;
    readonly length: number;
  }
  | { readonly kind: "map"; readonly name: string; readonly key: number; readonly value: number }
  | { readonly kind: "opaque"; readonly name: string; readonly by: "gob" | "binary" | "text" };

const common = struct("CommonType", { Name: string, Id: int });
const withCommon = struct("gobEncoderType", { CommonType: common });

/** The type of a definition. */
export const wireType = struct("wireType", {
  ArrayT: pointer(struct("arrayType", { CommonType: common, Elem: int, Len: int })),
  SliceT: pointer(struct("sliceType", { CommonType: common, Elem: int })),
  StructT: pointer(struct("structType", {
    CommonType: common,
    Field: slice(struct("fieldType", { Name: string, Id: int })),
  })),
  MapT: pointer(struct("mapType", { CommonType: common, Key: int, Elem: int })),
  GobEncoderT: pointer(withCommon),
  BinaryMarshalerT: pointer(withCommon),
  TextMarshalerT: pointer(withCommon),
});

type WireType = Infer<typeof wireType>;

const NO_WIRE_TYPE: WireType = {
  ArrayT: null,
  SliceT: null,
  StructT: null,
  MapT: null,
  GobEncoderT: null,
  BinaryMarshalerT: null,
  TextMarshalerT: null,
};

/** Makes the definition of a node; `idOf` tells the ids of the types that it is made of. */
export function defineNode(node: BaseNode, id: number, idOf: (node: Node) => number): WireType {
  const CommonType = {
    Name: node.kind === "struct" || node.kind === "opaque" ? node.name : "",
    Id: id,
  };
  switch (node.kind) {
    case "struct": {
      const Field = node.fields.map(({ goName, node }) => ({ Name: goName, Id: idOf(node) }));
      return { ...NO_WIRE_TYPE, StructT: { CommonType, Field } };
    }
    case "slice":
      return { ...NO_WIRE_TYPE, SliceT: { CommonType, Elem: idOf(node.element) } };
    case "array":
      return {
        ...NO_WIRE_TYPE,
        ArrayT: { CommonType, Elem: idOf(node.element), Len: node.length },
      };
    case "map":
      return { ...NO_WIRE_TYPE, MapT: { CommonType, Key: idOf(node.key), Elem: idOf(node.value) } };
    case "opaque": {
      const name = MARSHALER_FIELDS.find(([, by]) => by === node.by)![0];
      return { ...NO_WIRE_TYPE, [name]: { CommonType } };
    }
    default:
      throw new TypeError(`Cannot define "${node.name}" as it is no type of its own`);
  }
}

const MARSHALER_FIELDS = [
  ["GobEncoderT", "gob"],
  ["BinaryMarshalerT", "binary"],
  ["TextMarshalerT", "text"],
] as const;

/** Makes a definition of what came. */
export function definitionOf(wire: WireType): Definition {
  if (Object.values(wire).filter((one) => one !== null).length !== 1) {
    fail("a definition is not of exactly one type");
  }
  const { StructT, SliceT, ArrayT, MapT } = wire;
  if (StructT !== null) {
    const fields = StructT.Field.map(({ Name, Id }) => ({ name: Name, id: Id }));
    if (fields.some(({ name }) => name === "")) fail("a field has no name");
    return { kind: "struct", name: StructT.CommonType.Name, fields };
  }
  if (SliceT !== null) {
    return { kind: "slice", name: SliceT.CommonType.Name, element: SliceT.Elem };
  }
  if (ArrayT !== null) {
    const { CommonType, Elem, Len } = ArrayT;
    if (Len < 0) fail("the length of an array is negative");
    return { kind: "array", name: CommonType.Name, element: Elem, length: Len };
  }
  if (MapT !== null) {
    return { kind: "map", name: MapT.CommonType.Name, key: MapT.Key, value: MapT.Elem };
  }
  for (const [field, by] of MARSHALER_FIELDS) {
    const found = wire[field];
    if (found !== null) return { kind: "opaque", name: found.CommonType.Name, by };
  }
  return fail("a definition is of no type");
}

/** The id under which {@linkcode BUILTINS} has `wireType`. */
export const WIRE_TYPE_ID = 16;

/** What needs no definition: the basic types, and those that definitions are made of. */
const BUILTINS: ReadonlyMap<number, Definition> = builtins();

function builtins(): Map<number, Definition> {
  const all = new Map<number, Definition>();
  const names = ["bool", "int", "uint", "float", "bytes", "string", "complex", "interface"];
  names.forEach((name, i) => all.set(i + 1, { kind: "basic", name, id: i + 1 }));
  const ids = new Map<Node, number>();
  function add(node: Node): number {
    const base = baseOf(node);
    if (base.kind === "basic") return base.id;
    const known = ids.get(base);
    if (known !== undefined) return known;
    const id = WIRE_TYPE_ID + ids.size;
    ids.set(base, id);
    all.set(id, definitionOf(defineNode(base, id, add)));
    return id;
  }
  add(nodeOf(wireType));
  return all;
}

/** How many bytes the definitions of a stream may have together. */
const MAX_BYTES = 1 << 20;

/** The types that a stream has defined so far. */
export class Definitions {
  readonly #own = new Map<number, { readonly definition: Definition; readonly bytes: number }>();
  #bytes = 0;

  constructor(readonly maxTypes: number) {}

  get(id: number): Definition {
    return BUILTINS.get(id) ?? this.#own.get(id)?.definition ?? fail(`type ${id} is not defined`);
  }

  /** Adds one that had so many bytes. */
  add(id: number, definition: Definition, bytes: number): void {
    if (id < FIRST_ID || this.#own.has(id)) fail(`type ${id} is defined already`);
    if (this.#own.size >= this.maxTypes) fail(`it defines over ${this.maxTypes} types`);
    this.#bytes += bytes;
    if (this.#bytes > MAX_BYTES) fail(`its definitions have over ${MAX_BYTES} bytes`);
    this.#own.set(id, { definition, bytes });
  }

  delete(id: number): void {
    this.#bytes -= this.#own.get(id)!.bytes;
    this.#own.delete(id);
  }

  /** Whether values of a type may define types and so go on in another message. */
  mayContinue(id: number, seen: Set<number> = new Set()): boolean {
    if (id === INTERFACE_ID) return true;
    if (seen.has(id)) return false;
    seen.add(id);
    const definition = this.get(id);
    switch (definition.kind) {
      case "struct":
        return definition.fields.some((field) => this.mayContinue(field.id, seen));
      case "slice":
      case "array":
        return this.mayContinue(definition.element, seen);
      case "map":
        return this.mayContinue(definition.key, seen) || this.mayContinue(definition.value, seen);
      default:
        return false;
    }
  }
}
