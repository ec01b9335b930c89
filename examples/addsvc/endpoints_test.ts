import { background, codeOf } from "@kit/endpoint";
import { type Fields, nopLogger } from "@kit/log";
import { discard, memory } from "@kit/metrics";
import assert from "node:assert/strict";
import { addEndpoints, type Around, served } from "./endpoints.ts";
import { instrumenting } from "./instrumenting.ts";
import { logging } from "./logging.ts";
import { addService } from "./service.ts";

const ctx = background();
const silent: Around = { log: nopLogger, duration: discard().histogram("d") };

Deno.test("addEndpoints() puts a broken rule into the response", async () => { // XA5
  const { sum, concat } = addEndpoints(addService());
  assert.deepEqual({ ...await sum({ a: 1, b: 2 }, ctx) }, { v: 3, err: undefined });
  const response = await sum({ a: 0, b: 0 }, ctx);
  assert.equal(response.v, 0);
  assert.equal(response.failed()?.message, "can't sum two zeroes");
  assert.equal((await concat({ a: "123456", b: "789012" }, ctx)).v, "");
});

Deno.test("addEndpoints() lets other failures be errors of the endpoint", async () => {
  const broken = { ...addService(), sum: () => Promise.reject(new Error("disk full")) };
  await assert.rejects(addEndpoints(broken).sum({ a: 1, b: 2 }, ctx), { message: "disk full" });
});

Deno.test("served() limits sum to one call a second, and opens its breaker", async () => { // XA4
  const { sum } = served(addEndpoints(addService()), silent);
  assert.equal((await sum({ a: 1, b: 2 }, ctx)).v, 3);
  for (let i = 0; i < 6; i++) {
    await assert.rejects(sum({ a: 1, b: 2 }, ctx), {
      code: "unknown",
      message: "rate limit exceeded",
    });
  }
  await assert.rejects(sum({ a: 1, b: 2 }, ctx), {
    code: "unknown",
    message: "circuit breaker is open",
  });
});

Deno.test("served() takes a hundred calls of concat at once", async () => { // XA4
  const { concat } = served(addEndpoints(addService()), silent);
  for (let i = 0; i < 100; i++) await concat({ a: "1", b: "2" }, ctx);
  await assert.rejects(concat({ a: "1", b: "2" }, ctx), { message: "rate limit exceeded" });
});

Deno.test("served() opens no breaker for broken rules, and tells nothing of what is inside", async () => {
  const { concat } = served(addEndpoints(addService()), silent);
  for (let i = 0; i < 10; i++) {
    assert((await concat({ a: "12345678901", b: "" }, ctx)).err);
  }
  const broken = { ...addService(), concat: () => Promise.reject(new Error("password=hunter2")) };
  const error = await served(addEndpoints(broken), silent).concat({ a: "", b: "" }, ctx)
    .catch((error) => error);
  assert.equal(codeOf(error), "unknown");
  assert.equal(error.message, "Unknown error");
});

Deno.test("served() logs and times each call, whether a rule was broken or not", async () => { // XA8, XA9
  const events: Fields[] = [];
  const log = (event: Fields) => void events.push(event);
  const metrics = memory();
  const duration = metrics.histogram("seconds", { labels: ["method", "success"] });
  const service = instrumenting(metrics)(logging(log)(addService()));
  const { sum, concat } = served(addEndpoints(service), { log, duration });
  await sum({ a: -1, b: -2 }, ctx);
  await sum({ a: 1, b: 2 }, ctx).catch(() => {});
  await concat({ a: "12345678901", b: "" }, ctx);
  await concat({ a: "é", b: "1" }, ctx);
  assert.deepEqual(events.map(({ took, ...event }) => [event, took === undefined]), [
    [{ method: "Sum", a: -1, b: -2, v: -3, err: null }, true],
    [{ method: "Sum", transport_error: null }, false],
    [{ method: "Sum", transport_error: "rate limit exceeded" }, false],
    [{
      method: "Concat",
      a: "12345678901",
      b: "",
      v: "",
      err: "result exceeds maximum size",
    }, true],
    [{ method: "Concat", transport_error: null }, false],
    [{ method: "Concat", a: "é", b: "1", v: "é1", err: null }, true],
    [{ method: "Concat", transport_error: null }, false],
  ]);
  const value = (name: string) => metrics.value(name);
  assert.equal(value("integers_summed"), 3);
  assert.equal(value("characters_concatenated"), 3);
});
