import assert from "node:assert/strict";
import fc from "fast-check";
import { KitError } from "@kit/endpoint";
import { FakeClock } from "@kit/endpoint/testing";
import { type Breaker, breaker, type BreakerOptions, type BreakerState } from "./breaker.ts";
import { failureRatio } from "./failure_ratio.ts";

const down = new Error("down");

async function succeed(guard: Breaker, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) await guard.execute(() => Promise.resolve());
}

async function fail(guard: Breaker, times = 1, error: unknown = down): Promise<void> {
  for (let i = 0; i < times; i++) {
    await assert.rejects(guard.execute(() => Promise.reject(error)), (e) => e === error);
  }
}

/** Begins a call that ends when told. */
function begin(
  guard: Breaker,
): { end: (error?: unknown) => Promise<void>; refused: Promise<unknown> } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const call = guard.execute(() => promise).then(() => undefined, (error) => error);
  return {
    end: async (error) => {
      if (error === undefined) resolve();
      else reject(error);
      await call;
    },
    refused: call,
  };
}

function counts(guard: Breaker): readonly number[] {
  const c = guard.counts;
  return [
    c.requests,
    c.totalSuccesses,
    c.totalFailures,
    c.totalExclusions,
    c.consecutiveSuccesses,
    c.consecutiveFailures,
  ];
}

function setup(options: BreakerOptions = {}): {
  guard: Breaker;
  clock: FakeClock;
  changes: string[];
} {
  const clock = new FakeClock();
  const changes: string[] = [];
  const onStateChange = (name: string, from: BreakerState, to: BreakerState) =>
    void changes.push(`${name}:${from}>${to}`);
  return { guard: breaker({ clock, name: "cb", onStateChange, ...options }), clock, changes };
}

Deno.test("breaker() opens at the sixth failure in a row, not the fifth (B1.1)", async () => {
  const { guard } = setup();
  await fail(guard, 5);
  assert.equal(guard.state, "closed");
  assert.deepEqual(counts(guard), [5, 0, 5, 0, 0, 5]);
  await succeed(guard);
  assert.deepEqual(counts(guard), [6, 1, 5, 0, 1, 0]);
  await fail(guard, 6);
  assert.equal(guard.state, "open");
  assert.deepEqual(counts(guard), [0, 0, 0, 0, 0, 0]);
});

Deno.test("breaker() refuses without counting while it is open (B1.1, B1.9)", async () => {
  const { guard, clock } = setup();
  await fail(guard, 6);
  clock.tick(20_000);
  await assert.rejects(guard.execute(() => assert.fail("called")), {
    name: "CircuitOpenError",
    code: "unavailable",
    message: "Circuit breaker is open",
    retryAfterMs: 40_000,
  });
  assert.deepEqual(counts(guard), [0, 0, 0, 0, 0, 0]);
  assert.equal(guard.rejected, 1);
});

Deno.test("breaker() is half-open after the timeout, with no timer (B1.2)", async () => {
  const { guard, clock } = setup();
  await fail(guard, 6);
  clock.tick(59_999);
  assert.equal(guard.state, "open");
  clock.tick(1.000001);
  assert.equal(guard.state, "half_open");
  assert.equal(clock.pending, 0);
});

Deno.test("breaker() may be called again when its retryAfterMs is over (B1.2)", async () => {
  const { guard, clock } = setup();
  await fail(guard, 6);
  const refusal = await begin(guard).refused as KitError;
  clock.tick(refusal.retryAfterMs!);
  await succeed(guard);
  assert.equal(guard.state, "closed");
});

Deno.test("breaker() refuses a fourth probe of three with another error (B1.3)", async () => {
  const { guard, clock } = setup({ maxRequests: 3 });
  await fail(guard, 6);
  clock.tick(60_001);
  const probes = [begin(guard), begin(guard), begin(guard)];
  await assert.rejects(guard.execute(() => assert.fail("called")), {
    name: "TooManyRequestsError",
    code: "unavailable",
    message: "Too many requests",
  });
  assert.deepEqual(counts(guard), [3, 0, 0, 0, 0, 0]);
  for (const probe of probes) await probe.end();
  assert.equal(guard.state, "closed");
});

