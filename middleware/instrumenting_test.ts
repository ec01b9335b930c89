import assert from "node:assert/strict";
import { background, type Endpoint, KitError } from "@kit/endpoint";
import { FakeClock, scripted, settled } from "@kit/endpoint/testing";
import type { Counter, Histogram, Labels } from "@kit/metrics";
import { instrumenting } from "./instrumenting.ts";

/** Instruments that keep what they are fed, and count how often a series is resolved. */
function instruments(): {
  requests: Counter;
  latency: Histogram;
  seen: string[];
  resolved: () => number;
} {
  const seen: string[] = [];
  let resolved = 0;
  const text = (labels: Labels) => Object.entries(labels).map((pair) => pair.join("=")).join();
  const counter = (labels: Labels): Counter => ({
    add: (delta = 1) => void seen.push(`requests{${text(labels)}} +${delta}`),
    with: (more) => (resolved++, counter({ ...labels, ...more })),
  });
  const histogram = (labels: Labels): Histogram => ({
    observe: (value) => void seen.push(`latency{${text(labels)}} ${value}`),
    with: (more) => (resolved++, histogram({ ...labels, ...more })),
  });
  return { requests: counter({}), latency: histogram({}), seen, resolved: () => resolved };
}

Deno.test("instrumenting() counts and times calls, in seconds", async () => {
  const clock = new FakeClock();
  const own = instruments();
  const call = instrumenting(own, { method: "count", clock })(async (fails: string) => {
    await clock.advance(250);
    if (fails) throw new Error(fails);
  });
  await call("", background());
  await assert.rejects(call("down", background()));
  assert.deepEqual(own.seen, [
    "requests{method=count,error=false} +1",
    "latency{method=count,error=false} 0.25",
    "requests{method=count,error=true} +1",
    "latency{method=count,error=true} 0.25",
  ]);
});

Deno.test("instrumenting() counts a business failure as an error (EP5)", async () => {
  const { requests, seen } = instruments();
  const response = { failed: () => new KitError("not_found", "Cannot find it") };
  const endpoint = scripted<string, typeof response>(response);
  await instrumenting({ requests }, { method: "get" })(endpoint)("", background());
  await instrumenting({ requests }, { method: "get", outcome: "code" })(endpoint)("", background());
  assert.deepEqual(seen, [
    "requests{method=get,error=true} +1",
    "requests{method=get,code=not_found} +1",
  ]);
});

Deno.test("instrumenting() tells the code when asked to", async () => {
  const { requests, seen } = instruments();
  const call = instrumenting({ requests }, { method: "get", outcome: "code" })(
    scripted<string, number>(1, new KitError("aborted", "Try again"), new Error("down")),
  );
  await call("", background());
  for (let i = 0; i < 2; i++) await assert.rejects(call("", background()));
  assert.deepEqual(seen, [
    "requests{method=get,code=ok} +1",
    "requests{method=get,code=aborted} +1",
    "requests{method=get,code=unknown} +1",
  ]);
});

Deno.test("instrumenting() resolves no series twice", async () => {
  for (const outcome of ["error", "code"] as const) {
    const own = instruments();
    const call = instrumenting(own, { method: "get", outcome })(
      scripted<string, number>(1, new Error("down"), 1, new Error("down")),
    );
    for (let i = 0; i < 4; i++) await call("", background()).catch(() => {});
    assert.equal(own.resolved(), 4);
    assert.equal(own.seen.length, 8);
  }
});

Deno.test("instrumenting() times a stream until its end", async () => {
  const clock = new FakeClock();
  const own = instruments();
  const count: Endpoint<number, AsyncIterable<number>> = (n) =>
    Promise.resolve((async function* () {
      for (let i = 0; i < n; i++) {
        await clock.advance(1000);
        yield i;
      }
    })());
  const stream = await instrumenting(own, { method: "count", clock })(count)(2, background());
  await settled();
  assert.deepEqual(own.seen, []);
  await Array.fromAsync(stream);
  assert.equal(own.seen[1], "latency{method=count,error=false} 2");
});
