/**
 * The series that hold values: what counting, setting and observing cost is here.
 * @module
 */
import type { Family } from "./_family.ts";
import type { Counter, Gauge, Histogram, Labels } from "./metrics.ts";
import { Sketch } from "./_sketch.ts";

export type CounterFamily = Family<"counter", CounterSeries>;
export type GaugeFamily = Family<"gauge", GaugeSeries>;
export type HistogramFamily = Family<"histogram" | "summary", HistogramSeries>;

export class CounterSeries implements Counter {
  value = 0;

  constructor(readonly family: CounterFamily, readonly labels: Labels) {}

  add(delta = 1): void {
    if (Number.isFinite(delta) && delta >= 0) this.value += delta;
    else this.family.ignored++;
  }
  with(labels: Labels): Counter {
    return this.family.select(this.labels, labels);
  }
}

export class GaugeSeries implements Gauge {
  value = 0;

  constructor(readonly family: GaugeFamily, readonly labels: Labels) {}

  set(value: number): void {
    if (Number.isFinite(value)) this.value = value;
    else this.family.ignored++;
  }
  add(delta: number): void {
    if (Number.isFinite(delta)) this.value += delta;
    else this.family.ignored++;
  }
  with(labels: Labels): Gauge {
    return this.family.select(this.labels, labels);
  }
}

/** Where the values of a histogram lie. */
export interface Bucket {
  /** The upper bound, `Infinity` for the last. */
  readonly le: number;
  /** How many values do not exceed the bound. */
  readonly count: number;
}

export class HistogramSeries implements Histogram {
  sum = 0;
  count = 0;
  readonly sketch: Sketch | undefined;
  readonly #bounds: readonly number[];
  /** One count a bucket, not added up, and a last one for what is above all bounds. */
  readonly #counts: number[];

  constructor(readonly family: HistogramFamily, readonly labels: Labels, hasSketch: boolean) {
    this.#bounds = family.spec.buckets;
    this.#counts = new Array(this.#bounds.length + 1).fill(0);
    this.sketch = hasSketch ? new Sketch() : undefined;
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) {
      this.family.ignored++;
      return;
    }
    this.sum += value;
    this.count++;
    this.#counts[firstAtLeast(this.#bounds, value)]!++;
    this.sketch?.add(value);
  }

  with(labels: Labels): Histogram {
    return this.family.select(this.labels, labels);
  }

  /** The counts as Prometheus has them: each takes in those below it. */
  buckets(): readonly Bucket[] {
    let sum = 0;
    return this.#counts.map((count, i) => ({
      le: this.#bounds[i] ?? Infinity,
      count: sum += count,
    }));
  }
}

/** The index of the first bound that is not below the value. */
function firstAtLeast(bounds: readonly number[], value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