Deno.test("breaker() reopens at the first failed probe and closes after all succeed (B1.4)", async () => {
  const { guard, clock, changes } = setup({ maxRequests: 3 });
  await fail(guard, 6);
  clock.tick(60_001);
  await succeed(guard, 2);
  await fail(guard);
  assert.equal(guard.state, "open");
  clock.tick(60_001);
  await succeed(guard, 2);
  assert.equal(guard.state, "half_open");
  await succeed(guard);
  assert.equal(guard.state, "closed");
  assert.deepEqual(counts(guard), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(changes, [
    "cb:closed>open",
    "cb:open>half_open",
    "cb:half_open>open",
    "cb:open>half_open",
    "cb:half_open>closed",
  ]);
});

Deno.test("breaker() ignores the end of a call of an older state or window (B1.5)", async () => {
  const { guard, clock } = setup({ intervalMs: 1000 });
  const old = begin(guard);
  clock.tick(1001);
  assert.deepEqual(counts(guard), [0, 0, 0, 0, 0, 0]);
  await old.end(down);
  assert.deepEqual(counts(guard), [0, 0, 0, 0, 0, 0]);
  const late = begin(guard);
  await fail(guard, 6);
  clock.tick(60_001);
  assert.equal(guard.state, "half_open");
  await late.end(down);
  assert.equal(guard.state, "half_open");
  await succeed(guard);
  assert.equal(guard.state, "closed");
});

Deno.test("breaker() forgets its counts after the interval (B1.6)", async () => {
  const { guard, clock } = setup({ intervalMs: 30_000 });
  await fail(guard, 5);
  clock.tick(29_999);
  assert.deepEqual(counts(guard), [5, 0, 5, 0, 0, 5]);
  clock.tick(1);
  await fail(guard, 5);
  assert.deepEqual([guard.state, counts(guard)], ["closed", [5, 0, 5, 0, 0, 5]]);
});

Deno.test("breaker() never forgets its counts with an interval of 0 (CB2)", async () => {
  const { guard, clock } = setup();
  await fail(guard, 5);
  clock.tick(10 * 365 * 86_400_000);
  assert.deepEqual(counts(guard), [5, 0, 5, 0, 0, 5]);
});

Deno.test("breaker() drops the oldest of ten buckets exactly (B1.6)", async () => {
  const { guard, clock } = setup({ intervalMs: 30_000, bucketPeriodMs: 3000 });
  await succeed(guard);
  clock.tick(3000);
  await fail(guard, 2);
  clock.tick(26_999);
  assert.deepEqual(counts(guard), [3, 1, 2, 0, 0, 2]);
  clock.tick(1);
  assert.deepEqual(counts(guard), [2, 0, 2, 0, 0, 2]);
  clock.tick(2999);
  assert.deepEqual(counts(guard), [2, 0, 2, 0, 0, 2]);
  clock.tick(1);
  assert.deepEqual(counts(guard), [0, 0, 0, 0, 0, 0]);
  await fail(guard);
  clock.tick(86_400_000);
  assert.deepEqual(counts(guard), [0, 0, 0, 0, 0, 0]);
});

Deno.test("breaker() rounds the interval up to a multiple of the bucket (B1.6)", async () => {
  const { guard, clock } = setup({ intervalMs: 10_000, bucketPeriodMs: 4000 });
  await fail(guard);
  clock.tick(11_999);
  assert.equal(guard.counts.requests, 1);
  clock.tick(1);
  assert.equal(guard.counts.requests, 0);
});

Deno.test("breaker() gives the place of an excluded probe back (B1.7, B2)", async () => {
  const { guard, clock } = setup();
  await fail(guard, 6);
  clock.tick(60_001);
  await fail(guard, 3, new KitError("cancelled", "Call was cancelled"));
  assert.deepEqual([guard.state, counts(guard)], ["half_open", [3, 0, 0, 3, 0, 0]]);
  await succeed(guard);
  assert.equal(guard.state, "closed");
});

Deno.test("breaker() counts excluded errors neither way (B1.7)", async () => {
  const { guard } = setup({ isExcluded: (error) => error === "skip" });
  await fail(guard, 5);
  await fail(guard, 10, "skip");
  assert.deepEqual([guard.state, counts(guard)], ["closed", [15, 0, 5, 10, 0, 5]]);
  await fail(guard);
  assert.equal(guard.state, "open");
});

Deno.test("breaker() counts a successful error as a success, after exclusion (B1.7)", async () => {
  const { guard } = setup({
    isSuccessful: (error) => error === "fine" || error === "both",
    isExcluded: (error) => error === "both",
  });
  await fail(guard, 1, "fine");
  await fail(guard, 1, "both");
  assert.deepEqual(counts(guard), [2, 1, 0, 1, 1, 0]);
});

Deno.test("breaker() counts what is thrown inside the call as a failure (B1.8)", async () => {
  const { guard } = setup();
  const call = () => {
    throw down;
  };
  await assert.rejects(guard.execute(call), (error) => error === down);
  assert.deepEqual(counts(guard), [1, 0, 1, 0, 0, 1]);
});

Deno.test("breaker() takes zero and negative settings as the defaults (B1.9)", async () => {
  const { guard, clock } = setup({
    maxRequests: 0,
    timeoutMs: -1,
    intervalMs: -1,
    bucketPeriodMs: -1,
  });
  await fail(guard, 6);
  clock.tick(59_999);
  assert.equal(guard.state, "open");
  clock.tick(1);
  await succeed(guard);
  assert.deepEqual([guard.name, guard.state], ["cb", "closed"]);
});

Deno.test("breaker() refuses what is no number", () => {
  assert.throws(() => breaker({ timeoutMs: NaN }), RangeError);
  assert.throws(() => breaker({ maxRequests: 1.5 }), RangeError);
});

Deno.test("breaker() opens, holds and closes by hand (B1.9)", async () => {
  const { guard, clock, changes } = setup();
  guard.open();
  assert.equal(guard.state, "open");
  clock.tick(60_000);
  assert.equal(guard.state, "half_open");
  guard.isolate();
  clock.tick(10 * 365 * 86_400_000);
  const refusal = await begin(guard).refused as KitError;
  assert.deepEqual([guard.state, refusal.retryAfterMs], ["open", undefined]);
  guard.close();
  await succeed(guard, 2);
  assert.deepEqual(counts(guard), [2, 2, 0, 0, 2, 0]);
  const late = begin(guard);
  guard.close();
  await late.end(down);
  assert.deepEqual(counts(guard), [0, 0, 0, 0, 0, 0]);
  assert.equal(changes.length, 4);
});

Deno.test("breaker() makes a new error each time, with a stack that does not grow (B1.10)", async () => {
  const { guard } = setup({ timeoutMs: Infinity });
  await fail(guard, 6);
  const errors = await Promise.all(Array.from({ length: 100 }, () => begin(guard).refused));
  assert.equal(new Set(errors).size, 100);
  const lengths = errors.map((error) => (error as Error).stack!.length);
  assert.equal(Math.max(...lengths), lengths[0]);
});

Deno.test("breaker() counts 100,000 interleaved calls exactly (B1.11)", async () => {
  const { guard } = setup({ readyToTrip: () => false });
  await Promise.all(Array.from({ length: 10 }, async (_, worker) => {
    for (let i = 0; i < 10_000; i++) {
      if ((i + worker) % 3 === 0) await guard.execute(() => Promise.reject(down)).catch(() => {});
      else await guard.execute(() => Promise.resolve());
    }
  }));
  const { requests, totalSuccesses, totalFailures } = guard.counts;
  assert.deepEqual([requests, totalSuccesses + totalFailures], [100_000, 100_000]);
  assert.equal(totalFailures, 33_334);
});

Deno.test("breaker() gives readyToTrip a copy of the counts and sees its answer (CB2)", async () => {
  const seen: unknown[] = [];
  const { guard } = setup({ readyToTrip: (c) => seen.push(c) === 2 });
  await fail(guard, 2);
  assert.equal(guard.state, "open");
  assert.notEqual(seen[0], seen[1]);
  assert.equal((seen[0] as { totalFailures: number }).totalFailures, 1);
});

Deno.test("breaker() tells its new state inside onStateChange", async () => {
  const states: BreakerState[] = [];
  const guard: Breaker = breaker({ onStateChange: () => void states.push(guard.state) });
  await fail(guard, 6);
  guard.close();
  assert.deepEqual(states, ["open", "closed"]);
});

Deno.test("breaker() frees the place of a probe that never settles after one open period (B2)", async () => {
  const { guard, clock } = setup({ maxRequests: 2 });
  await fail(guard, 6);
  clock.tick(60_000);
  const lost = begin(guard);
  clock.tick(30_000);
  const slow = begin(guard);
  clock.tick(29_999);
  assert.equal(((await begin(guard).refused) as Error).name, "TooManyRequestsError");
  clock.tick(1);
  const fresh = begin(guard);
  assert.equal(((await begin(guard).refused) as Error).name, "TooManyRequestsError");
  await lost.end(down);
  assert.equal(guard.state, "half_open", "the lost probe comes too late to say anything");
  await slow.end();
  await fresh.end();
  assert.equal(guard.state, "closed");
});

Deno.test("breaker() is not wedged by losing one probe after the other (B2)", async () => {
  const { guard, clock } = setup();
  await fail(guard, 6);
  clock.tick(60_000);
  for (let i = 0; i < 100; i++) {
    begin(guard);
    assert.equal(((await begin(guard).refused) as Error).name, "TooManyRequestsError");
    clock.tick(60_000);
  }
  await succeed(guard);
  assert.equal(guard.state, "closed");
});

Deno.test("breaker() stands a clock that goes back an hour or forward ten years (B4)", async () => {
  const { guard, clock } = setup();
  await fail(guard, 6);
  clock.tick(30_000);
  assert.equal(guard.state, "open");
  clock.set(clock.now() - 3_600_000);
  assert.equal(guard.state, "open");
  clock.tick(29_999);
  assert.equal(guard.state, "open");
  clock.tick(1);
  assert.equal(guard.state, "half_open");
  begin(guard);
  clock.set(clock.now() - 3_600_000);
  assert.equal(((await begin(guard).refused) as Error).name, "TooManyRequestsError");
  clock.tick(60_000);
  await fail(guard);
  clock.set(clock.now() + 10 * 365 * 86_400_000);
  await succeed(guard);
  assert.equal(guard.state, "closed");
});

Deno.test("failureRatio() opens at the ratio once enough calls have ended (CB3, CB4)", async () => {
  for (const [ratio, minRequests, primed] of [[0.05, 10, 100], [0.05, 20, 40]] as const) {
    const { guard } = setup({ readyToTrip: failureRatio(ratio, { minRequests }) });
    await succeed(guard, primed);
    let failures = 0;
    while (guard.state === "closed") {
      await fail(guard);
      failures++;
    }
    assert(failures / (primed + failures) >= ratio);
    assert((failures - 1) / (primed + failures - 1) < ratio);
  }
  const { guard } = setup({ readyToTrip: failureRatio(0.5, { minRequests: 4 }) });
  await fail(guard, 3);
  assert.equal(guard.state, "closed");
  await fail(guard);
  assert.equal(guard.state, "open");
});

Deno.test("failureRatio() does not count calls under way nor excluded ones", async () => {
  const { guard } = setup({ readyToTrip: failureRatio(0.5, { minRequests: 2 }) });
  for (let i = 0; i < 10; i++) begin(guard);
  await fail(guard, 3, new KitError("cancelled", "Call was cancelled"));
  await fail(guard);
  assert.equal(guard.state, "closed");
  await fail(guard);
  assert.equal(guard.state, "open");
});

Deno.test("failureRatio() refuses what is no ratio", () => {
  assert.throws(() => failureRatio(1.1), RangeError);
  assert.throws(() => failureRatio(0.5, { minRequests: 0 }), RangeError);
});

/** gobreaker, written again as plainly as can be, with lost probes on top. */
class Model {
  state: BreakerState = "closed";
  generation = 0;
  calls: { at: number; end?: "succeed" | "fail" | "exclude" | "lost" }[] = [];
  ends: string[] = [];
  since = 0;

  constructor(readonly max: number, readonly interval: number, readonly timeout: number) {}

  read(now: number): void {
    const age = now - this.since;
    if (this.state === "closed" && this.interval > 0 && age >= this.interval) {
      this.go("closed", now);
    }
    if (this.state === "open" && age >= this.timeout) this.go("half_open", now);
  }

  go(state: BreakerState, now: number): void {
    this.state = state;
    this.generation++;
    this.calls = [];
    this.ends = [];
    this.since = now;
  }

  begin(now: number): { generation: number; index: number } | "open" | "full" {
    this.read(now);
    if (this.state === "open") return "open";
    const holders = () =>
      this.calls.filter(({ end }) => end !== "exclude" && end !== "lost").length;
    if (this.state === "half_open" && holders() >= this.max) {
      for (const call of this.calls) {
        if (call.end === undefined && now - call.at >= this.timeout) call.end = "lost";
      }
      if (holders() >= this.max) return "full";
    }
    return { generation: this.generation, index: this.calls.push({ at: now }) - 1 };
  }

  end(
    ticket: { generation: number; index: number },
    how: "succeed" | "fail" | "exclude",
    now: number,
  ) {
    this.read(now);
    const call = this.calls[ticket.index];
    if (ticket.generation !== this.generation || call!.end === "lost") return;
    call!.end = how;
    if (how !== "exclude") this.ends.push(how);
    const run = this.run();
    if (this.state === "half_open" && how === "fail") this.go("open", now);
    else if (this.state === "half_open" && run.succeed >= this.max) this.go("closed", now);
    else if (this.state === "closed" && run.fail > 5) this.go("open", now);
  }

  run(): { succeed: number; fail: number } {
    const last = this.ends.at(-1);
    const run = this.ends.length - 1 - this.ends.findLastIndex((end) => end !== last);
    return { succeed: last === "succeed" ? run : 0, fail: last === "fail" ? run : 0 };
  }

  counts(): readonly number[] {
    const of = (kind: string) => this.calls.filter(({ end }) => end === kind).length;
    const { succeed, fail } = this.run();
    return [
      this.calls.length,
      of("succeed"),
      of("fail"),
      of("exclude") + of("lost"),
      succeed,
      fail,
    ];
  }
}

const step = fc.record({
  pauseMs: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 300 })),
  // Weighted so that runs of failures occur.
  kind: fc.constantFrom("begin", "begin", "succeed", "fail", "fail", "fail", "exclude"),
  which: fc.nat(),
});

