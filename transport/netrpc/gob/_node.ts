/**
 * What a description is inside.
 * @module
 */
import type { Reader } from "./_reader.ts";
import type { Writer } from "./_writer.ts";
import type { GobType } from "./type.ts";

/** A type that the wire knows by itself. */
export interface BasicNode {
  readonly kind: "basic";
  readonly name: string;
  /** Its id on the wire. */
  readonly id: number;
  readonly zero: unknown;
  readonly isZero: (value: unknown) => boolean;
  /** What a value must be, for messages. */
  readonly rule: string;
  readonly isValid: (value: unknown) => boolean;
  readonly write: (writer: Writer, value: unknown) => void;
  readonly read: (reader: Reader) => unknown;
  /** How it is written as JSON, and of what JSON it is read. */
  readonly json: "bool" | "int" | "bigint" | "float" | "string" | "bytes" | "none";
}

export interface FieldNode {
  /** In TypeScript. */
  readonly key: string;
  /** In Go. */
  readonly goName: string;
  /** In JSON. */
  readonly jsonName: string;
  readonly node: Node;
  /** What it is called in messages. */
  readonly label: string;
}

export interface StructNode {
  readonly kind: "struct";
  readonly name: string;
  readonly fields: readonly FieldNode[];
}

export interface SliceNode {
  readonly kind: "slice";
  readonly name: string;
  readonly element: Node;
}

export interface ArrayNode {
  readonly kind: "array";
  readonly name: string;
  readonly length: number;
  readonly element: Node;
}

export interface MapNode {
  readonly kind: "map";
  readonly name: string;
  readonly key: Node;
  readonly value: Node;
}

/** What may be nil, which the wire tells by leaving it out. */
export interface PointerNode {
  readonly kind: "pointer";
  readonly name: string;
  readonly element: Node;
}

/** What is described later than it is named, as recursive types are. */
export interface LazyNode {
  readonly kind: "lazy";
  readonly name: string;
  readonly resolve: () => Node;
}

/** A value of one of several types, told by the name that Go has registered for it. */
export interface InterfaceNode {
  readonly kind: "interface";
  readonly name: string;
  readonly types: ReadonlyMap<string, Node>;
}

/** How a Go type encodes itself. */
export type Marshaler = "gob" | "binary" | "text";

/** A value that encodes itself. */
export interface OpaqueNode {
  readonly kind: "opaque";
  readonly name: string;
  readonly by: Marshaler;
  readonly encode: (value: unknown) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly zero: () => unknown;
  readonly toJson: ((value: unknown) => unknown) | undefined;
  readonly fromJson: ((json: unknown) => unknown) | undefined;
}

/** Whatever comes, as the definitions of its stream tell it. */
export interface DynamicNode {
  readonly kind: "dynamic";
  readonly name: string;
}

export type Node =
  | BasicNode
  | StructNode
  | SliceNode
  | ArrayNode
  | MapNode
  | PointerNode
  | LazyNode
  | InterfaceNode
  | OpaqueNode
  | DynamicNode;

/** A node that stands for a type on the wire, which has neither pointers nor names for later. */
export type BaseNode = Exclude<Node, PointerNode | LazyNode>;

/** Gives a node as what users see of it. */
export function typeOf<T>(node: Node): GobType<T> {
  return node;
}

/** Gives what is inside a description. */
export function nodeOf(type: GobType<unknown>): Node {
  if (!("kind" in type)) {
    throw new TypeError(`Cannot use "${type.name}" as it was not made by this module`);
  }
  return type as Node;
}

/** Pointers and late descriptions that lead round in a circle end nowhere. */
const MAX_INDIRECTIONS = 100;

/** Gives what a node comes to on the wire. */
export function baseOf(node: Node): BaseNode {
  let base = node;
  for (let steps = 0; base.kind === "lazy" || base.kind === "pointer"; steps++) {
    if (steps === MAX_INDIRECTIONS) {
      throw new TypeError(`Cannot use "${node.name}" as it is a pointer to nothing but itself`);
    }
    base = base.kind === "lazy" ? base.resolve() : base.element;
  }
  return base;
}

/** Whether a value may be nil, through however many late descriptions. */
export function isNillable(node: Node): boolean {
  let at = node;
  for (let steps = 0; at.kind === "lazy" && steps < MAX_INDIRECTIONS; steps++) at = at.resolve();
  return at.kind === "pointer";
}
