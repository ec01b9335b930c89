import { type AnyMiddleware, apply, background, type Context, type Endpoint } from "@kit/endpoint";
import { nopLogger } from "@kit/log";
import type { Counter, Histogram } from "@kit/metrics";
import {
  bulkhead,
  circuitBreaker,
  instrumenting,
  logging,
  rateLimit,
  rateLimitWait,
  recover,
  timeout,
  tokenBucket,
} from "./mod.ts";

const ctx: Context = background();
const answer = Promise.resolve(1);
const endpoint: Endpoint<number, number> = () => answer;
const bucket = tokenBucket({ limit: 1e9, burst: 1e9 });
const requests: Counter = { add: () => {}, with: () => requests };
const latency: Histogram = { observe: () => {}, with: () => latency };

const pass: AnyMiddleware = (next) => (request, ctx) => next(request, ctx);
const log = logging(nopLogger, { method: "bench" });
const metrics = instrumenting({ requests, latency }, { method: "bench" });

Deno.bench("no middleware", { group: "call", baseline: true }, async () => {
  await endpoint(1, ctx);
});

const cases: Record<string, readonly AnyMiddleware[]> = {
  "pass-through": [pass],
  rateLimit: [rateLimit(bucket)],
  rateLimitWait: [rateLimitWait(bucket)],
  circuitBreaker: [circuitBreaker()],
  "circuitBreaker, rolling window": [circuitBreaker({ intervalMs: 10_000, bucketPeriodMs: 1000 })],
  bulkhead: [bulkhead()],
  timeout: [timeout(1000)],
  recover: [recover()],
  logging: [log],
  instrumenting: [metrics],
  "logging beside instrumenting": [metrics, log],
  "all but timeout": [
    recover(),
    metrics,
    log,
    rateLimit(bucket),
    bulkhead(),
    circuitBreaker(),
  ],
  "all": [recover(), metrics, log, rateLimit(bucket), bulkhead(), circuitBreaker(), timeout(1000)],
};

for (const [name, middleware] of Object.entries(cases)) {
  const call = apply(endpoint, ...middleware);
  Deno.bench(name, { group: "call" }, async () => {
    await call(1, ctx);
  });
}

Deno.bench("TokenBucket.allow()", { group: "bucket", baseline: true }, () => {
  bucket.allow();
});
Deno.bench("performance.now()", { group: "bucket" }, () => {
  performance.now();
});
