/**
 * Go's encoding/gob: descriptions of Go types, and streams of their values.
 *
 * ```ts
 * import { decode, encode, int, map, slice, string, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 *
 * const Order = struct("Order", { id: int, items: slice(string), prices: map(string, int) });
 * const order = { id: 7, items: ["tea"], prices: new Map([["tea", 3]]) };
 * assert.deepEqual(decode(Order, encode(Order, order)), order);
 * ```
 * @module
 */
export * from "./basic_types.ts";
export * from "./composite_types.ts";
export * from "./decode.ts";
export * from "./decoder.ts";
export * from "./encode.ts";
export * from "./encoder.ts";
export * from "./opaque.ts";
export * from "./time.ts";
export * from "./type.ts";
