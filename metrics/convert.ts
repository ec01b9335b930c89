/**
 * Instruments that stand in for one of another kind.
 * @module
 */
import type { Counter, Gauge, Histogram } from "./metrics.ts";

/**
 * Gives a histogram that adds what it observes to a counter.
 * @param counter The counter.
 * @returns The histogram.
 * @example Usage
 * ```ts
 * import { counterAsHistogram, memory, timer } from "@kit/metrics";
 * import assert from "node:assert/strict";
 * const metrics = memory();
 * const busy = counterAsHistogram(metrics.counter("busy_seconds_total"));
 * busy.observe(0.5);
 * busy.observe(1);
 * assert.equal(metrics.value("busy_seconds_total"), 1.5);
 * ```
 */
export function counterAsHistogram(counter: Counter): Histogram {
  return {
    observe: (value) => counter.add(value),
    with: (labels) => counterAsHistogram(counter.with(labels)),
  };
}

/**
 * Gives a gauge that adds to a counter; what would lower it is passed over.
 * @param counter The counter.
 * @returns The gauge; `set` adds too.
 */
export function counterAsGauge(counter: Counter): Gauge {
  return {
    set: (value) => counter.add(value),
    add: (delta) => counter.add(delta),
    with: (labels) => counterAsGauge(counter.with(labels)),
  };
}

/**
 * Gives a counter that sets a gauge to each delta.
 * @param gauge The gauge.
 * @returns The counter.
 */
export function gaugeAsCounter(gauge: Gauge): Counter {
  return {
    add: (delta = 1) => gauge.set(delta),
    with: (labels) => gaugeAsCounter(gauge.with(labels)),
  };
}

/**
 * Gives a histogram that sets a gauge to each value, so that the gauge tells the last.
 * @param gauge The gauge.
 * @returns The histogram.
 */
export function gaugeAsHistogram(gauge: Gauge): Histogram {
  return {
    observe: (value) => gauge.set(value),
    with: (labels) => gaugeAsHistogram(gauge.with(labels)),
  };
}

/**
 * Gives a counter that observes each delta.
 * @param histogram The histogram.
 * @returns The counter.
 */
export function histogramAsCounter(histogram: Histogram): Counter {
  return {
    add: (delta = 1) => histogram.observe(delta),
    with: (labels) => histogramAsCounter(histogram.with(labels)),
  };
}

/**
 * Gives a gauge that observes each value and each delta.
 * @param histogram The histogram.
 * @returns The gauge.
 */
export function histogramAsGauge(histogram: Histogram): Gauge {
  return {
    set: (value) => histogram.observe(value),
    add: (delta) => histogram.observe(delta),
    with: (labels) => histogramAsGauge(histogram.with(labels)),
  };
}
