import assert from "node:assert/strict";
import { discard } from "./discard.ts";

Deno.test("discard() takes everything and throws nothing", () => {
  // MM6
  const metrics = discard();
  const counter = metrics.counter("any name", { labels: ["a"] });
  counter.add(-1);
  assert.equal(counter.with({ z: "1" }), counter);
  const gauge = metrics.gauge("");
  gauge.set(NaN);
  gauge.with({}).add(Infinity);
  metrics.histogram("h").with({ a: "1" }).observe(NaN);
});
