/**
 * Checks that every backend must pass, for those who write one.
 * @module
 */
import assert from "node:assert/strict";
import type { Labels, Provider } from "./metrics.ts";

/** A provider with what reads back its values, from where the backend sent them. */
export interface Subject {
  /** The provider. */
  readonly provider: Provider;
  /**
   * Tells the sum of a counter or the value of a gauge.
   * @param name Its name.
   * @param labels Its labels.
   * @returns The value.
   */
  value(name: string, labels?: Labels): number | undefined | Promise<number | undefined>;
  /**
   * Tells a quantile of a histogram.
   * @param name Its name.
   * @param q Which, from 0 to 1.
   * @returns The quantile.
   */
  quantile(name: string, q: number): number | Promise<number>;
}

/** Options for {@linkcode providerChecks}. */
export interface ProviderChecksOptions {
  /**
   * How far a quantile may be from the true one, as a share of it.
   * @default {0.01}
   */
  readonly tolerance?: number;
  /**
   * Whether the backend tells series with labels apart.
   * @default {true}
   */
  readonly hasLabels?: boolean;
}

/** One check, to be handed to the test runner. */
export interface Check {
  /** What it proves. */
  readonly name: string;
  /** Runs it; rejects if the backend fails it. */
  run(): Promise<void>;
}

/**
 * Makes samples of a normal distribution, the same ones every time.
 * @param count How many.
 * @param options Mean, standard deviation and seed.
 * @returns The samples.
 * @example Usage
 * ```ts
 * import { normalSamples } from "@kit/metrics/testing";
 * import assert from "node:assert/strict";
 * assert.deepEqual(normalSamples(3), normalSamples(3));
 * ```
 */
export function normalSamples(
  count: number,
  options: { readonly mean?: number; readonly sd?: number; readonly seed?: number } = {},
): readonly number[] {
  const { mean = 500, sd = 25, seed = 1 } = options;
  const random = mulberry32(seed);
  return Array.from({ length: count }, () => {
    // Box and Muller's method; 1 - random() is never 0.
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return mean + sd * radius * Math.cos(2 * Math.PI * random());
  });
}

/**
 * Makes the checks of a backend: sums, last values, quantiles of 12345 normal samples with mean 500
 * and standard deviation 25, labels, bad values.
 * @param make Makes a fresh backend for each check.
 * @param options What the backend can do.
 * @returns The checks.
 * @example Usage
 * ```ts
 * import { memory } from "@kit/metrics";
 * import { providerChecks } from "@kit/metrics/testing";
 * const make = () => {
 *   const provider = memory();
 *   return {
 *     provider,
 *     value: provider.value,
 *     quantile: (name: string, q: number) => provider.distribution(name)!.quantile(q),
 *   };
 * };
 * for (const check of providerChecks(make)) await check.run(); // or Deno.test(check.name, check.run)
 * ```
 */
export function providerChecks(
  make: () => Subject,
  options: ProviderChecksOptions = {},
): readonly Check[] {
  const { tolerance = 0.01, hasLabels = true } = options;
  const checks: readonly [name: string, check: (subject: Subject) => void | Promise<void>][] = [
    ["counter tells the sum of its deltas", counterSums],
    ["gauge tells the last of its sets and adds", gaugeTellsLast],
    ["gauge adds to its value after it was read", gaugeRemembers],
    ["histogram tells quantiles", (subject) => histogramQuantiles(subject, tolerance)],
    ["instruments pass over what is no number", badValues],
    ["an instrument asked for twice is the same", sameInstrument],
    ...(hasLabels ? LABEL_CHECKS : []),
  ];
  return checks.map(([name, check]) => ({ name, run: async () => await check(make()) }));
}

const LABEL_CHECKS: readonly [string, (subject: Subject) => void | Promise<void>][] = [
  ["labels tell series apart", seriesApart],
  ["labels are the same in any order and over several calls", sameSeries],
  ["labels that do not fit are refused", labelsThatDoNotFit],
];

async function counterSums({ provider, value }: Subject): Promise<void> {
  const counter = provider.counter("checks_total");
  counter.add();
  let sum = 1;
  // Quarters add up without rounding.
  for (let i = 0; i < 1000; i++) {
    counter.add(i / 4);
    sum += i / 4;
  }
  assert.equal(await value("checks_total"), sum);
}

