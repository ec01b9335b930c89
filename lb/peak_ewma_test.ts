import { background, delay, KitError, withSignal, withTimeout } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import { peakEwma, type PeakEwmaOptions } from "./peak_ewma.ts";
import { at, handmade, seeded } from "./_support_test.ts";

const ctx = background();

/** Two instances, whose latencies and failures a test sets; both are compared at each pick. */
function pair(options: PeakEwmaOptions = {}) {
  const clock = new FakeClock();
  const plan: Record<string, { ms: number; error?: unknown; answer?: unknown }> = {
    [at(0)]: { ms: 10 },
    [at(1)]: { ms: 10 },
  };
  const set = handmade<unknown, unknown>(({ address }) => async (_, ctx) => {
    const { ms, error, answer } = plan[address]!;
    await delay(ms, { clock, signal: ctx.canAbort ? ctx.signal : undefined });
    if (error !== undefined) throw error;
    return answer;
  }, [at(0), at(1)]);
  const balancer = peakEwma(set, { clock, random: seeded(1), ...options });
  const entry = (i: number) =>
    balancer.pick(0, ctx, { exclude: new Set([at(1 - i)]) }) as ReturnType<typeof balancer.pick>;
  /** Which ones are picked. */
  const picks = () => {
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++) seen.add(balancer.pick(0, ctx).instance.address);
    return [...seen].sort();
  };
  const sample = async (i: number, ms: number, more: { error?: unknown } = {}) => {
    plan[at(i)] = { ms, ...more };
    const call = entry(i).endpoint(0, ctx).catch(() => {});
    await clock.advance(ms);
    await call;
  };
  return { clock, plan, balancer, entry, picks, sample };
}

Deno.test("peakEwma() asks an unknown instance once, then waits for its answer", async () => { // A24
  const { clock, balancer, entry, picks, sample } = pair();
  await sample(0, 10);
  assert.deepEqual(picks(), [at(1)]);
  const probe = entry(1).endpoint(0, ctx);
  assert.deepEqual(picks(), [at(0)]);
  // Even with many calls under way, the known one is better than a guess.
  for (let i = 0; i < 100; i++) balancer.pick(0, ctx).endpoint(0, ctx);
  assert.deepEqual(picks(), [at(0)]);
  await clock.advance(10);
  await probe;
  await clock.advance(10_000);
});

Deno.test("peakEwma() multiplies the latency by the calls under way", async () => {
  const { clock, entry, picks, sample } = pair();
  await sample(0, 10);
  await sample(1, 25);
  assert.deepEqual(picks(), [at(0)]);
  const calls = [entry(0).endpoint(0, ctx)];
  assert.deepEqual(picks(), [at(0)]); // 20 against 25
  calls.push(entry(0).endpoint(0, ctx));
  assert.deepEqual(picks(), [at(1)]); // 30 against 25
  await clock.advance(10);
  await Promise.all(calls);
  assert.deepEqual(picks(), [at(0)]);
});

Deno.test("peakEwma() jumps to a higher latency at once and forgets it slowly", async () => {
  const { clock, picks, sample } = pair();
  await sample(1, 50);
  for (let i = 0; i < 20; i++) await sample(0, 10);
  assert.deepEqual(picks(), [at(0)]);
  await sample(0, 400);
  assert.deepEqual(picks(), [at(1)]);
  // A good answer changes little.
  await sample(0, 1);
  assert.deepEqual(picks(), [at(1)]);
  // After 10 s it has faded to 37 %; the other is kept at 50.
  for (let s = 0; s < 2; s++) {
    await clock.advance(10_000);
    await sample(1, 50);
    assert.deepEqual(picks(), [at(1)], `after ${s + 1} times 10 s`);
  }
  await clock.advance(10_000); // 400 / e ** 3 is less than 50 / e.
  await sample(1, 50);
  assert.deepEqual(picks(), [at(0)]);
});

Deno.test("peakEwma() takes a failure for a second, or for longer if it was", async () => { // P7
  const { picks, sample } = pair();
  const error = new KitError("unavailable", "down");
  await sample(0, 900);
  await sample(1, 1, { error });
  assert.deepEqual(picks(), [at(0)]);
  await sample(0, 1500);
  assert.deepEqual(picks(), [at(1)]);
  await sample(1, 3000, { error });
  assert.deepEqual(picks(), [at(0)]);
});

Deno.test("peakEwma() prefers who fails fast when failures cost nothing", async () => {
  const { picks, sample } = pair({ failureMs: 0 });
  await sample(0, 10);
  await sample(1, 1, { error: new KitError("unavailable", "down") });
  assert.deepEqual(picks(), [at(1)]);
});

