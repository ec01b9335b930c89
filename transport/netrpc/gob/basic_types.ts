/**
 * Descriptions of the types that gob knows by itself.
 *
 * Go's `int` has 64 bits, a number of TypeScript 53. So there are two descriptions of it: `int` is a
 * number, and refuses a value that a number cannot be; `int64` is a `bigint`, and exact. Which of them
 * is used does not show on the wire.
 * @module
 */
import type { Reader } from "./_reader.ts";
import type { Writer } from "./_writer.ts";
import { type BasicNode, typeOf } from "./_node.ts";
import type { GobType } from "./type.ts";

/** A complex number of Go: `complex64` and `complex128`. */
export interface Complex {
  /** The real part. */
  readonly re: number;
  /** The imaginary part. */
  readonly im: number;
}

/** How a type is written and read. */
interface Basic<T> {
  readonly id: number;
  readonly zero: T;
  readonly json: BasicNode["json"];
  /** What a value must be. */
  readonly rule: string;
  readonly isValid: (value: unknown) => boolean;
  readonly isZero?: (value: T) => boolean;
  readonly write: (writer: Writer, value: T) => void;
  readonly read: (reader: Reader) => T;
}

function basic<T>(name: string, of: Basic<T>): GobType<T> {
  const { id, zero, json, rule, isValid, write, read } = of;
  const isZero = (of.isZero ?? ((value) => value === zero)) as (value: unknown) => boolean;
  const node: BasicNode = {
    kind: "basic",
    name,
    id,
    zero,
    json,
    rule,
    isValid,
    isZero,
    write: (writer, value) => {
      if (!isValid(value)) {
        throw new RangeError(`as it must be ${rule}: current value is ${shown(value)}`);
      }
      write(writer, value as T);
    },
    read,
  };
  return typeOf(node);
}

function shown(value: unknown): string {
  if (typeof value === "string") return "a string";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function whole(name: string, id: 2 | 3, min: number, max: number): GobType<number> {
  const isSigned = id === 2;
  const read = (reader: Reader): number => isSigned ? reader.int() : reader.uint();
  const isAll = max === Number.MAX_SAFE_INTEGER;
  return basic<number>(name, {
    id,
    zero: 0,
    json: "int",
    rule: `a whole number from ${min} to ${max}`,
    isValid: (value) =>
      Number.isSafeInteger(value) && value as number >= min && value as number <= max,
    write: (writer, value) => isSigned ? writer.int(value) : writer.uint(value),
    read: isAll ? read : (reader) => {
      const value = read(reader);
      if (value < min || value > max) reader.outOfRange(name);
      return value;
    },
  });
}

function big(name: string, id: 2 | 3, min: bigint, max: bigint): GobType<bigint> {
  return basic<bigint>(name, {
    id,
    zero: 0n,
    json: "bigint",
    rule: `a bigint from ${min} to ${max}`,
    isValid: (value) => typeof value === "bigint" && value >= min && value <= max,
    write: (writer, value) => id === 2 ? writer.int64(value) : writer.uint64(value),
    read: (reader) => id === 2 ? reader.int64() : reader.uint64(),
  });
}

/** Go's `bool`. */
export const bool: GobType<boolean> = basic<boolean>("bool", {
  id: 1,
  zero: false,
  json: "bool",
  rule: "a boolean",
  isValid: (value) => typeof value === "boolean",
  write: (writer, value) => writer.byte(value ? 1 : 0),
  read: (reader) => reader.uint() !== 0,
});

const { MAX_SAFE_INTEGER: MAX, MIN_SAFE_INTEGER: MIN } = Number;

/** Go's `int` and `int64` as a number. A value beyond 2^53 - 1 is an error, both ways. */
export const int: GobType<number> = whole("int", 2, MIN, MAX);
/** Go's `int8`. */
export const int8: GobType<number> = whole("int8", 2, -0x80, 0x7f);
/** Go's `int16`. */
export const int16: GobType<number> = whole("int16", 2, -0x8000, 0x7fff);
/** Go's `int32` and `rune`. */
export const int32: GobType<number> = whole("int32", 2, -0x8000_0000, 0x7fff_ffff);
/** Go's `int64` and `int` as a `bigint`, exact. */
export const int64: GobType<bigint> = big("int64", 2, -(1n << 63n), (1n << 63n) - 1n);

/** Go's `uint`, `uint64` and `uintptr` as a number. A value above 2^53 - 1 is an error, both ways. */
export const uint: GobType<number> = whole("uint", 3, 0, MAX);
/** Go's `uint8` and `byte` where they stand alone or in an array. A slice of them is `bytes`. */
export const uint8: GobType<number> = whole("uint8", 3, 0, 0xff);
/** Go's `uint16`. */
export const uint16: GobType<number> = whole("uint16", 3, 0, 0xffff);
/** Go's `uint32`. */
export const uint32: GobType<number> = whole("uint32", 3, 0, 0xffff_ffff);
/** Go's `uint64` and `uint` as a `bigint`, exact. */
export const uint64: GobType<bigint> = big("uint64", 3, 0n, (1n << 64n) - 1n);

/** Go's `float64` and `float32`. */
export const float: GobType<number> = basic<number>("float", {
  id: 4,
  zero: 0,
  json: "float",
  rule: "a number",
  isValid: (value) => typeof value === "number",
  write: (writer, value) => writer.float(value),
  read: (reader) => reader.float(),
});

/** Go's `complex128` and `complex64`. */
export const complex: GobType<Complex> = basic<Complex>("complex", {
  id: 7,
  zero: Object.freeze({ re: 0, im: 0 }),
  json: "none",
  rule: "an object of two numbers, re and im",
  isValid: (value) => {
    const { re, im } = (value ?? {}) as Partial<Complex>;
    return typeof re === "number" && typeof im === "number";
  },
  isZero: (value) => value !== null && value.re === 0 && value.im === 0,
  write: (writer, { re, im }) => {
    writer.float(re);
    writer.float(im);
  },
  read: (reader) => ({ re: reader.float(), im: reader.float() }),
});

/** Go's `string`. One that is not UTF-8 is an error, as a string of TypeScript cannot hold it. */
export const string: GobType<string> = basic<string>("string", {
  id: 6,
  zero: "",
  json: "string",
  rule: "a string",
  isValid: (value) => typeof value === "string",
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.text(),
});

/** Go's `[]byte`. */
export const bytes: GobType<Uint8Array> = basic<Uint8Array>("bytes", {
  id: 5,
  zero: new Uint8Array(0),
  json: "bytes",
  rule: "a Uint8Array",
  isValid: (value) => value instanceof Uint8Array,
  isZero: (value) => value?.length === 0,
  write: (writer, value) => writer.raw(value),
  read: (reader) => reader.raw(),
});
