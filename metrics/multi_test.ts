import assert from "node:assert/strict";
import { memory } from "./memory.ts";
import type { Counter, Gauge, Histogram } from "./metrics.ts";
import { multi, multiCounter, multiGauge, multiHistogram } from "./multi.ts";
import { prometheus } from "./prometheus.ts";
import { prometheusSubject } from "./_prometheus_subject.ts";
import { providerChecks } from "./testing.ts";

// MM6: what is written to the joined provider is read from each
for (const [index, which] of ["first", "second"].entries()) {
  for (
    const check of providerChecks(() => {
      const store = memory();
      const scraped = prometheus();
      const first = {
        value: store.value,
        quantile: (name: string, q: number) => store.distribution(name)!.quantile(q),
      };
      const read = [first, prometheusSubject(scraped)][index]!;
      return { ...read, provider: multi(store, scraped) };
    })
  ) {
    Deno.test(`multi() passes the contract in its ${which}: ${check.name}`, check.run);
  }
}

Deno.test("multiCounter(), multiGauge() and multiHistogram() write in order", () => {
  // MM6
  const seen: string[] = [];
  const fake = (name: string): Counter & Gauge & Histogram => ({
    add: (delta = 1) => seen.push(`${name} add ${delta}`),
    set: (value) => seen.push(`${name} set ${value}`),
    observe: (value) => seen.push(`${name} observe ${value}`),
    with: ({ a }) => fake(`${name}${a}`),
  });
  multiCounter(fake("x"), fake("y")).with({ a: "1" }).add();
  multiGauge(fake("x"), fake("y")).with({ a: "2" }).set(2);
  multiGauge(fake("x"), fake("y")).with({ a: "3" }).add(3);
  multiHistogram(fake("x"), fake("y")).with({ a: "4" }).observe(4);
  assert.deepEqual(seen, [
    ...["x1 add 1", "y1 add 1", "x2 set 2", "y2 set 2"],
    ...["x3 add 3", "y3 add 3", "x4 observe 4", "y4 observe 4"],
  ]);
});
