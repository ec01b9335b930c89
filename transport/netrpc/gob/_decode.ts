/**
 * Makes, for a described type and the type that the peer has defined, what reads its values.
 * @module
 */
import type { Definition } from "./_definition.ts";
import { dynamicDecoder } from "./_dynamic.ts";
import { fail } from "./_fail.ts";
import {
  type ArrayNode,
  type BaseNode,
  baseOf,
  type FieldNode,
  type InterfaceNode,
  type Node,
  type StructNode,
} from "./_node.ts";
import type { Reader } from "./_reader.ts";
import { cellsOf, isConstant, zeroOf } from "./_zero.ts";

/** Reads one value. */
export type Decode = (reader: Reader) => unknown;

/** What reading needs of its stream. */
export interface Source {
  definition(id: number): Definition;
  /** Gives what reads values of a node that come as a type; made once for both. */
  decoder(node: Node, id: number): Decode;
  /** Gives what reads values of a type without a description, and makes `undefined` if not `keep`. */
  dynamic(id: number, options: { readonly keep: boolean }): Decode;
  /** Reads the id of the type of a value in an interface, and the definitions before it. */
  typeSequence(reader: Reader): number;
}

/** Makes what reads values of a node. The link to itself is there before, for recursive types. */
export function makeDecoder(source: Source, node: Node, id: number): Decode {
  const base = baseOf(node);
  const definition = source.definition(id);
  switch (base.kind) {
    case "dynamic":
      return dynamicDecoder(source, id, { keep: true });
    case "basic":
      if (definition.kind !== "basic" || definition.id !== base.id) mismatch(base, definition);
      return base.read;
    case "interface":
      if (definition.kind !== "basic" || definition.name !== "interface") {
        mismatch(base, definition);
      }
      return (reader) => readNamed(source, base, reader);
    case "opaque":
      if (definition.kind !== "opaque" || definition.by !== base.by) mismatch(base, definition);
      return (reader) => {
        const bytes = reader.raw();
        try {
          return base.decode(bytes);
        } catch (cause) {
          return fail(`a value of ${base.name} cannot be read`, cause);
        }
      };
    case "slice": {
      if (definition.kind !== "slice") mismatch(base, definition);
      return list(source.decoder(base.element, definition.element), undefined);
    }
    case "array":
      if (definition.kind !== "array" || definition.length !== base.length) {
        mismatch(base, definition);
      }
      return list(source.decoder(base.element, definition.element), base);
    case "map": {
      if (definition.kind !== "map") mismatch(base, definition);
      const key = source.decoder(base.key, definition.key);
      const element = source.decoder(base.value, definition.value);
      return (reader) => {
        const map = new Map<unknown, unknown>();
        reader.enter();
        for (let left = reader.uint(); left > 0; left--) map.set(key(reader), element(reader));
        reader.depth--;
        return map;
      };
    }
    case "struct":
      if (definition.kind !== "struct") mismatch(base, definition);
      return structDecoder(source, base, definition);
  }
}

function mismatch(node: BaseNode, definition: Definition): never {
  const name = definition.name || definition.kind;
  fail(`${node.name} is expected where the peer sends ${JSON.stringify(name)}`);
}

/** Every element has a byte at least, so that no length makes it go on behind the message. */
function list(element: Decode, array: ArrayNode | undefined): Decode {
  return (reader) => {
    const length = reader.uint();
    if (array !== undefined && length !== array.length) fail("the length of an array is wrong");
    const values: unknown[] = [];
    reader.enter();
    for (let i = 0; i < length; i++) values.push(element(reader));
    reader.depth--;
    return values;
  };
}

function readNamed(source: Source, node: InterfaceNode, reader: Reader): unknown {
  const name = reader.text();
  if (name === "") return null;
  const held = node.types.get(name);
  if (held === undefined) {
    const shown = JSON.stringify(name.slice(0, 100));
    fail(`a value in an interface is a ${shown}, which is not described`);
  }
  reader.enter();
  const id = source.typeSequence(reader);
  // How long it is, for those who want to pass over it.
  reader.uint();
  const value = readTop(source, held, id, reader);
  reader.depth--;
  return { name, value };
}

/** Reads a value that is in no other: what is no struct comes after a zero. */
export function readTop(source: Source, node: Node, id: number, reader: Reader): unknown {
  if (source.definition(id).kind !== "struct" && reader.uint() !== 0) {
    fail("a value does not begin with a zero");
  }
  return source.decoder(node, id)(reader);
}

/** A field as it comes: into which member it goes, or that it is passed over. */
interface Incoming {
  readonly key: string | undefined;
  readonly label: string;
  readonly decode: Decode;
}

function structDecoder(
  source: Source,
  node: StructNode,
  definition: Extract<Definition, { kind: "struct" }>,
): Decode {
  const known = new Map(node.fields.map((field) => [field.goName, field]));
  const isDisjoint = node.fields.length > 0 && definition.fields.length > 0 &&
    !definition.fields.some(({ name }) => known.has(name));
  if (isDisjoint) fail(`no field of ${node.name} is among those that the peer sends`);
  const incoming = definition.fields.map(({ name, id }): Incoming => {
    const field = known.get(name);
    if (field !== undefined) {
      return { key: field.key, label: field.label, decode: decoderOf(source, field, id) };
    }
    const decode = source.dynamic(id, { keep: false });
    return { key: undefined, label: `${node.name}.${name}`, decode };
  });
  // What does not come is zero; a zero that is shared by all is copied with its object.
  const template: Record<string, unknown> = {};
  const made: FieldNode[] = [];
  for (const field of node.fields) {
    template[field.key] = isConstant(field.node) ? zeroOf(field.node) : undefined;
    if (!isConstant(field.node)) made.push(field);
  }
  const cells = cellsOf(node);
  return (reader) => {
    reader.enter();
    reader.take(cells);
    const value = { ...template };
    let at = -1;
    for (let delta = reader.uint(); delta !== 0; delta = reader.uint()) {
      at += delta;
      const field = incoming[at];
      if (field === undefined) fail(`a field of ${node.name} has a number that is not defined`);
      reader.label = field.label;
      const member = field.decode(reader);
      if (field.key !== undefined) value[field.key] = member;
    }
    for (let i = 0; i < made.length; i++) {
      const { key, node } = made[i]!;
      if (value[key] === undefined) value[key] = zeroOf(node);
    }
    reader.depth--;
    return value;
  };
}

/** Says which field it is that does not fit. */
function decoderOf(source: Source, field: FieldNode, id: number): Decode {
  try {
    return source.decoder(field.node, id);
  } catch (error) {
    const { message } = error as Error;
    if (!/^Cannot decode gob as .* is expected where/.test(message)) throw error;
    return fail(`${field.label}: ${message.slice("Cannot decode gob as ".length)}`);
  }
}
