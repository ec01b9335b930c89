import { background, KitError, withSignal, withTimeout } from "@kit/endpoint";
import { FakeClock } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import { type Ejection, outlierEjection, type OutlierEjectionOptions } from "./outlier_ejection.ts";
import { at, handmade } from "./_support_test.ts";

const ctx = background();
const down = new KitError("unavailable", "down");

/** Instances whose calls end as a test says, over an ejection. */
function ejecting(count: number, options: OutlierEjectionOptions = {}) {
  const clock = new FakeClock();
  const set = handmade<unknown, unknown>(
    () => async (outcome) => {
      if (outcome instanceof Error) throw outcome;
      return await Promise.resolve(outcome);
    },
    Array.from({ length: count }, (_, i) => at(i)),
  );
  const ejections: (Pick<Ejection, "reason" | "forMs"> & { readonly who: string })[] = [];
  const returns: string[] = [];
  const under = outlierEjection(set, {
    clock,
    onEject: ({ instance, reason, forMs }) =>
      ejections.push({ who: instance.address, reason, forMs }),
    onReturn: ({ address }) => returns.push(address),
    ...options,
  });
  const entry = (i: number) =>
    under.health().all.find(({ instance }) => instance.address === at(i))!;
  /** Makes calls to one instance, of which so many fail, the good ones first unless told otherwise. */
  const call = async (i: number, ok: number, failed: number, error: Error = down) => {
    for (let n = 0; n < ok; n++) await entry(i).endpoint(n, ctx);
    for (let n = 0; n < failed; n++) await entry(i).endpoint(error, ctx).catch(() => {});
  };
  /** The ones that are left out. */
  const out = () => {
    const inUse = new Set(under.endpoints().map(({ instance }) => instance.address));
    return set.endpoints().map(({ instance }) => instance.address).filter((one) => !inUse.has(one));
  };
  return { clock, set, under, ejections, returns, entry, call, out };
}

/** Leaves out what is not being tested. */
const onlyRates = { consecutiveFailures: Infinity } as const;

Deno.test("outlierEjection() ejects after 5 failures in a row, for 30 s", async () => { // K6, P8
  const { clock, call, out, ejections, returns } = ejecting(10);
  await call(3, 0, 4);
  await call(3, 1, 4);
  assert.deepEqual(out(), []);
  await call(3, 0, 1);
  assert.deepEqual(out(), [at(3)]);
  assert.deepEqual(ejections, [{ who: at(3), reason: "consecutive-failures", forMs: 30_000 }]);
  await call(3, 0, 3);
  await clock.advance(29_999);
  assert.deepEqual(out(), [at(3)]);
  await clock.advance(1);
  assert.deepEqual(out(), []);
  assert.deepEqual(returns, [at(3)]);
  // What failed meanwhile is forgotten.
  await call(3, 0, 4);
  assert.deepEqual(out(), []);
});

