/**
 * The zero values of descriptions.
 * @module
 */
import type { Node } from "./_node.ts";

/** How deep zero values may lie in each other: an array or struct that contains itself has no end. */
const MAX_DEPTH = 100;

/** Makes the zero value of a node. */
export function zeroOf(node: Node, depth = 0): unknown {
  if (depth > MAX_DEPTH) {
    throw new TypeError(`Cannot use "${node.name}" as it contains itself without a pointer`);
  }
  switch (node.kind) {
    case "basic":
      return node.zero;
    case "lazy":
      return zeroOf(node.resolve(), depth + 1);
    case "slice":
      return [];
    case "array":
      return Array.from({ length: node.length }, () => zeroOf(node.element, depth + 1));
    case "map":
      return new Map();
    case "opaque":
      return node.zero();
    case "struct": {
      const value: Record<string, unknown> = {};
      for (const { key, node: field } of node.fields) value[key] = zeroOf(field, depth + 1);
      return value;
    }
    default:
      return null;
  }
}

/** Whether all may share one zero value, as it cannot be changed. */
export function isConstant(node: Node): boolean {
  switch (node.kind) {
    case "basic":
      return node.name !== "bytes";
    case "pointer":
    case "interface":
    case "dynamic":
      return true;
    default:
      return false;
  }
}

/** How many members the zero value of a node has, so how much memory one takes that did not come. */
export function cellsOf(node: Node, depth = 0): number {
  if (depth > MAX_DEPTH) return 1;
  switch (node.kind) {
    case "lazy":
      return cellsOf(node.resolve(), depth + 1);
    case "array":
      return 1 + node.length * cellsOf(node.element, depth + 1);
    case "struct":
      return node.fields.reduce((sum, field) => sum + cellsOf(field.node, depth + 1), 1);
    default:
      return 1;
  }
}
