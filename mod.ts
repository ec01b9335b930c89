/**
 * Kit: a toolkit for microservices, what Go kit is to Go. This is the core in one import; each
 * package can be had by itself, and what needs an npm package, such as `@kit/metrics/prometheus`,
 * only there.
 *
 * ```ts
 * import { apply, http, logfmt, logging, memorySink, rateLimit, tokenBucket } from "@kit/kit";
 * import assert from "node:assert/strict";
 *
 * const sink = memorySink(); // stderrSink() in a service
 * const uppercase = apply(
 *   ({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }),
 *   logging(logfmt(sink), { method: "uppercase" }),
 *   rateLimit(tokenBucket({ limit: 100, burst: 100 })),
 * );
 * const handler = http.routes({ "POST /uppercase": http.server(uppercase) }); // for http.serve
 *
 * const body = `{"s":"hello, world"}`;
 * const response = await handler(new Request("http://localhost/uppercase", { method: "POST", body }));
 * assert.equal(await response.text(), `{"v":"HELLO, WORLD"}`);
 * assert.match(sink.lines[0]!, /^method=uppercase err=null took=/);
 * ```
 * @module
 */
export * from "@kit/endpoint";
export * from "@kit/lb";
export * from "@kit/log";
export * from "@kit/metrics";
export * from "@kit/middleware";
export * from "@kit/sd";
export * as http from "@kit/transport/http";
