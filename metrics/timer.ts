/**
 * Observes how long things take.
 * @module
 */
import type { Histogram } from "./metrics.ts";

const PER_MS = { s: 1e-3, ms: 1, us: 1e3, ns: 1e6 };

/** Options for {@linkcode timer}. */
export interface TimerOptions {
  /**
   * What tells the time, in milliseconds: a clock of `@kit/endpoint`, or anything alike.
   * @default {performance}
   */
  readonly clock?: { now(): number };
  /**
   * What is observed: seconds, milliseconds, microseconds or nanoseconds.
   * @default {"s"}
   */
  readonly unit?: "s" | "ms" | "us" | "ns";
}

/** A running timer. Disposing it observes once, so that `using` measures a block. */
export interface Timer extends Disposable {
  /**
   * Observes the time since the timer was made; zero if the clock went back. Call it as often as
   * needed.
   * @returns What was observed.
   */
  observe(): number;
}

/**
 * Starts a timer for a histogram.
 * @param histogram What observes.
 * @param options Where the time comes from, and its unit.
 * @returns The timer.
 * @example Usage
 * ```ts
 * import { memory, timer } from "@kit/metrics";
 * import assert from "node:assert/strict";
 * const metrics = memory();
 * const seconds = metrics.histogram("request_duration_seconds");
 * {
 *   using _ = timer(seconds);
 * }
 * assert.equal(metrics.distribution("request_duration_seconds")?.count, 1);
 * ```
 */
export function timer(histogram: Histogram, options: TimerOptions = {}): Timer {
  const { clock = performance, unit = "s" } = options;
  const perMs = PER_MS[unit];
  const startedAt = clock.now();
  const observe = () => {
    const elapsed = Math.max(0, clock.now() - startedAt) * perMs;
    histogram.observe(elapsed);
    return elapsed;
  };
  return { observe, [Symbol.dispose]: () => void observe() };
}
