/**
 * The protocols of Apache Thrift, and what types are read from and written to.
 * @module
 */

/** How values become bytes: Thrift's binary protocol, its compact one, or its JSON one. */
export type Protocol = "binary" | "compact" | "json";

/** The kinds of values on the wire, by their numbers in the binary protocol. */
export const WIRE_TYPES = {
  /** Ends the fields of a struct. */
  stop: 0,
  /** True or false. */
  bool: 2,
  /** An integer of 8 bits. */
  i8: 3,
  /** A floating point number of 64 bits. */
  double: 4,
  /** An integer of 16 bits. */
  i16: 6,
  /** An integer of 32 bits. */
  i32: 8,
  /** An integer of 64 bits. */
  i64: 10,
  /** Text, or bytes. */
  string: 11,
  /** Numbered fields: a struct, a union or an exception. */
  struct: 12,
  /** Pairs of keys and values. */
  map: 13,
  /** Values, each once. */
  set: 14,
  /** Values in order. */
  list: 15,
  /** A UUID of 16 bytes. */
  uuid: 16,
} as const;

/** The number of a kind of values: one of {@linkcode WIRE_TYPES}. */
export type WireType = number;

/** How a message begins. */
export interface MessageHead {
  /** The name of the method. */
  readonly name: string;
  /** 1 for a call, 2 for a reply, 3 for an exception, 4 for a call without a reply. */
  readonly type: number;
  /** Tells which call a reply belongs to. */
  readonly seqid: number;
}

/** Reads values, each method one piece. What is not as it must be throws. */
export interface Reader {
  /** The number of the field that {@linkcode fieldBegin} has read. */
  readonly fieldId: number;
  /** The kind of the items that {@linkcode listBegin} has announced, or of the keys of a map. */
  readonly itemType: WireType;
  /** The kind of the values that {@linkcode mapBegin} has announced. */
  readonly valueType: WireType;
  /** Begins a message. */
  messageBegin(): MessageHead;
  /** Ends a message. */
  messageEnd(): void;
  /** Begins a struct. */
  structBegin(): void;
  /** Ends a struct. */
  structEnd(): void;
  /** Begins a field, and tells its kind; `stop` when there is none left. */
  fieldBegin(): WireType;
  /** Ends a field. */
  fieldEnd(): void;
  /** Begins a list or a set, and tells how many items it has. */
  listBegin(): number;
  /** Ends a list or a set. */
  listEnd(): void;
  /** Begins a map, and tells how many pairs it has. */
  mapBegin(): number;
  /** Ends a map. */
  mapEnd(): void;
  /** Reads true or false. */
  bool(): boolean;
  /** Reads an integer of 8 bits. */
  i8(): number;
  /** Reads an integer of 16 bits. */
  i16(): number;
  /** Reads an integer of 32 bits. */
  i32(): number;
  /** Reads an integer of 64 bits. */
  i64(): bigint;
  /** Reads a floating point number. */
  double(): number;
  /** Reads text. */
  string(): string;
  /** Reads bytes. */
  binary(): Uint8Array;
  /** Reads a UUID, as text. */
  uuid(): string;
  /** Passes over text or bytes. */
  skipString(): void;
}

/** Writes values, each method one piece. The types check values before they come here. */
export interface Writer {
  /** Begins a message. */
  messageBegin(head: MessageHead): void;
  /** Ends a message. */
  messageEnd(): void;
  /** Begins a struct. */
  structBegin(): void;
  /** Ends a struct, after its last field. */
  structEnd(): void;
  /** Begins a field. */
  fieldBegin(type: WireType, id: number): void;
  /** Ends a field. */
  fieldEnd(): void;
  /** Begins a list or a set. */
  listBegin(itemType: WireType, size: number): void;
  /** Ends a list or a set. */
  listEnd(): void;
  /** Begins a map. */
  mapBegin(keyType: WireType, valueType: WireType, size: number): void;
  /** Ends a map. */
  mapEnd(): void;
  /** Writes true or false. */
  bool(value: boolean): void;
  /** Writes an integer of 8 bits. */
  i8(value: number): void;
  /** Writes an integer of 16 bits. */
  i16(value: number): void;
  /** Writes an integer of 32 bits. */
  i32(value: number): void;
  /** Writes an integer of 64 bits. */
  i64(value: bigint): void;
  /** Writes a floating point number. */
  double(value: number): void;
  /** Writes text. */
  string(value: string): void;
  /** Writes bytes. */
  binary(value: Uint8Array): void;
  /** Writes a UUID. */
  uuid(value: string): void;
}

/**
 * Reads the name of a protocol, such as a flag has it.
 * @param name The name.
 * @returns The protocol.
 * @throws {TypeError} If there is no such protocol, or it is `simplejson`: that one has no numbers and
 * kinds of fields in it, so no library of Thrift can read it back.
 * @example Usage
 * ```ts
 * import { parseProtocol } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * assert.equal(parseProtocol("compact"), "compact");
 * assert.throws(() => parseProtocol("simplejson"), TypeError);
 * ```
 */
export function parseProtocol(name: string): Protocol {
  if (name === "binary" || name === "compact" || name === "json") return name;
  throw new TypeError(
    name === "simplejson"
      ? `Cannot use protocol "simplejson" as it can be written only and never read: use "json"`
      : `Cannot use protocol as it must be "binary", "compact" or "json": current value is "${name}"`,
  );
}
