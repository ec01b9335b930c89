/**
 * A provider that keeps nothing.
 * @module
 */
import type { Counter, Gauge, Histogram, Provider } from "./metrics.ts";

/**
 * Makes a provider whose instruments do nothing, for those who want no metrics.
 * @returns The provider.
 * @example Usage
 * ```ts
 * import { discard } from "@kit/metrics";
 * import assert from "node:assert/strict";
 * const requests = discard().counter("requests_total", { labels: ["method"] });
 * assert.equal(requests.with({ method: "sum" }).add(), undefined);
 * ```
 */
export function discard(): Provider {
  const counter: Counter = { add: () => {}, with: () => counter };
  const gauge: Gauge = { set: () => {}, add: () => {}, with: () => gauge };
  const histogram: Histogram = { observe: () => {}, with: () => histogram };
  return { counter: () => counter, gauge: () => gauge, histogram: () => histogram };
}