Deno.test("breaker() equals a plain model over 10,000 calls that end in any order (B3)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(0, 1000),
      fc.array(step, { minLength: 200, maxLength: 200 }),
      async (maxRequests, intervalMs, steps) => {
        const { guard, clock } = setup({ maxRequests, intervalMs, timeoutMs: 100 });
        const model = new Model(maxRequests, intervalMs, 100);
        const start = clock.now();
        const open: {
          ticket: { generation: number; index: number };
          call: ReturnType<typeof begin>;
        }[] = [];
        for (const { pauseMs, kind, which } of steps) {
          clock.tick(pauseMs);
          const now = clock.now() - start;
          if (kind === "begin" || open.length === 0) {
            const ticket = model.begin(now);
            const call = begin(guard);
            if (typeof ticket === "object") open.push({ ticket, call });
            else {
              const { name } = await call.refused as Error;
              assert.equal(name, ticket === "open" ? "CircuitOpenError" : "TooManyRequestsError");
            }
          } else {
            const { ticket, call } = open.splice(which % open.length, 1)[0]!;
            model.end(ticket, kind as "succeed" | "fail" | "exclude", now);
            const cancelled = new KitError("cancelled", "Call was cancelled");
            await call.end(kind === "succeed" ? undefined : kind === "fail" ? down : cancelled);
          }
          model.read(now);
          assert.equal(guard.state, model.state);
          assert.deepEqual(counts(guard), model.counts());
        }
      },
    ),
    { numRuns: 150 },
  );
});