Deno.test("outlierEjection() ejects for 30 s more each time, 300 s at most", async () => { // K6, P8, A50
  const { clock, call, ejections } = ejecting(10);
  for (let time = 1; time <= 12; time++) {
    await call(0, 0, 5);
    await clock.advance(Math.min(time * 30_000, 300_000));
  }
  const seconds = ejections.map(({ forMs }) => forMs / 1000);
  assert.deepEqual(seconds, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
});

Deno.test("outlierEjection() takes one time off for each good interval", async () => { // A50
  const { clock, call, out, ejections } = ejecting(10);
  const times = () => ejections.at(-1)!.forMs / 30_000;
  for (const time of [1, 2, 3]) {
    await call(0, 0, 5);
    assert.equal(times(), time);
    await clock.advance(time * 30_000);
    assert.deepEqual(out(), []);
  }
  // Two intervals on the way: one is noticed in time, one late.
  await clock.advance(10_000);
  assert.deepEqual(out(), []);
  await clock.advance(10_000);
  await call(0, 0, 5);
  assert.equal(times(), 2);
  await clock.advance(60_000);
  assert.deepEqual(out(), []);
  await clock.advance(3_600_000);
  await call(0, 0, 5);
  assert.equal(times(), 1);
});

for (
  const [count, most] of [[1, 0], [2, 1], [3, 1], [10, 1], [19, 1], [20, 2], [70, 7], [1000, 100]]
) {
  Deno.test(`outlierEjection() ejects at most ${most} of ${count}`, async () => { // K6, P8
    const { call, out, under, ejections } = ejecting(count!);
    for (let i = 0; i < count!; i++) await call(i, 0, 5);
    assert.equal(out().length, most);
    assert.equal(ejections.length, most);
    assert.equal(under.endpoints().length, count! - most!);
  });
}

Deno.test("outlierEjection() ejects who succeeds far less often than the others", async () => { // K6, A50
  const { clock, call, out, ejections } = ejecting(10, onlyRates);
  for (let i = 0; i < 9; i++) await call(i, 99, 1);
  await call(9, 60, 40);
  assert.deepEqual(out(), []);
  await clock.advance(10_000);
  assert.deepEqual(out(), [at(9)]);
  assert.deepEqual(ejections, [{ who: at(9), reason: "success-rate", forMs: 30_000 }]);
});

Deno.test("outlierEjection() judges by mean - 1.9 standard deviations", async () => { // K6, A50
  // One rate among n rates of 1 is sqrt(n) deviations below the mean, whatever it is.
  for (const [good, isOut] of [[4, true], [3, false]] as const) {
    const { clock, call, out } = ejecting(good + 1, {
      ...onlyRates,
      successRate: { minHosts: 4 },
      failureShare: false,
    });
    for (let i = 0; i < good; i++) await call(i, 100, 0);
    await call(good, 50, 50);
    await clock.advance(10_000);
    assert.equal(out().length > 0, isOut, `sqrt(${good}) deviations`);
  }
});

Deno.test("outlierEjection() ejects nobody when all succeed equally often", async () => {
  const { clock, call, out } = ejecting(10, { ...onlyRates, successRate: { stdevFactor: 0 } });
  // The mean of ten times 0.7 is not quite 0.7 in floating point.
  for (let i = 0; i < 10; i++) await call(i, 70, 30);
  await clock.advance(10_000);
  assert.deepEqual(out(), []);
});

for (
  const [what, hosts, calls, isOut] of [
    ["5 instances with 100 calls", 5, 100, true],
    ["5 instances with 99 calls", 5, 99, false],
    ["4 instances with 100 calls", 4, 100, false],
  ] as const
) {
  Deno.test(`outlierEjection() ${isOut ? "judges" : "does not judge"} the rates of ${what}`, async () => { // K6, A50
    const { clock, call, out } = ejecting(8, { ...onlyRates, failureShare: false });
    for (let i = 1; i < hosts; i++) await call(i, calls, 0);
    await call(0, calls - 50, 50);
    await clock.advance(10_000);
    assert.deepEqual(out(), isOut ? [at(0)] : []);
  });
}

for (
  const [what, count, ok, failed, isOut] of [
    ["43 of 50", 5, 7, 43, true],
    ["85 of 100", 5, 15, 85, false],
    ["49 of 49", 5, 0, 49, false],
    ["50 of 50 in four", 4, 0, 50, false],
  ] as const
) {
  Deno.test(`outlierEjection() ${isOut ? "ejects" : "spares"} for ${what} failures`, async () => { // K6, A50
    const { clock, call, out, ejections } = ejecting(count, { ...onlyRates, successRate: false });
    await call(0, ok, failed);
    await clock.advance(10_000);
    assert.deepEqual(out(), isOut ? [at(0)] : []);
    if (isOut) assert.equal(ejections[0]?.reason, "failure-share");
  });
}

Deno.test("outlierEjection() ejects the worst when it may not eject all", async () => {
  const { clock, call, out } = ejecting(10, { ...onlyRates, successRate: false });
  await call(2, 10, 90);
  await call(5, 1, 99);
  await call(7, 5, 95);
  await clock.advance(10_000);
  assert.deepEqual(out(), [at(5)]);
});

Deno.test("outlierEjection() counts each interval by itself", async () => {
  const { clock, call, out } = ejecting(5, { ...onlyRates, successRate: false });
  for (let interval = 0; interval < 5; interval++) {
    await call(0, 0, 40);
    await clock.advance(10_000);
    assert.deepEqual(out(), []);
  }
});

Deno.test("outlierEjection() does not judge today by what was counted long ago", async () => {
  const { clock, call, out } = ejecting(5, { ...onlyRates });
  await call(0, 0, 100);
  await clock.advance(3_600_000);
  assert.deepEqual(out(), []);
});

for (const [share, expected] of [[0.4, 4], [0.5, 5], [0.6, 0], [0.9, 0]] as const) {
  Deno.test(`outlierEjection() leaves out ${expected} of 10 when ${share} are ejected`, async () => { // K7, P8
    const { call, out } = ejecting(10, { maxEjectedShare: share });
    for (let i = 0; i < 10; i++) await call(i, 0, 5);
    assert.equal(out().length, expected);
  });
}

Deno.test("outlierEjection() ejects 29 % of 100 although 0.29 * 100 is less than 29", async () => {
  const { call, ejections } = ejecting(100, { maxEjectedShare: 0.29 });
  for (let i = 0; i < 100; i++) await call(i, 0, 5);
  assert.equal(ejections.length, 29);
});

Deno.test("outlierEjection() uses those that are left when the others go", async () => { // P8
  const { set, call, out, under } = ejecting(10);
  await call(4, 0, 5);
  set.set([at(4)]);
  assert.equal(under.endpoints().length, 1);
  assert.deepEqual(out(), []);
  // And does not forget.
  set.set(Array.from({ length: 10 }, (_, i) => at(i)));
  assert.deepEqual(out(), [at(4)]);
});

Deno.test("outlierEjection() counts what speaks against the instance only", async () => {
  const { clock, call, out } = ejecting(10);
  const client = [
    "invalid_argument",
    "not_found",
    "permission_denied",
    "resource_exhausted",
    "aborted",
    "cancelled",
    "unauthenticated",
    "unimplemented",
  ] as const;
  for (const code of client) await call(0, 0, 10, new KitError(code, "no"));
  await clock.advance(10_000);
  assert.deepEqual(out(), []);
  for (const code of ["unavailable", "internal", "data_loss", "unknown"] as const) {
    await call(0, 0, 1, new KitError(code, "no"));
  }
  // What does not speak against the instance does not speak for it either.
  await call(0, 0, 1, new KitError("not_found", "no"));
  assert.deepEqual(out(), []);
  await call(0, 0, 1, new TypeError("fetch failed"));
  assert.deepEqual(out(), [at(0)]);
});

Deno.test("outlierEjection() asks the caller which failures count", async () => {
  const { call, out } = ejecting(10, { isFailure: (error) => (error as Error).message === "bad" });
  await call(0, 0, 10);
  assert.deepEqual(out(), []);
  await call(0, 0, 5, new KitError("not_found", "bad"));
  assert.deepEqual(out(), [at(0)]);
});

Deno.test("outlierEjection() counts a call out of time, not one that was cancelled", async () => {
  const { clock, entry, out } = ejecting(10);
  const controller = new AbortController();
  using cancelled = withSignal(background(), controller.signal);
  controller.abort(new Error("Closed the tab"));
  // Whatever a transport makes of the abort.
  for (let i = 0; i < 10; i++) await entry(0).endpoint(down, cancelled).catch(() => {});
  assert.deepEqual(out(), []);
  using late = withTimeout(background(), 10, { clock });
  await clock.advance(10);
  const error = new KitError("deadline_exceeded", "Deadline exceeded");
  for (let i = 0; i < 5; i++) await entry(0).endpoint(error, late).catch(() => {});
  assert.deepEqual(out(), [at(0)]);
});

Deno.test("outlierEjection() counts a stream that breaks as a failure", async () => {
  const { entry, out } = ejecting(10);
  for (let i = 0; i < 5; i++) {
    const stream = await entry(0).endpoint(
      (async function* () {
        yield await Promise.resolve(1);
        throw down;
      })(),
      ctx,
    ) as AsyncIterable<number>;
    await assert.rejects(async () => {
      for await (const _ of stream);
    }, down);
  }
  assert.deepEqual(out(), [at(0)]);
});

Deno.test("outlierEjection() neither ejects twice nor one that has left", async () => {
  const { set, entry, call, ejections } = ejecting(40);
  const [gone, busy] = [entry(1), entry(2)];
  for (let i = 0; i < 10; i++) await busy.endpoint(down, ctx).catch(() => {});
  set.set(set.endpoints().map(({ instance }) => instance).filter((one) => one.address !== at(1)));
  await call(3, 1, 0);
  for (let i = 0; i < 10; i++) await gone.endpoint(down, ctx).catch(() => {});
  assert.deepEqual(ejections.map(({ who }) => who), [at(2)]);
});

Deno.test("outlierEjection() answers the same array until something changes", async () => {
  const { clock, set, under, call } = ejecting(10);
  const seen = new Set([under.endpoints()]);
  await call(0, 10, 4);
  await clock.advance(100_000);
  seen.add(under.endpoints());
  assert.equal(seen.size, 1);
  const [first] = under.endpoints();
  await call(5, 0, 5);
  seen.add(under.endpoints());
  assert.equal(seen.size, 2);
  assert.equal(under.endpoints()[0], first);
  assert(Object.isFrozen(under.endpoints()));
  set.set([at(0)]);
  assert.equal(under.endpoints()[0], first);
});

Deno.test("outlierEjection() has no timer", async () => {
  const { clock, call } = ejecting(10);
  await call(0, 0, 5);
  assert.equal(clock.pending, 0);
});

for (
  const options of [
    { intervalMs: 0 },
    { baseEjectionMs: -1 },
    { maxEjectionMs: NaN },
    { maxEjectedShare: 10 },
    { panicShare: -0.1 },
    { consecutiveFailures: 0 },
    { successRate: { minHosts: 0 } },
    { successRate: { stdevFactor: -1 } },
    { failureShare: { threshold: 85 } },
    { failureShare: { minCalls: 1.5 } },
  ]
) {
  Deno.test(`outlierEjection() refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => outlierEjection(handmade(() => () => Promise.resolve(1), []), options), {
      name: "RangeError",
    });
  });
}
