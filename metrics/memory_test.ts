import fc from "fast-check";
import assert from "node:assert/strict";
import { memory } from "./memory.ts";
import type { HistogramOptions } from "./metrics.ts";
import { providerChecks } from "./testing.ts";

// MM1, MM7, MG1, R2, R5
for (
  const check of providerChecks(() => {
    const provider = memory();
    return {
      provider,
      value: provider.value,
      quantile: (name, q) => provider.distribution(name)!.quantile(q),
    };
  })
) {
  Deno.test(`memory() passes the contract: ${check.name}`, check.run);
}

Deno.test("memory() gives the same series for the same labels", () => {
  const counter = memory().counter("c", { labels: ["a", "b"] });
  assert.equal(counter.with({ a: "1", b: "2" }), counter.with({ b: "2" }).with({ a: "1" }));
  assert.notEqual(counter.with({ a: "1", b: "2" }), counter.with({ a: "2", b: "1" }));
});

Deno.test("with() leaves the instrument it is called on as it was", () => {
  // MM1
  const metrics = memory();
  const counter = metrics.counter("c", { labels: ["a", "b"] });
  const half = counter.with({ a: "1" });
  half.with({ b: "2" }).add();
  half.with({ b: "3" }).add();
  half.with({ a: "4", b: "2" }).add();
  assert.deepEqual(metrics.snapshot()[0]!.series, [
    { labels: { a: "1", b: "2" }, value: 1 },
    { labels: { a: "1", b: "3" }, value: 1 },
    { labels: { a: "4", b: "2" }, value: 1 },
  ]);
  assert.throws(() => half.add(), /^TypeError: Inconsistent label cardinality/);
});

Deno.test("with() keeps the labels it was given when the caller changes them later", () => {
  const metrics = memory();
  const labels = { a: "1" };
  const half = metrics.counter("c", { labels: ["a", "b"] }).with(labels);
  labels.a = "2";
  half.with({ b: "3" }).add();
  assert.equal(metrics.value("c", { a: "1", b: "3" }), 1);
});

Deno.test("with() says what does not fit", () => {
  // MG2
  const counter = memory().counter("c", { labels: ["a", "b"] });
  assert.throws(() => counter.with({ a: "1" }).add(), {
    name: "TypeError",
    message: 'Inconsistent label cardinality: cannot use "c" as its labels must be "a", "b": ' +
      'current labels are "a"',
  });
  assert.throws(() => memory().counter("d").with({ a: "1" }), {
    message: 'Inconsistent label cardinality: cannot use "d" as its labels must be none: ' +
      'current labels are "a"',
  });
});

Deno.test("with() does not take what every object has for a label", () => {
  const counter = memory().counter("c", { labels: ["a", "constructor"] });
  assert.throws(() => counter.with({ a: "1" }).add(), /Inconsistent label cardinality/);
  assert.throws(
    () => counter.with(JSON.parse('{"__proto__":"x","constructor":"y"}')),
    /current labels are "__proto__", "constructor"/,
  );
});

Deno.test("memory() tells an instrument without labels before it is used", () => {
  const metrics = memory();
  metrics.counter("c");
  metrics.gauge("g", { labels: ["a"], help: "How many" });
  assert.equal(metrics.value("c"), 0);
  assert.deepEqual(metrics.snapshot(), [
    {
      kind: "counter",
      name: "c",
      help: "c",
      overflowed: 0,
      ignored: 0,
      series: [{ labels: {}, value: 0 }],
    },
    { kind: "gauge", name: "g", help: "How many", overflowed: 0, ignored: 0, series: [] },
  ]);
});

Deno.test("memory() tells the buckets, sum and count of a histogram", () => {
  const metrics = memory();
  const histogram = metrics.histogram("h", { buckets: [1, 2] });
  for (const value of [0.5, 1, 1.5, 2, 3]) histogram.observe(value);
  const { quantile: _, ...distribution } = metrics.distribution("h")!;
  assert.deepEqual(distribution, {
    count: 5,
    sum: 8,
    buckets: [{ le: 1, count: 2 }, { le: 2, count: 4 }, { le: Infinity, count: 5 }],
  });
});

Deno.test("memory() counts a value in the bucket that a search from below finds", () => {
  const rising = fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), {
    maxLength: 20,
  }).map((bounds) => bounds.sort((a, b) => a - b).filter((b, i, all) => b !== all[i - 1]));
  fc.assert(
    fc.property(
      rising,
      fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })),
      (buckets, values) => {
        const metrics = memory();
        const histogram = metrics.histogram("h", { buckets });
        // A bound itself is the case that goes wrong by one.
        const all = [...values, ...buckets];
        for (const value of all) histogram.observe(value);
        assert.deepEqual(
          metrics.distribution("h")!.buckets,
          [...buckets, Infinity].map((le) => ({ le, count: all.filter((v) => v <= le).length })),
        );
      },
    ),
  );
});

