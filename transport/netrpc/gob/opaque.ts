/**
 * Descriptions of Go types that encode themselves.
 * @module
 */
import { type Marshaler, type OpaqueNode, typeOf } from "./_node.ts";
import type { GobType } from "./type.ts";

/**
 * Options for {@linkcode opaque}.
 * @typeParam T The values.
 */
export interface OpaqueOptions<T> {
  /**
   * Which interface the type implements in Go: `gob` for `GobEncoder`, `binary` for
   * `encoding.BinaryMarshaler`. A type that has both uses the former.
   * @default {"gob"}
   */
  readonly by?: "gob" | "binary" | "text";
  /** Makes the bytes of a value, as its method in Go does. */
  readonly encode: (value: T) => Uint8Array;
  /** Makes the value of its bytes. What it throws is an error of the stream. */
  readonly decode: (bytes: Uint8Array) => T;
  /** The value of a field that was left out. */
  readonly zero: () => T;
  /** Makes the JSON of a value, as `MarshalJSON` does in Go; without it there is none. */
  readonly toJson?: (value: T) => unknown;
  /** Makes the value of its JSON. */
  readonly fromJson?: (json: unknown) => T;
}

/**
 * Describes a type that encodes itself, whose bytes are handed over as they are.
 * @typeParam T The values.
 * @param name What Go calls the type.
 * @param options What the bytes mean.
 * @returns The description.
 * @example Usage
 * ```ts
 * import { decode, encode, opaque } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const Address = opaque<string>("Addr", {
 *   by: "binary",
 *   encode: (text) => Uint8Array.from(text.split("."), Number),
 *   decode: (bytes) => bytes.join("."),
 *   zero: () => "",
 * });
 * assert.equal(decode(Address, encode(Address, "127.0.0.1")), "127.0.0.1");
 * ```
 */
export function opaque<T>(name: string, options: OpaqueOptions<T>): GobType<T> {
  const { by = "gob", encode, decode, zero, toJson, fromJson } = options;
  const node: OpaqueNode = {
    kind: "opaque",
    name,
    by: by as Marshaler,
    encode: encode as (value: unknown) => Uint8Array,
    decode,
    zero,
    toJson: toJson as ((value: unknown) => unknown) | undefined,
    fromJson,
  };
  return typeOf(node);
}
