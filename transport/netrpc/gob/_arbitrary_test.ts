/**
 * Random types with random values of them.
 * Named as a test, so that it is not published.
 * @module
 */
import fc from "fast-check";
import * as gob from "./mod.ts";

/** A type and a value of it. */
export interface Typed {
  readonly type: gob.GobType<unknown>;
  readonly value: unknown;
}

type Pair = readonly [type: gob.GobType<unknown>, values: fc.Arbitrary<unknown>];

const INT64 = { min: -(1n << 63n), max: (1n << 63n) - 1n };
const BASIC: readonly Pair[] = [
  [gob.bool, fc.boolean()],
  [gob.int, fc.maxSafeInteger()],
  [gob.int8, fc.integer({ min: -128, max: 127 })],
  [gob.int32, fc.integer()],
  [gob.int64, fc.bigInt(INT64)],
  [gob.uint, fc.maxSafeNat()],
  [gob.uint16, fc.integer({ min: 0, max: 65_535 })],
  [gob.uint64, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })],
  [gob.float, fc.double().map((n) => n === 0 ? 0 : n)],
  [gob.complex, fc.tuple(fc.integer(), fc.double()).map(([re, im]) => ({ re, im }))],
  [gob.string, fc.string({ unit: "binary", maxLength: 100 })],
  [gob.bytes, fc.uint8Array({ maxLength: 300 })],
  [gob.timeNs, fc.bigInt({ min: -(1n << 65n), max: 1n << 70n })],
];

/** Types that lie in each other up to `depth`. */
function pairs(depth: number): fc.Arbitrary<Pair> {
  const basic = fc.constantFrom(...BASIC);
  if (depth === 0) return basic;
  const inner = pairs(depth - 1);
  return fc.oneof(
    basic,
    inner.filter(([type]) => type.name !== "uint8")
      .map(([type, values]): Pair => [gob.slice(type), fc.array(values, { maxLength: 5 })]),
    fc.tuple(inner, fc.nat(3)).map(([[type, values], length]): Pair => [
      gob.array(length, type),
      fc.array(values, { minLength: length, maxLength: length }),
    ]),
    inner.map(([type, values]): Pair => [
      gob.map(gob.string, type),
      fc.array(fc.tuple(fc.string(), values), { maxLength: 4 }).map((all) => new Map(all)),
    ]),
    inner.map(([type, values]): Pair => [
      gob.anyOf({ "main.A": type, int: gob.int }),
      fc.oneof(
        fc.constant(null),
        values.map((value) => ({ name: "main.A", value })),
        fc.maxSafeInteger().map((value) => ({ name: "int", value })),
      ),
    ]),
    fc.array(inner, { maxLength: 4 }).map((fields): Pair => [
      gob.struct("S", Object.fromEntries(fields.map(([type], i) => [`f${i}`, type]))),
      fc.record(Object.fromEntries(fields.map(([, values], i) => [`f${i}`, values])), {
        noNullPrototype: true,
      }),
    ]),
  );
}

/** A random type with a random value of it. */
export const typed: fc.Arbitrary<Typed> = pairs(3).chain(([type, values]) =>
  values.map((value) => ({ type, value }))
);
