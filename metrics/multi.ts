/**
 * Sends metrics to several backends at once.
 * @module
 */
import type { Counter, Gauge, Histogram, Provider } from "./metrics.ts";

/**
 * Joins counters into one, which adds to each in order.
 * @param counters The counters.
 * @returns The joined counter.
 */
export function multiCounter(...counters: readonly Counter[]): Counter {
  return {
    add(delta) {
      for (const counter of counters) counter.add(delta);
    },
    with: (labels) => multiCounter(...counters.map((counter) => counter.with(labels))),
  };
}

/**
 * Joins gauges into one, which sets each in order.
 * @param gauges The gauges.
 * @returns The joined gauge.
 */
export function multiGauge(...gauges: readonly Gauge[]): Gauge {
  return {
    set(value) {
      for (const gauge of gauges) gauge.set(value);
    },
    add(delta) {
      for (const gauge of gauges) gauge.add(delta);
    },
    with: (labels) => multiGauge(...gauges.map((gauge) => gauge.with(labels))),
  };
}

/**
 * Joins histograms into one, which observes with each in order.
 * @param histograms The histograms.
 * @returns The joined histogram.
 */
export function multiHistogram(...histograms: readonly Histogram[]): Histogram {
  return {
    observe(value) {
      for (const histogram of histograms) histogram.observe(value);
    },
    with: (labels) => multiHistogram(...histograms.map((histogram) => histogram.with(labels))),
  };
}

/**
 * Joins providers into one, whose instruments write to each in order.
 * @param providers The providers.
 * @returns The joined provider.
 * @example Usage
 * ```ts
 * import { memory, multi } from "@kit/metrics";
 * import assert from "node:assert/strict";
 * const [one, two] = [memory(), memory()];
 * multi(one, two).counter("requests_total").add();
 * assert.equal(one.value("requests_total"), 1);
 * assert.equal(two.value("requests_total"), 1);
 * ```
 */
export function multi(...providers: readonly Provider[]): Provider {
  return {
    counter: (name, options) =>
      multiCounter(...providers.map((provider) => provider.counter(name, options))),
    gauge: (name, options) =>
      multiGauge(...providers.map((provider) => provider.gauge(name, options))),
    histogram: (name, options) =>
      multiHistogram(...providers.map((provider) => provider.histogram(name, options))),
  };
}
