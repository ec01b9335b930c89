import assert from "node:assert/strict";
import {
  counterAsGauge,
  counterAsHistogram,
  gaugeAsCounter,
  gaugeAsHistogram,
  histogramAsCounter,
  histogramAsGauge,
} from "./convert.ts";
import { memory } from "./memory.ts";

const LABELED = { labels: ["a"] };
const A = { a: "1" };

Deno.test("counterAsHistogram() and histogramAsCounter() keep the values", () => {
  // MM5
  const metrics = memory();
  const there = counterAsHistogram(metrics.counter("c", LABELED)).with(A);
  const back = histogramAsCounter(there);
  there.observe(1);
  back.add(2);
  back.add();
  assert.equal(metrics.value("c", A), 4);
  histogramAsCounter(metrics.histogram("h", LABELED)).with(A).add(7);
  assert.equal(metrics.distribution("h", A)!.sum, 7);
});

Deno.test("counterAsGauge() and gaugeAsCounter() keep the values", () => {
  // MM5
  const metrics = memory();
  const there = counterAsGauge(metrics.counter("c", LABELED)).with(A);
  there.set(1);
  there.add(2);
  gaugeAsCounter(there).add(3);
  gaugeAsCounter(there).add();
  assert.equal(metrics.value("c", A), 7);
  const gauge = gaugeAsCounter(metrics.gauge("g", LABELED)).with(A);
  gauge.add(5);
  gauge.add(2);
  assert.equal(metrics.value("g", A), 2);
});

Deno.test("histogramAsGauge() and gaugeAsHistogram() keep the values", () => {
  // MM5
  const metrics = memory();
  const there = histogramAsGauge(metrics.histogram("h", LABELED)).with(A);
  there.set(1);
  there.add(2);
  gaugeAsHistogram(there).observe(4);
  const { count, sum } = metrics.distribution("h", A)!;
  assert.deepEqual({ count, sum }, { count: 3, sum: 7 });
  const gauge = gaugeAsHistogram(metrics.gauge("g", LABELED)).with(A);
  gauge.observe(5);
  gauge.observe(2);
  assert.equal(metrics.value("g", A), 2);
});
