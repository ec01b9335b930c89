import assert from "node:assert/strict";
import { apply, background, type Endpoint, withSignal, withTimeout } from "@kit/endpoint";
import { FakeClock, scripted, settled } from "@kit/endpoint/testing";
import { breaker } from "./breaker.ts";
import { circuitBreaker } from "./circuit_breaker.ts";
import { failureRatio } from "./failure_ratio.ts";

// CB1: prime with successes, then failures come through unchanged until the rule says open; then ten
// calls give exactly the open error and the endpoint is not called.
const rules = {
  "the default of gobreaker (CB2)": { options: {}, primed: 100, failures: 6 },
  "a ratio of 5 % as in handy (CB3)": {
    options: { readyToTrip: failureRatio(0.05, { minRequests: 10 }) },
    primed: 100,
    failures: 6, // 6 of 106 is over 5 %, 5 of 105 is not
  },
  "5 % of 20 as in hystrix (CB4)": {
    options: { readyToTrip: failureRatio(0.05, { minRequests: 20 }) },
    primed: 40,
    failures: 3, // 3 of 43 is over 5 %, 2 of 42 is not
  },
};

for (const [name, { options, primed, failures }] of Object.entries(rules)) {
  Deno.test(`circuitBreaker() passes, trips and refuses with ${name} (CB1)`, async () => {
    const error = new Error("tragedy+disaster");
    let failing = false;
    let calls = 0;
    const call = circuitBreaker(options)(() => {
      calls++;
      return failing ? Promise.reject(error) : Promise.resolve("ok");
    });
    for (let i = 0; i < primed; i++) assert.equal(await call({}, background()), "ok");
    failing = true;
    for (let i = 0; i < failures; i++) {
      await assert.rejects(call({}, background()), (thrown) => thrown === error);
    }
    const before = calls;
    for (let i = 0; i < 10; i++) {
      await assert.rejects(call({}, background()), {
        name: "CircuitOpenError",
        message: "Circuit breaker is open",
      });
    }
    assert.equal(calls, before);
  });
}

Deno.test("circuitBreaker() counts a business failure as a success (CB5, S7, EP5)", async () => {
  const own = breaker();
  const response = { failed: () => new Error("empty string") };
  const call = circuitBreaker(own)(scripted<string, typeof response>(response));
  for (let i = 0; i < 10; i++) assert.equal(await call("", background()), response);
  assert.deepEqual([own.state, own.counts.totalSuccesses], ["closed", 10]);
});

Deno.test("circuitBreaker() counts the refusals of a limiter inside it as failures (S17)", async () => {
  const { rateLimit } = await import("./rate_limit.ts");
  const call = apply(
    scripted<string, number>(1),
    circuitBreaker(),
    rateLimit({ allow: () => false }),
  );
  for (let i = 0; i < 6; i++) {
    await assert.rejects(call("", background()), { code: "resource_exhausted" });
  }
  await assert.rejects(call("", background()), { code: "unavailable" });
});

Deno.test("circuitBreaker() gives each endpoint a breaker of its own (B5)", async () => {
  const broken = circuitBreaker();
  const bad = broken(scripted<string, number>(new Error("down")));
  const good = broken(scripted<string, number>(1));
  for (let i = 0; i < 7; i++) await assert.rejects(bad("", background()));
  await assert.rejects(bad("", background()), { code: "unavailable" });
  assert.equal(await good("", background()), 1);
});

Deno.test("circuitBreaker() shares a breaker that is passed (B5)", async () => {
  const own = breaker();
  const broken = circuitBreaker(own);
  const bad = broken(scripted<string, number>(new Error("down")));
  const good = broken(scripted<string, number>(1));
  for (let i = 0; i < 6; i++) await assert.rejects(bad("", background()));
  await assert.rejects(good("", background()), { code: "unavailable" });
  own.close();
  assert.equal(await good("", background()), 1);
});

Deno.test("circuitBreaker() refuses misuse when it is built", () => {
  assert.throws(() => circuitBreaker({ maxRequests: 0.5 }), RangeError);
});

Deno.test("circuitBreaker() does not count a call that its caller aborted (B1.7, B2)", async () => {
  const clock = new FakeClock();
  const own = breaker({ clock });
  const hang: Endpoint<string, string> = (_, ctx) =>
    new Promise((_, reject) =>
      ctx.signal.addEventListener("abort", () => reject(new Error("socket closed")))
    );
  const call = circuitBreaker(own)(hang);
  own.open();
  clock.tick(60_000);
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const probe = assert.rejects(call("", ctx), { message: "socket closed" });
  controller.abort(new Error("user left"));
  await probe;
  assert.deepEqual([own.state, own.counts.totalExclusions], ["half_open", 1]);
  assert.equal(await own.execute(() => Promise.resolve(1)), 1);
  assert.equal(own.state, "closed");
});

Deno.test("circuitBreaker() counts a deadline that passed as a failure", async () => {
  const clock = new FakeClock();
  const own = breaker({ clock });
  const hang: Endpoint<string, string> = (_, ctx) =>
    new Promise((_, reject) =>
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))
    );
  using ctx = withTimeout(background(), 100, { clock });
  const call = assert.rejects(circuitBreaker(own)(hang)("", ctx), { code: "deadline_exceeded" });
  await clock.advance(100);
  await call;
  assert.equal(own.counts.totalFailures, 1);
});

Deno.test("circuitBreaker() counts a stream when its iteration ends", async () => {
  const own = breaker();
  const count: Endpoint<"good" | "bad", AsyncIterable<number>> = (how) =>
    Promise.resolve((async function* () {
      yield 1;
      if (how === "bad") throw new Error("cut off");
      yield 2;
    })());
  const call = circuitBreaker(own)(count);
  const good = await call("good", background());
  await settled();
  assert.equal(own.counts.totalSuccesses, 0);
  assert.deepEqual(await Array.fromAsync(good), [1, 2]);
  assert.equal(own.counts.totalSuccesses, 1);
  const bad = await call("bad", background());
  await assert.rejects(Array.fromAsync(bad), { message: "cut off" });
  assert.equal(own.counts.totalFailures, 1);
});
