/**
 * Middleware for endpoints: limits, a circuit breaker, timeouts, logs and metrics.
 *
 * ```ts
 * import { apply, background } from "@kit/endpoint";
 * import { bulkhead, circuitBreaker, rateLimit, timeout, tokenBucket } from "@kit/middleware";
 * import assert from "node:assert/strict";
 *
 * const double = apply(
 *   (n: number) => Promise.resolve(n * 2),
 *   circuitBreaker(),
 *   rateLimit(tokenBucket({ limit: 100, burst: 100 })),
 *   bulkhead({ max: 50 }),
 *   timeout(1000),
 * );
 * assert.equal(await double(4, background()), 8);
 * ```
 * @module
 */
export * from "./breaker.ts";
export * from "./bulkhead.ts";
export * from "./circuit_breaker.ts";
export * from "./circuit_errors.ts";
export * from "./failure_ratio.ts";
export * from "./instrumenting.ts";
export * from "./logging.ts";
export * from "./rate_limit.ts";
export * from "./rate_limit_error.ts";
export * from "./rate_limit_wait.ts";
export * from "./recover.ts";
export * from "./timeout.ts";
export * from "./token_bucket.ts";
