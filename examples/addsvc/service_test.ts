import { background } from "@kit/endpoint";
import assert from "node:assert/strict";
import { addService } from "./service.ts";

const service = addService();
const ctx = background();

for (
  const [a, b, expected] of [
    [1, 2, 3],
    [-5, 5, 0],
    [2147483646, 1, 2147483647],
    [-2147483647, -1, -2147483648],
  ] as const
) {
  Deno.test(`sum() of ${a} and ${b} is ${expected}`, async () => { // XA2
    assert.equal(await service.sum(a, b, ctx), expected);
  });
}

for (
  const [a, b, code, message] of [
    [0, 0, "invalid_argument", "can't sum two zeroes"],
    [2147483647, 1, "out_of_range", "integer overflow"],
    [-2147483648, -1, "out_of_range", "integer overflow"],
    [Number.MAX_SAFE_INTEGER, 1, "out_of_range", "integer overflow"],
  ] as const
) {
  Deno.test(`sum() refuses ${a} and ${b}`, async () => { // XA2
    await assert.rejects(service.sum(a, b, ctx), { code, message });
  });
}

Deno.test("concat() joins up to ten bytes of UTF-8", async () => { // XA2, W4
  assert.equal(await service.concat("1", "2", ctx), "12");
  assert.equal(await service.concat("12345", "67890", ctx), "1234567890");
  assert.equal(await service.concat("ééé", "éé", ctx), "ééééé");
  for (const [a, b] of [["12345", "678901"], ["éééééé", ""]] as const) {
    await assert.rejects(service.concat(a, b, ctx), {
      code: "invalid_argument",
      message: "result exceeds maximum size",
    });
  }
});