async function gaugeTellsLast({ provider, value }: Subject): Promise<void> {
  const gauge = provider.gauge("checks");
  for (let i = 0; i <= 100; i++) gauge.set(i);
  assert.equal(await value("checks"), 100, "after sets");
  for (let i = 0; i < 100; i++) gauge.add(-2.5);
  assert.equal(await value("checks"), -150, "after adds");
}

async function gaugeRemembers({ provider, value }: Subject): Promise<void> {
  const gauge = provider.gauge("checks");
  for (let i = 1; i <= 3; i++) {
    gauge.add(2);
    assert.equal(await value("checks"), 2 * i);
  }
}

async function histogramQuantiles(subject: Subject, tolerance: number): Promise<void> {
  const buckets = Array.from({ length: 21 }, (_, i) => 400 + 10 * i);
  const histogram = subject.provider.histogram("checks_size", { buckets });
  const samples = normalSamples(12345);
  for (const sample of samples) histogram.observe(sample);
  const sorted = samples.toSorted((a, b) => a - b);
  for (const q of [0.5, 0.9, 0.95, 0.99]) {
    const expected = sorted[Math.floor(q * sorted.length)]!;
    const actual = await subject.quantile("checks_size", q);
    assert(
      Math.abs(actual - expected) <= tolerance * expected,
      `quantile ${q} must be ${expected}: current value is ${actual}`,
    );
  }
}

async function badValues({ provider, value, quantile }: Subject): Promise<void> {
  const counter = provider.counter("checks_total");
  const gauge = provider.gauge("checks");
  const histogram = provider.histogram("checks_size", { buckets: [400, 500, 600] });
  counter.add(3);
  gauge.set(3);
  histogram.observe(450);
  for (const bad of [NaN, Infinity, -Infinity, "7" as unknown as number]) {
    counter.add(bad);
    gauge.set(bad);
    gauge.add(bad);
    histogram.observe(bad);
  }
  counter.add(-1);
  assert.equal(await value("checks_total"), 3, "counter");
  assert.equal(await value("checks"), 3, "gauge");
  const median = await quantile("checks_size", 0.5);
  assert(median >= 400 && median <= 500, `histogram: current median is ${median}`);
}

async function sameInstrument({ provider, value }: Subject): Promise<void> {
  provider.counter("checks_total").add(1);
  provider.counter("checks_total").add(2);
  assert.equal(await value("checks_total"), 3);
}

async function seriesApart({ provider, value }: Subject): Promise<void> {
  const counter = provider.counter("checks_total", { labels: ["a", "b"] });
  const one = counter.with({ a: "1", b: "2" });
  const two = one.with({ b: "3" });
  one.add(1);
  two.add(10);
  one.add(100);
  assert.equal(await value("checks_total", { a: "1", b: "2" }), 101);
  assert.equal(await value("checks_total", { a: "1", b: "3" }), 10);
}

async function sameSeries({ provider, value }: Subject): Promise<void> {
  const gauge = provider.gauge("checks", { labels: ["a", "b"] });
  gauge.with({ a: "1", b: "2" }).add(1);
  gauge.with({ b: "2", a: "1" }).add(2);
  gauge.with({ b: "2" }).with({ a: "1" }).add(4);
  gauge.with({ a: "1" }).with({ b: "2" }).add(8);
  assert.equal(await value("checks", { a: "1", b: "2" }), 15);
}

function labelsThatDoNotFit({ provider }: Subject): void {
  const error = { name: "TypeError", message: /^Inconsistent label cardinality: / };
  const counter = provider.counter("checks_total", { labels: ["a"] });
  const gauge = provider.gauge("checks", { labels: ["a"] });
  const histogram = provider.histogram("checks_size", { labels: ["a"] });
  assert.throws(() => counter.add(), error);
  assert.throws(() => gauge.set(1), error);
  assert.throws(() => gauge.add(1), error);
  assert.throws(() => histogram.observe(1), error);
  assert.throws(() => counter.with({ a: "1", z: "2" }), error);
  assert.throws(() => gauge.with({ z: "2" }), error);
  assert.throws(() => histogram.with({ a: "1" }).with({ z: "2" }), error);
}

/** A small random generator that can be seeded. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
