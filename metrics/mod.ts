/**
 * Counters, gauges and histograms, which any backend can take in.
 *
 * ```ts
 * import { memory } from "@kit/metrics";
 * import assert from "node:assert/strict";
 *
 * const metrics = memory();
 * const requests = metrics.counter("requests_total", { labels: ["method"] });
 * const uppercase = requests.with({ method: "uppercase" }); // resolved once
 * uppercase.add();
 * assert.equal(metrics.value("requests_total", { method: "uppercase" }), 1);
 * ```
 * @module
 */
export * from "./convert.ts";
export * from "./discard.ts";
export * from "./memory.ts";
export * from "./metrics.ts";
export * from "./multi.ts";
export * from "./timer.ts";
