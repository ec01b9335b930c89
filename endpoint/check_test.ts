import assert from "node:assert/strict";
import * as check from "./check.ts";

const odd = [NaN, -Infinity, -1, "1", undefined, null, {}, [1], true, 1n, Symbol("s")];
const cases = [
  ["checkPositiveInteger", [1, 2 ** 53 - 1], [0, -0, 0.5, Infinity, 2 ** 53]],
  ["checkNonNegativeInteger", [0, -0, 1, 2 ** 53 - 1], [0.5, Infinity, 2 ** 53]],
  ["checkPositive", [Number.MIN_VALUE, 1.5, Infinity], [0, -0, -0.1]],
  ["checkNonNegative", [0, -0, 0.1, Infinity], [-0.1]],
  ["checkRatio", [0, 0.5, 1], [-0.1, 1.0000001, Infinity]],
] as const;

for (const [name, good, bad] of cases) {
  Deno.test(`${name}() passes what fits`, () => {
    for (const value of good) check[name]("max", value);
  });
  Deno.test(`${name}() refuses all else with a RangeError`, () => {
    for (const value of [...bad, ...odd]) {
      assert.throws(() => check[name]("max", value as number), RangeError, String(value));
    }
  });
}

Deno.test("checkPositiveInteger() names option, rule and value, with strings in quotes", () => {
  assert.throws(() => check.checkPositiveInteger("max", 0), {
    message: `Cannot use "max" as it must be a positive integer: current value is 0`,
  });
  assert.throws(() => check.checkPositiveInteger("max", "10" as unknown as number), {
    message: `Cannot use "max" as it must be a positive integer: current value is "10"`,
  });
});
