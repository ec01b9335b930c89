import { background, KitError } from "@kit/endpoint";
import { memory } from "@kit/metrics";
import { prometheus } from "@kit/metrics/prometheus";
import assert from "node:assert/strict";
import { instrumenting } from "./instrumenting.ts";
import { stringService } from "./service.ts";

Deno.test("instrumenting() counts and times calls by method and error", async () => { // XS5
  const metrics = prometheus({ namespace: "my_group", subsystem: "string_service" });
  const service = instrumenting(metrics)(stringService());
  await service.uppercase("hello, world", background());
  await service.count("hello, world", background());
  await service.count("hello", background());
  await assert.rejects(service.uppercase("", background()));
  const lines = (await metrics.text()).split("\n");
  const all = [
    `request_count{method="uppercase",error="false"} 1`,
    `request_count{method="uppercase",error="true"} 1`,
    `request_count{method="count",error="false"} 2`,
    `request_latency_seconds_count{method="count",error="false"} 2`,
    `request_latency_seconds_count{method="uppercase",error="true"} 1`,
    `count_result_sum 17`,
    `count_result_count 2`,
  ];
  for (const line of all) assert(lines.includes(`my_group_string_service_${line}`), line);
});

Deno.test("instrumenting() takes the time in seconds", async () => { // XS5
  const metrics = memory();
  const service = instrumenting(metrics)({
    ...stringService(),
    count: () => Promise.reject(new KitError("unavailable", "Cannot count today")),
  });
  const begin = performance.now();
  await assert.rejects(service.count("a", background()));
  const tookMs = performance.now() - begin;
  const labels = { method: "count", error: "true" };
  const { sum = NaN, count } = metrics.distribution("request_latency_seconds", labels) ?? {};
  assert.equal(count, 1);
  assert(sum >= 0 && sum <= tookMs / 1000, `${sum} s in ${tookMs} ms`);
  assert.equal(metrics.distribution("count_result")?.count ?? 0, 0);
});
