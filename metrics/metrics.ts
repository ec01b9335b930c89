/**
 * The types of the instruments, which every backend implements.
 * @module
 */

/** Label names with their values. */
export type Labels = Readonly<Record<string, string>>;

/** A sum that only grows. */
export interface Counter {
  /**
   * Adds to the sum. What is no finite number, or negative, is passed over: counting never fails a
   * call.
   * @param delta How much; not negative. One when left out.
   */
  add(delta?: number): void;
  /**
   * Resolves a series once, so that counting in it costs one call without hashing.
   * @param labels The labels, on top of those given before.
   * @returns The counter of that series.
   */
  with(labels: Labels): Counter;
}

/** A value that goes up and down. */
export interface Gauge {
  /**
   * Sets the value. What is no finite number is passed over.
   * @param value The value.
   */
  set(value: number): void;
  /**
   * Changes the value. What is no finite number is passed over.
   * @param delta By how much.
   */
  add(delta: number): void;
  /**
   * Resolves a series once.
   * @param labels The labels, on top of those given before.
   * @returns The gauge of that series.
   */
  with(labels: Labels): Gauge;
}

/** The distribution of values. */
export interface Histogram {
  /**
   * Takes one value in. What is no finite number is passed over.
   * @param value The value, in base units: seconds, bytes.
   */
  observe(value: number): void;
  /**
   * Resolves a series once.
   * @param labels The labels, on top of those given before.
   * @returns The histogram of that series.
   */
  with(labels: Labels): Histogram;
}

/** Options for a counter and a gauge. */
export interface InstrumentOptions {
  /** What it measures, in one sentence; the name when left out. */
  readonly help?: string;
  /**
   * The names of its labels.
   * @default {[]}
   */
  readonly labels?: readonly string[];
}

/** Options for a histogram. */
export interface HistogramOptions extends InstrumentOptions {
  /**
   * The upper bounds of its buckets, rising. Backends without buckets pass over them.
   * @default {[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]}
   */
  readonly buckets?: readonly number[];
  /**
   * A histogram counts in buckets, which add up over processes. A summary tells its sum, its count
   * and the `quantiles` of this process. Backends that know one way only pass over it.
   * @default {"histogram"}
   */
  readonly kind?: "histogram" | "summary";
  /**
   * Which quantiles a summary tells, each from 0 to 1.
   * @default {[]}
   */
  readonly quantiles?: readonly number[];
}

/**
 * Makes instruments; each backend is one. Names and labels are checked when an instrument is made;
 * asking again for the same one gives the same one.
 */
export interface Provider {
  /**
   * Makes a counter.
   * @param name Its name.
   * @param options Its help and labels.
   * @returns The counter.
   */
  counter(name: string, options?: InstrumentOptions): Counter;
  /**
   * Makes a gauge.
   * @param name Its name.
   * @param options Its help and labels.
   * @returns The gauge.
   */
  gauge(name: string, options?: InstrumentOptions): Gauge;
  /**
   * Makes a histogram.
   * @param name Its name.
   * @param options Its help, labels and buckets.
   * @returns The histogram.
   */
  histogram(name: string, options?: HistogramOptions): Histogram;
}
