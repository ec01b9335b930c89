import assert from "node:assert/strict";
import { duration, formatJson, formatLogfmt } from "@kit/log";

// W6, LF2; more in logfmt_integration_test.ts, against Go
const TABLE: readonly [ms: number, text: string][] = [
  [0, "0s"],
  [-0, "0s"],
  [1e-7, "0s"],
  [0.000001, "1ns"],
  [0.000775, "775ns"],
  [0.001, "1µs"],
  [0.002455, "2.455µs"],
  [0.00275, "2.75µs"],
  [0.9999994, "999.999µs"],
  [0.9999996, "1ms"],
  [1.604958, "1.604958ms"],
  [999.9999999, "1s"],
  [1000, "1s"],
  [1500, "1.5s"],
  [1000.000001, "1.000000001s"],
  [60_000, "1m0s"],
  [90_000, "1m30s"],
  [3_600_000, "1h0m0s"],
  [3_723_500, "1h2m3.5s"],
  [360_000_000, "100h0m0s"],
  [-1500, "-1.5s"],
  [-0.001, "-1µs"],
  [NaN, "NaN"],
  [Infinity, "Infinity"],
];

for (const [ms, text] of TABLE) {
  Deno.test(`duration() of ${ms} ms prints ${text}`, () =>
    assert.equal(String(duration(ms)), text));
}

Deno.test("duration() prints the same in every format", () => {
  const took = duration(1.5);
  assert.equal(formatLogfmt({ took }), "took=1.5ms");
  assert.equal(formatJson({ took, all: [took] }), '{"took":"1.5ms","all":["1.5ms"]}');
  assert.equal(took.ms, 1.5);
});
