import assert from "node:assert/strict";
import fc from "fast-check";
import { Backoff } from "./_backoff.ts";

Deno.test("Backoff doubles from 100 ms up to the limit, over the upper half of each range", () => {
  const highest = new Backoff(1000, () => 1);
  assert.deepEqual(Array.from({ length: 6 }, () => highest.nextMs()), [
    100,
    200,
    400,
    800,
    1000,
    1000,
  ]);
  const lowest = new Backoff(1000, () => 0);
  assert.deepEqual([1, 2, 3].map(() => lowest.nextMs()), [50, 100, 200]);
});

Deno.test("Backoff starts over after reset()", () => {
  const backoff = new Backoff(1000, () => 1);
  backoff.nextMs();
  backoff.nextMs();
  backoff.reset();
  assert.equal(backoff.nextMs(), 100);
});

Deno.test("Backoff never fits more tries into a time than promised, whatever is drawn", () => { // P9, D1
  fc.assert(fc.property(
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 200, maxLength: 200 }),
    (draws) => {
      const backoff = new Backoff(24_000, () => draws.pop()!);
      const tries: number[] = [];
      for (let at = 0; at < 600_000; at += backoff.nextMs()) tries.push(at);
      assert(tries.filter((at) => at < 60_000).length <= 20);
      for (const start of tries.slice(10)) {
        assert(tries.filter((at) => start <= at && at < start + 60_000).length <= 5);
      }
    },
  ));
});
