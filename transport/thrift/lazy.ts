/**
 * Types that contain themselves.
 * @module
 */
import { WIRE_TYPES } from "./protocol.ts";
import type { Type } from "./types.ts";

/**
 * Stands for a struct that is described later, so that structs may contain themselves.
 * @typeParam T The values.
 * @param type Gives the struct, the union or the exception.
 * @returns The type.
 * @example Usage
 * ```ts
 * import { field, lazy, list, string, struct, type Type } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * interface Tree {
 *   readonly name: string;
 *   readonly children: readonly Tree[];
 * }
 * const Tree: Type<Tree> = struct("Tree", {
 *   name: field(1, string),
 *   children: field(2, list(lazy(() => Tree))),
 * });
 * assert.equal(Tree.name, "Tree");
 * ```
 */
export function lazy<T>(type: () => Type<T>): Type<T> {
  return {
    // The name cannot be asked for yet.
    name: "struct",
    wire: WIRE_TYPES.struct,
    read: (input) => type().read(input),
    write: (output, value) => type().write(output, value),
  };
}
