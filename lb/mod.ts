/**
 * Load balancing on the side of the client: who picks the instance for a call, who is left out, and
 * what is tried again.
 *
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { balanced, roundRobin } from "@kit/lb";
 * import { fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 *
 * await using name = balanced(
 *   fixed(["a:80", "b:80"]),
 *   ({ address }) => () => Promise.resolve(address),
 *   { balancer: roundRobin, retry: { maxAttempts: 3, timeoutMs: 250 } },
 * );
 * assert.equal(await name(undefined, background()), "a:80");
 * assert.equal(await name(undefined, background()), "b:80");
 * ```
 * @module
 */
export * from "./backoff.ts";
export * from "./balanced.ts";
export * from "./balancer.ts";
export * from "./consistent_hash.ts";
export * from "./health.ts";
export * from "./host_failure.ts";
export * from "./least_request.ts";
export * from "./outlier_ejection.ts";
export * from "./peak_ewma.ts";
export * from "./priority_first.ts";
export * from "./random.ts";
export * from "./retry.ts";
export * from "./retry_budget.ts";
export * from "./retry_error.ts";
export * from "./retryable.ts";
export * from "./round_robin.ts";
export * from "./shared_factory.ts";
export * from "./weighted.ts";
export * from "./zone_first.ts";