Deno.test("distribution() estimates quantiles within 0.5 % of a value observed", () => {
  // MG1
  const size = fc.double({ min: 1e-9, max: 1e18, noNaN: true });
  const value = fc.oneof(size, size.map((n) => -n), fc.constant(0));
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1 }),
      fc.oneof(fc.constantFrom(0, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true })),
      (values, q) => {
        const metrics = memory();
        const histogram = metrics.histogram("h");
        for (const one of values) histogram.observe(one);
        const exact = values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))]!;
        const estimate = metrics.distribution("h")!.quantile(q);
        assert(
          Math.abs(estimate - exact) <= Math.abs(exact) * 0.005001,
          `${estimate} is not ${exact}`,
        );
      },
    ),
  );
});

Deno.test("distribution() tells no quantile when nothing was observed", () => {
  const metrics = memory();
  metrics.histogram("h");
  assert.equal(metrics.distribution("h")!.quantile(0.5), NaN);
});

Deno.test("distribution() and snapshot() are copies that later values do not change", () => {
  // R3
  const metrics = memory();
  const histogram = metrics.histogram("h");
  const gauge = metrics.gauge("g");
  histogram.observe(1);
  gauge.set(1);
  const before = metrics.distribution("h")!;
  const snapshot = metrics.snapshot();
  for (let i = 0; i < 10; i++) histogram.observe(100);
  gauge.set(2);
  assert.equal(before.count, 1);
  assert.equal(before.quantile(0.5), 1);
  assert.equal(before.buckets.at(-1)!.count, 1);
  assert.equal(snapshot[1]!.series[0]!.value, 1);
});

Deno.test("value() and distribution() tell nothing of what is not there, and make nothing", () => {
  const metrics = memory();
  metrics.counter("c", { labels: ["a"] });
  metrics.histogram("h", { labels: ["a"] });
  assert.equal(metrics.value("c", { a: "1" }), undefined);
  assert.equal(metrics.value("c"), undefined);
  assert.equal(metrics.value("h"), undefined);
  assert.equal(metrics.value("x"), undefined);
  assert.equal(metrics.distribution("h", { a: "1" }), undefined);
  assert.equal(metrics.distribution("c"), undefined);
  metrics.counter("c", { labels: ["a"] }).with({ a: "1" }).add();
  assert.equal(metrics.value("c", { a: "1", b: "2" }), undefined);
  assert.deepEqual(metrics.snapshot().map(({ series }) => series.length), [1, 0]);
});

Deno.test("memory() counts the values that it passes over", () => {
  const metrics = memory();
  const counter = metrics.counter("c", { labels: ["a"] }).with({ a: "1" });
  const gauge = metrics.gauge("g");
  const histogram = metrics.histogram("h");
  for (const bad of [NaN, Infinity, -1]) counter.add(bad);
  for (const bad of [NaN, Infinity]) gauge.set(bad);
  for (const bad of [NaN, -Infinity]) gauge.add(bad);
  histogram.observe(NaN);
  assert.deepEqual(metrics.snapshot().map(({ ignored }) => ignored), [3, 4, 1]);
});

Deno.test("memory() keeps each list of values apart, whatever they are", () => {
  // MM4, R2
  const value = fc.oneof(
    fc.string({ unit: fc.constantFrom(":", "1", ","), maxLength: 4 }),
    fc.string({ unit: "binary" }),
  );
  const labels = fc.record({ a: value, b: value, c: value });
  fc.assert(
    fc.property(fc.array(fc.tuple(labels, fc.integer({ min: 0, max: 9 }))), (adds) => {
      const metrics = memory();
      const counter = metrics.counter("c", { labels: ["c", "a", "b"] });
      const model = new Map<string, number>();
      for (const [{ a, b, c }, delta] of adds) {
        counter.with({ b }).with({ a, c }).add(delta);
        const key = JSON.stringify([a, b, c]);
        model.set(key, (model.get(key) ?? 0) + delta);
      }
      const actual = metrics.snapshot()[0]!.series.map(({ labels: { a, b, c }, value }) => [
        JSON.stringify([a, b, c]),
        value,
      ]);
      assert.deepEqual(actual, [...model]);
    }),
  );
});

for (const by of [":", ",", "1:", ",b:", "\0", "\xff", '","']) {
  Deno.test(`memory() keeps values apart that are one when joined by ${JSON.stringify(by)}`, () => {
    const metrics = memory();
    const counter = metrics.counter("c", { labels: ["a", "b"] });
    counter.with({ a: `x${by}y`, b: "z" }).add(1);
    counter.with({ a: "x", b: `y${by}z` }).add(2);
    assert.deepEqual(metrics.snapshot()[0]!.series.map(({ value }) => value), [1, 2]);
  });
}

Deno.test("memory() takes values that read the same in UTF-8 for one", () => {
  const metrics = memory();
  const counter = metrics.counter("c", { labels: ["a"] });
  counter.with({ a: "\ud800" }).add();
  counter.with({ a: "\udc00" }).add();
  counter.with({ a: 7 as unknown as string }).add();
  assert.equal(metrics.value("c", { a: "\ufffd" }), 2);
  assert.equal(metrics.value("c", { a: "7" }), 1);
});

