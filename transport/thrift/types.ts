/**
 * The plain types of Thrift.
 * @module
 */
import { misfit } from "./_fault.ts";
import { type Reader, WIRE_TYPES, type WireType, type Writer } from "./protocol.ts";

/**
 * A type of Thrift: what it is called, what kind it is on the wire, and how its values are read and
 * written. A type of your own wraps one of these.
 * @typeParam T The values.
 * @example A type of your own
 * ```ts
 * import { i64, type Type } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const timestamp: Type<Date> = {
 *   name: "timestamp",
 *   wire: i64.wire,
 *   read: (input) => new Date(Number(i64.read(input))),
 *   write: (output, date) => i64.write(output, BigInt(date.getTime())),
 * };
 * assert.equal(timestamp.wire, i64.wire);
 * ```
 */
export interface Type<T> {
  /** What it is called in messages. */
  readonly name: string;
  /** Its kind on the wire. */
  readonly wire: WireType;
  /** Reads a value. */
  read(input: Reader): T;
  /** Writes a value; it throws if the value is not one of this type. */
  write(output: Writer, value: T): void;
}

/**
 * The values of a type.
 * @typeParam T The type, such as `typeof SumRequest`.
 */
export type Infer<T> = T extends Type<infer Value> ? Value : never;

/** True or false. */
export const bool: Type<boolean> = {
  name: "bool",
  wire: WIRE_TYPES.bool,
  read: (input) => input.bool(),
  write: (output, value) => {
    if (typeof value !== "boolean") throw misfit("true or false", value);
    output.bool(value);
  },
};

/** An integer of 8 bits, with a sign. */
export const i8: Type<number> = {
  name: "i8",
  wire: WIRE_TYPES.i8,
  read: (input) => input.i8(),
  write: (output, value) => {
    if (value << 24 >> 24 !== value) throw misfit("an integer from -128 to 127", value);
    output.i8(value);
  },
};

/** An integer of 16 bits, with a sign. */
export const i16: Type<number> = {
  name: "i16",
  wire: WIRE_TYPES.i16,
  read: (input) => input.i16(),
  write: (output, value) => {
    if (value << 16 >> 16 !== value) throw misfit("an integer from -32768 to 32767", value);
    output.i16(value);
  },
};

/** An integer of 32 bits, with a sign. */
export const i32: Type<number> = {
  name: "i32",
  wire: WIRE_TYPES.i32,
  read: (input) => input.i32(),
  write: (output, value) => {
    if ((value | 0) !== value) throw misfit("an integer from -2147483648 to 2147483647", value);
    output.i32(value);
  },
};

/** An integer of 64 bits, with a sign, as a `bigint`: exact to the last digit. */
export const i64: Type<bigint> = {
  name: "i64",
  wire: WIRE_TYPES.i64,
  read: (input) => input.i64(),
  write: (output, value) => {
    if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) {
      throw misfit("a bigint of 64 bits", value);
    }
    output.i64(value);
  },
};

/** An integer of 64 bits as a `number`, for values that never leave 2^53; others are refused. */
export const i64Number: Type<number> = {
  name: "i64",
  wire: WIRE_TYPES.i64,
  read: (input) => {
    const value = Number(input.i64());
    if (!Number.isSafeInteger(value)) throw misfit("an integer of at most 53 bits", value);
    return value;
  },
  write: (output, value) => {
    if (!Number.isSafeInteger(value)) throw misfit("an integer of at most 53 bits", value);
    output.i64(BigInt(value));
  },
};

/** A floating point number of 64 bits. */
export const double: Type<number> = {
  name: "double",
  wire: WIRE_TYPES.double,
  read: (input) => input.double(),
  write: (output, value) => {
    if (typeof value !== "number") throw misfit("a number", value);
    output.double(value);
  },
};

/** Text. Bytes that are not UTF-8, and halves of surrogate pairs, are refused both ways. */
export const string: Type<string> = {
  name: "string",
  wire: WIRE_TYPES.string,
  read: (input) => input.string(),
  write: (output, value) => {
    if (typeof value !== "string" || !value.isWellFormed()) throw misfit("Unicode text", value);
    output.string(value);
  },
};

/** Bytes. */
export const binary: Type<Uint8Array> = {
  name: "binary",
  wire: WIRE_TYPES.string,
  read: (input) => input.binary(),
  write: (output, value) => {
    if (!(value instanceof Uint8Array)) throw misfit("a Uint8Array", value);
    output.binary(value);
  },
};

/** A UUID as text of 36 characters, in lower case when read. Apache Thrift has it since 0.19. */
export const uuid: Type<string> = {
  name: "uuid",
  wire: WIRE_TYPES.uuid,
  read: (input) => input.uuid(),
  write: (output, value) => {
    if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)) throw misfit("a UUID", value);
    output.uuid(value);
  },
};
