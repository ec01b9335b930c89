/**
 * Writes values as their description has them.
 * @module
 */
import { baseOf, isNillable, type Node, type StructNode } from "./_node.ts";
import type { Writer } from "./_writer.ts";

/** What the encoding of a value needs of its stream. */
export interface Target {
  readonly writer: Writer;
  /** Tells the id of a type, which the stream will then define. */
  idOf(node: Node): number;
  /** What is being written, for messages. */
  label: string;
}

/** How the values of a node are written. */
export interface Plan {
  /** Whether a struct leaves a value out. */
  readonly isZero: (value: unknown) => boolean;
  readonly write: (target: Target, value: unknown) => void;
}

const plans = new WeakMap<Node, Plan>();

/** Gives the plan of a node, which is made once. */
export function planOf(node: Node): Plan {
  let plan = plans.get(node);
  if (plan === undefined) {
    plan = makePlan(node);
    plans.set(node, plan);
  }
  return plan;
}

function refuse(rule: string): never {
  throw new TypeError(`as it must be ${rule}`);
}

const never = (): boolean => false;

function makePlan(node: Node): Plan {
  switch (node.kind) {
    case "basic": {
      const { isZero, write } = node;
      return { isZero, write: ({ writer }, value) => write(writer, value) };
    }
    case "struct":
      return structPlan(node);
    case "pointer": {
      const element = later(node.element);
      return {
        isZero: (value) => value === null || value === undefined || element().isZero(value),
        write: (target, value) => {
          if (value === null || value === undefined) refuse(`a ${node.name} that is not nil here`);
          element().write(target, value);
        },
      };
    }
    case "lazy": {
      const resolved = later(node);
      return {
        isZero: (value) => resolved().isZero(value),
        write: (target, value) => resolved().write(target, value),
      };
    }
    case "slice": {
      const element = later(node.element);
      return {
        isZero: (value) => Array.isArray(value) && value.length === 0,
        write: (target, value) => {
          if (!Array.isArray(value)) refuse("an array");
          const { write } = element();
          target.writer.uint(value.length);
          for (const one of value) write(target, one);
        },
      };
    }
    case "array": {
      const element = later(node.element);
      return {
        isZero: never,
        write: (target, value) => {
          if (!Array.isArray(value) || value.length !== node.length) {
            refuse(`an array of ${node.length}`);
          }
          const { write } = element();
          target.writer.uint(value.length);
          for (const one of value) write(target, one);
        },
      };
    }
    case "map": {
      const key = later(node.key);
      const element = later(node.value);
      return {
        isZero: never,
        write: (target, value) => {
          if (!(value instanceof Map)) refuse("a Map");
          target.writer.uint(value.size);
          for (const [k, v] of value) {
            key().write(target, k);
            element().write(target, v);
          }
        },
      };
    }
    case "interface":
      return {
        isZero: (value) => value === null,
        write: (target, value) => writeNamed(target, node.types, value),
      };
    case "opaque":
      return {
        isZero: never,
        write: ({ writer }, value) => writer.raw(node.encode(value)),
      };
    case "dynamic":
      return { isZero: never, write: () => refuse("of a type that is described") };
  }
}

/** Gives the plan of a node when it is needed, as a recursive type is not complete before. */
function later(node: Node): () => Plan {
  let plan: Plan | undefined;
  return () => plan ??= planOf(node.kind === "lazy" ? node.resolve() : node);
}

function structPlan(node: StructNode): Plan {
  const fields = node.fields.map(({ key, label, node }) => ({ key, label, plan: later(node) }));
  return {
    // Go does not leave out structs either.
    isZero: never,
    write: (target, value) => {
      if (typeof value !== "object" || value === null) refuse(`an object, a ${node.name}`);
      const { writer } = target;
      let last = -1;
      for (let i = 0; i < fields.length; i++) {
        const { key, label, plan } = fields[i]!;
        const member = (value as Record<string, unknown>)[key];
        if (member === undefined) continue;
        target.label = label;
        const { isZero, write } = plan();
        if (isZero(member)) continue;
        writer.uint(i - last);
        write(target, member);
        last = i;
      }
      writer.byte(0);
    },
  };
}

function writeNamed(target: Target, types: ReadonlyMap<string, Node>, value: unknown): void {
  const { writer } = target;
  if (value === null || value === undefined) return writer.byte(0);
  const { name, value: held } = value as { name?: unknown; value?: unknown };
  const node = typeof name === "string" ? types.get(name) : undefined;
  if (node === undefined) refuse(`one of ${[...types.keys()].map((one) => `"${one}"`).join(", ")}`);
  writer.text(name as string);
  writer.int(target.idOf(node));
  const start = writer.begin();
  writeTop(target, node, held);
  writer.finish(start);
}

/** Writes a value that is in no other: what is no struct comes after a zero. */
export function writeTop(target: Target, node: Node, value: unknown): void {
  if (isNillable(node) && (value === null || value === undefined)) refuse(`a ${node.name} not nil`);
  const base = baseOf(node);
  if (base.kind !== "struct") target.writer.byte(0);
  planOf(base).write(target, value);
}
