import assert from "node:assert/strict";
import { exponentialBackoff } from "./backoff.ts";

Deno.test("exponentialBackoff() takes 25 ms, factor 2, at most 250 ms by default", () => {
  const longest = exponentialBackoff({ random: () => 1 });
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(longest), [25, 50, 100, 200, 250, 250]);
});

Deno.test("exponentialBackoff() never goes beyond its bounds", () => { // O8
  const full = exponentialBackoff({ baseMs: 100, maxMs: 100 });
  const narrow = exponentialBackoff({ baseMs: 100, maxMs: 100, jitter: "narrow" });
  for (let draw = 0; draw < 100_000; draw++) {
    const [a, b] = [full(3), narrow(3)];
    assert(a >= 0 && a < 100, `${a}`);
    assert(b >= 80 && b < 120, `${b}`);
  }
});

Deno.test("exponentialBackoff() spreads 1,000 clients that fail at once", () => { // O8
  const backoff = exponentialBackoff({ baseMs: 100 });
  const buckets = new Array<number>(10).fill(0);
  for (let client = 0; client < 1000; client++) buckets[Math.floor(backoff(1) / 10)]!++;
  assert(Math.max(...buckets) <= 300, `${buckets}`);
});

Deno.test("exponentialBackoff() survives any number of retries", () => {
  assert.equal(exponentialBackoff({ jitter: "none" })(10_000), 250);
  assert.equal(exponentialBackoff({ baseMs: 0, jitter: "none" })(10_000), 0);
});

for (const options of [{ baseMs: -1 }, { maxMs: NaN }, { factor: 0.5 }, { factor: NaN }]) {
  Deno.test(`exponentialBackoff() refuses ${Object.entries(options)}`, () => {
    assert.throws(() => exponentialBackoff(options), RangeError);
  });
}
