import assert from "node:assert/strict";
import { ratios, spread } from "./_stats.ts";

Deno.test("spread() gives the middle and the ends whatever the order", () => {
  assert.deepEqual(spread([3, 1, 2]), { median: 2, low: 1, high: 3 });
  assert.deepEqual(spread([10, 9, 100, 8]), { median: 9.5, low: 8, high: 100 });
});

Deno.test("spread() passes over the rounds that gave nothing", () => {
  assert.deepEqual(spread([undefined, 5, undefined]), { median: 5, low: 5, high: 5 });
  assert.equal(spread([undefined]), undefined);
});

Deno.test("ratios() compares within a round, so that a slow round cancels out", () => {
  assert.deepEqual(ratios([90, 45, 90], [100, 50, undefined]), [0.9, 0.9, undefined]);
});