for (const [code, costs] of [["resource_exhausted", true], ["invalid_argument", false]] as const) {
  Deno.test(`peakEwma() ${costs ? "takes" : "does not take"} ${code} for a second`, async () => {
    const { picks, sample } = pair();
    await sample(0, 10);
    await sample(1, 5, { error: new KitError(code, "no") });
    assert.deepEqual(picks(), [at(costs ? 0 : 1)]);
  });
}

Deno.test("peakEwma() asks the caller which failures cost", async () => {
  const { picks, sample } = pair({ isFailure: () => false });
  await sample(0, 10);
  await sample(1, 5, { error: new KitError("unavailable", "down") });
  assert.deepEqual(picks(), [at(1)]);
});

Deno.test("peakEwma() takes a cancelled call for as long as it took, not for a failure", async () => {
  const { clock, plan, entry, picks, sample } = pair();
  await sample(0, 20);
  await sample(1, 10);
  for (const [ms, expected] of [[1, at(1)], [15, at(1)], [30, at(0)]] as const) {
    plan[at(1)] = { ms: 10_000 };
    const controller = new AbortController();
    using cancelled = withSignal(background(), controller.signal);
    const call = entry(1).endpoint(0, cancelled).catch(() => {});
    await clock.advance(ms);
    controller.abort(new Error("Closed the tab"));
    await call;
    await settled();
    assert.deepEqual(picks(), [expected], `after ${ms} ms`);
  }
});

Deno.test("peakEwma() takes a deadline that passed for a failure", async () => {
  const { clock, plan, entry, picks, sample } = pair();
  await sample(0, 500);
  await sample(1, 10);
  plan[at(1)] = { ms: 10_000 };
  using limited = withTimeout(background(), 50, { clock });
  const call = entry(1).endpoint(0, limited).catch(() => {});
  await clock.advance(50);
  await call;
  assert.deepEqual(picks(), [at(0)]);
  assert.equal(clock.pending, 0);
});

Deno.test("peakEwma() measures a stream until it is there, and counts it until its end", async () => {
  const { clock, plan, entry, picks, sample } = pair();
  await sample(0, 11);
  plan[at(1)] = {
    ms: 10,
    answer: (async function* () {
      yield await delay(60_000, { clock });
    })(),
  };
  const call = entry(1).endpoint(0, ctx);
  await clock.advance(10);
  const stream = await call as AsyncIterable<unknown>;
  assert.deepEqual(picks(), [at(0)]); // 11 against twice 10
  const reading = (async () => {
    for await (const _ of stream);
  })();
  await clock.advance(60_000);
  await reading;
  await sample(0, 11);
  // A minute would be the peak of all peaks.
  assert.deepEqual(picks(), [at(1)]);
});

Deno.test("peakEwma() takes a stream that breaks for a failure", async () => {
  const { clock, plan, entry, picks, sample } = pair();
  await sample(0, 500);
  plan[at(1)] = {
    ms: 10,
    answer: (async function* () {
      yield await delay(60_000, { clock });
      throw new KitError("unavailable", "broke");
    })(),
  };
  const call = entry(1).endpoint(0, ctx);
  await clock.advance(10);
  const stream = await call as AsyncIterable<unknown>;
  const reading = assert.rejects(async () => {
    for await (const _ of stream);
  });
  await clock.advance(60_000);
  await reading;
  await sample(0, 500);
  assert.deepEqual(picks(), [at(0)]);
  // How long it had gone well is no latency.
  await sample(0, 2000);
  assert.deepEqual(picks(), [at(1)]);
});

Deno.test("peakEwma() does not mind a clock that goes back", async () => {
  const { clock, entry, picks, sample } = pair();
  await sample(0, 10);
  await sample(1, 20);
  const call = entry(0).endpoint(0, ctx);
  clock.set(clock.now() - 3_600_000);
  await clock.advance(10);
  await call;
  assert.deepEqual(picks(), [at(0)]);
  await sample(1, 5);
  assert.deepEqual(picks(), [at(0)]);
  await sample(0, 100);
  assert.deepEqual(picks(), [at(1)]);
});

for (const options of [{ decayMs: 0 }, { decayMs: NaN }, { failureMs: -1 }]) {
  Deno.test(`peakEwma() refuses ${Object.entries(options)}`, () => {
    assert.throws(
      () => peakEwma(handmade(() => () => Promise.resolve(1), []), options),
      RangeError,
    );
  });
}
