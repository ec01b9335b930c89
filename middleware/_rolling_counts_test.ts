import assert from "node:assert/strict";
import { RollingCounts } from "./_rolling_counts.ts";

Deno.test("RollingCounts passes over what was begun in a bucket that dropped out (B1.6)", () => {
  const counts = new RollingCounts(3);
  counts.begin();
  counts.grow(3);
  assert.equal(counts.sum.requests, 0);
  counts.succeed(0);
  counts.fail(0);
  counts.exclude(0);
  counts.fail(4);
  assert.deepEqual({ ...counts.sum }, { ...new RollingCounts(1).sum });
});

Deno.test("RollingCounts shortens a run that began in the bucket that drops out", () => {
  const counts = new RollingCounts(3);
  counts.fail(0);
  counts.fail(0);
  counts.grow(1);
  counts.fail(1);
  assert.equal(counts.sum.consecutiveFailures, 3);
  counts.grow(3);
  assert.equal(counts.sum.consecutiveFailures, 1);
});
