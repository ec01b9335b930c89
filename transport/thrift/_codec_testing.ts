/**
 * Values as bytes and back, for tests.
 * @module
 */
import { encodeMessage, readerOf } from "./_codec.ts";
import { DEFAULT_MAX_DEPTH, DEFAULT_MAX_ITEMS } from "./_limits.ts";
import type { Protocol } from "./protocol.ts";
import type { Type } from "./types.ts";

/** Writes a call whose body is a value. */
export function encode<T>(protocol: Protocol, type: Type<T>, value: T): Uint8Array {
  return encodeMessage(protocol, { name: "m", type: 1, seqid: 7 }, type, value);
}

/** Reads what {@linkcode encode} has written. */
export function decode<T>(
  protocol: Protocol,
  type: Type<T>,
  bytes: Uint8Array,
  limits: { maxDepth?: number; maxItems?: number } = {},
): T {
  const { maxDepth = DEFAULT_MAX_DEPTH, maxItems = DEFAULT_MAX_ITEMS } = limits;
  const input = readerOf(protocol, { maxDepth, maxItems }).attach(bytes);
  input.messageBegin();
  const value = type.read(input);
  input.messageEnd();
  return value;
}

/** Bytes written as hexadecimal digits, with spaces where they help. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
}
