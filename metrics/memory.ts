/**
 * A provider that keeps its values in memory, for tests and for those who write exporters.
 * @module
 */
import { type AnyFamily, Instruments } from "./_instruments.ts";
import type { Bucket, HistogramSeries } from "./_series.ts";
import type { Labels, Provider } from "./metrics.ts";

export type { Bucket };

/** What a histogram has observed. */
export interface Distribution {
  /** How many values. */
  readonly count: number;
  /** Their sum. */
  readonly sum: number;
  /** How many values do not exceed each bound; the last bound is `Infinity`. */
  readonly buckets: readonly Bucket[];
  /**
   * Estimates a quantile, within 0.5 % of a value that was observed.
   * @param q Which, from 0 to 1: 0.5 is the median.
   * @returns The estimate; `NaN` when nothing was observed.
   */
  quantile(q: number): number;
}

/**
 * One series.
 * @typeParam Value A number for counters and gauges, a distribution for histograms.
 */
export interface Series<Value> {
  /** All its labels. */
  readonly labels: Labels;
  /** What it holds. */
  readonly value: Value;
}

/** What was given for an instrument, and what became of the values that it did not take. */
export interface InstrumentInfo {
  /** Its name. */
  readonly name: string;
  /** Its help. */
  readonly help: string;
  /** How often labels were resolved to the overflow series, as there were too many. */
  readonly overflowed: number;
  /** How many values were passed over, as no finite number or negative in a counter. */
  readonly ignored: number;
}

/** One instrument with all its series. */
export type Snapshot =
  | InstrumentInfo & {
    /** What it is. */
    readonly kind: "counter" | "gauge";
    /** Its series, in the order in which they were made. */
    readonly series: readonly Series<number>[];
  }
  | InstrumentInfo & {
    /** What it is. */
    readonly kind: "histogram" | "summary";
    /** Its series, in the order in which they were made. */
    readonly series: readonly Series<Distribution>[];
  };

/** Options for {@linkcode memory}. */
export interface MemoryOptions {
  /**
   * The most series of one instrument. What is beyond is counted in one more, whose labels all say
   * `_OTHER`.
   * @default {2000}
   */
  readonly maxSeries?: number;
}

/** A provider whose values can be read. */
export interface Memory extends Provider {
  /**
   * Tells the value of a counter or gauge.
   * @param name Its name.
   * @param labels All its labels, in any order.
   * @returns The value; `undefined` if there is no such series.
   */
  value(name: string, labels?: Labels): number | undefined;
  /**
   * Tells what a histogram has observed.
   * @param name Its name.
   * @param labels All its labels, in any order.
   * @returns The distribution; `undefined` if there is no such series.
   */
  distribution(name: string, labels?: Labels): Distribution | undefined;
  /**
   * Tells everything.
   * @returns A copy, in the order in which the instruments were made.
   */
  snapshot(): readonly Snapshot[];
}

/**
 * Makes a provider that keeps its values in memory.
 * @param options How much of it.
 * @returns The provider.
 * @throws {RangeError} If `maxSeries` is not a positive integer.
 * @example Usage
 * ```ts
 * import { memory } from "@kit/metrics";
 * import assert from "node:assert/strict";
 * const metrics = memory();
 * const requests = metrics.counter("requests_total", { labels: ["method", "error"] });
 * const failed = requests.with({ method: "count", error: "true" });
 * failed.add();
 * failed.add(2);
 * assert.equal(metrics.value("requests_total", { error: "true", method: "count" }), 3);
 * ```
 */
export function memory(options: MemoryOptions = {}): Memory {
  const { maxSeries = 2000 } = options;
  const instruments = new Instruments({ prefix: "", maxSeries, hasSketch: () => true });
  return {
    counter: (name, options) => instruments.counter(name, options),
    gauge: (name, options) => instruments.gauge(name, options),
    histogram: (name, options) => instruments.histogram(name, options),
    value(name, labels = {}) {
      const family = instruments.families.get(name);
      return family?.kind === "counter" || family?.kind === "gauge"
        ? family.find(labels)?.value
        : undefined;
    },
    distribution(name, labels = {}) {
      const family = instruments.families.get(name);
      if (family?.kind !== "histogram" && family?.kind !== "summary") return undefined;
      const series = family.find(labels);
      return series && distributionOf(series);
    },
    snapshot: () => [...instruments.families.values()].map(snapshotOf),
  };
}

function snapshotOf(family: AnyFamily): Snapshot {
  const { spec: { name, help }, overflowed, ignored } = family;
  const info = { name, help, overflowed, ignored };
  if (family.kind === "counter" || family.kind === "gauge") {
    const series = [...family.series.values()].map(({ labels, value }) => ({ labels, value }));
    return { ...info, kind: family.kind, series };
  }
  const series = [...family.series.values()].map((one) => ({
    labels: one.labels,
    value: distributionOf(one),
  }));
  return { ...info, kind: family.kind, series };
}

function distributionOf(series: HistogramSeries): Distribution {
  const { count, sum } = series;
  const sketch = series.sketch!.copy();
  return { count, sum, buckets: series.buckets(), quantile: (q) => sketch.quantile(q) };
}