Deno.test("memory() bounds 100,000 invented labels by its limit and one series", () => {
  // P17, V7
  const metrics = memory();
  const counter = metrics.counter("c", { labels: ["path", "method"] });
  for (let i = 0; i < 100_000; i++) counter.with({ path: `/${i}`, method: "GET" }).add();
  const [{ series, overflowed }] = metrics.snapshot() as [ReturnType<typeof metrics.snapshot>[0]];
  assert.equal(series.length, 2001);
  assert.equal(overflowed, 98_000);
  assert.equal(metrics.value("c", { path: "_OTHER", method: "_OTHER" }), 98_000);
  assert.equal(metrics.value("c", { path: "/1999", method: "GET" }), 1);
  counter.with({ path: "/7", method: "GET" }).add();
  assert.equal(metrics.value("c", { path: "/7", method: "GET" }), 2);
});

Deno.test("memory() makes no second overflow series when a caller has made one", () => {
  const metrics = memory({ maxSeries: 2 });
  const counter = metrics.counter("c", { labels: ["a"] });
  for (const a of ["_OTHER", "1", "2", "3"]) counter.with({ a }).add();
  assert.deepEqual(metrics.snapshot()[0]!.series, [
    { labels: { a: "_OTHER" }, value: 3 },
    { labels: { a: "1" }, value: 1 },
  ]);
});

for (const maxSeries of [0, -1, 1.5, NaN, Infinity]) {
  Deno.test(`memory() refuses ${maxSeries} as maxSeries`, () => {
    assert.throws(() => memory({ maxSeries }), {
      name: "RangeError",
      message:
        `Cannot use "maxSeries" as it must be a positive integer: current value is ${maxSeries}`,
    });
  });
}

for (const name of ["", "1a", "a-b", "a.b", "a b", "ä", "a\n", undefined as unknown as string]) {
  Deno.test(`memory() refuses ${JSON.stringify(name)} as the name of an instrument`, () => {
    assert.throws(() => memory().counter(name), {
      name: "TypeError",
      message: /^Cannot make instrument as its name must match /,
    });
  });
}

for (const label of ["", "1a", "a-b", "a:b", "__a", "__proto__", "le", "quantile"]) {
  Deno.test(`memory() refuses ${JSON.stringify(label)} as a label`, () => {
    assert.throws(() => memory().gauge("g", { labels: ["ok", label] }), {
      name: "TypeError",
      message: /^Cannot make "g" as a label must /,
    });
  });
}

Deno.test("memory() refuses a label given twice", () => {
  assert.throws(() => memory().gauge("g", { labels: ["a", "a"] }), {
    message: 'Cannot make "g" as a label must not be given twice: current value is "a"',
  });
});

for (const buckets of [[1, 1], [2, 1], [1, NaN], [1, Infinity]]) {
  Deno.test(`memory() refuses ${JSON.stringify(buckets)} as buckets`, () => {
    assert.throws(() => memory().histogram("h", { buckets }), {
      name: "RangeError",
      message: /^Cannot make "h" as its buckets must be finite and rising: current value is /,
    });
  });
}

for (const q of [-0.1, 1.1, NaN]) {
  Deno.test(`memory() refuses ${q} as a quantile`, () => {
    const options: HistogramOptions = { kind: "summary", quantiles: [0.5, q] };
    assert.throws(() => memory().histogram("h", options), {
      name: "RangeError",
      message: /^Cannot make "h" as its quantiles must be from 0 to 1: current value is 0.5,/,
    });
  });
}

Deno.test("memory() gives the same instrument for the same labels in another order", () => {
  const metrics = memory();
  const labels = { a: "1", b: "2" };
  metrics.counter("c", { labels: ["a", "b"], help: "one" }).with(labels).add();
  metrics.counter("c", { labels: ["b", "a"], help: "two" }).with(labels).add();
  assert.equal(metrics.value("c", labels), 2);
  assert.equal(metrics.snapshot()[0]!.help, "one");
});

Deno.test("memory() refuses an instrument that was made otherwise before", () => {
  const metrics = memory();
  metrics.counter("c", { labels: ["a"] });
  metrics.histogram("h", { buckets: [1] });
  const error = { name: "TypeError", message: /^Cannot make "." as it must be what it was made/ };
  assert.throws(() => metrics.counter("c"), error);
  assert.throws(() => metrics.gauge("c", { labels: ["a"] }), error);
  assert.throws(() => metrics.histogram("h"), error);
  assert.throws(() => metrics.histogram("h", { kind: "summary" }), error);
  assert.equal(metrics.snapshot().length, 2);
});

Deno.test("memory() refuses two instruments that a scraper would take for one", () => {
  for (const suffix of ["bucket", "count", "sum"]) {
    const metrics = memory();
    metrics.histogram("h");
    assert.throws(() => metrics.counter(`h_${suffix}`), {
      name: "TypeError",
      message: `Cannot make counter "h_${suffix}" as "h" writes "h_${suffix}" already`,
    });
    const other = memory();
    other.gauge(`h_${suffix}`);
    assert.throws(() => other.histogram("h"), /as "h_\w+" writes "h_\w+" already/);
  }
  const metrics = memory();
  metrics.histogram("s", { kind: "summary" });
  metrics.counter("s_bucket");
});
