/**
 * Reads the text format in tests.
 * @module
 */
import type { Labels } from "./metrics.ts";
import type { Prometheus } from "./prometheus.ts";
import type { Subject } from "./testing.ts";

/** Finds the value of a line whose labels are those given, in any order. */
export function valueIn(text: string, name: string, labels: Labels = {}): number | undefined {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`).sort().join();
  for (const line of text.split("\n")) {
    const [, found, inner = "", value] = /^([\w:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found === name && inner.split(",").sort().join() === wanted) return Number(value);
  }
  return undefined;
}

/** A provider for Prometheus as the contract wants it, read through what a scraper sees. */
export function prometheusSubject(provider: Prometheus): Subject {
  return {
    provider,
    value: async (name, labels) => valueIn(await provider.text(), name, labels),
    quantile: async (name, q) => histogramQuantile(await provider.text(), name, q),
  };
}

/** What `histogram_quantile` of Prometheus does. */
function histogramQuantile(text: string, name: string, q: number): number {
  const buckets = [...text.matchAll(new RegExp(`^${name}_bucket\\{le="(.*)"\\} (\\d+)$`, "gm"))]
    .map(([, le, count]) => ({ le: Number(le === "+Inf" ? Infinity : le), count: Number(count) }));
  const rank = q * buckets.at(-1)!.count;
  const i = buckets.findIndex(({ count }) => count >= rank);
  const below = buckets[i - 1] ?? { le: 0, count: 0 };
  const bucket = buckets[i]!;
  if (bucket.le === Infinity) return below.le;
  const share = (rank - below.count) / (bucket.count - below.count);
  return below.le + (bucket.le - below.le) * share;
}
