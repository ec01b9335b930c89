/** Plays random traces on Go's own sony/gobreaker, in virtual time, and compares every answer. */
import assert from "node:assert/strict";
import { KitError } from "@kit/endpoint";
import { FakeClock } from "@kit/endpoint/testing";
import { breaker } from "./breaker.ts";
import { hasGo, runGo, seeded } from "./_go_testing.ts";

type Outcome = "succeed" | "fail" | "exclude";

interface Op {
  readonly Kind: "begin" | Outcome;
  readonly At: number;
  readonly Call: number;
}

interface Trace {
  readonly MaxRequests: number;
  readonly Interval: number;
  readonly BucketPeriod: number;
  readonly Timeout: number;
  readonly Trip: number;
  readonly Ops: Op[];
}

type Answer = readonly [refusal: string, state: string, counts: readonly number[]];

interface OpenCall {
  readonly number: number;
  readonly dueMs: number;
  readonly end: (how: Outcome) => Promise<void>;
}

/**
 * Makes up a trace while playing it. Nothing falls due at the very instant of an operation (times
 * are even, periods odd), where gobreaker waits one nanosecond more. No probe outlives an open
 * period, after which gobreaker would stay wedged.
 */
async function makeUp(random: (below: number) => number): Promise<[Trace, unknown[]]> {
  const timeoutMs = 101;
  const trace: Trace = {
    MaxRequests: random(4),
    Interval: [0, 201, 505][random(3)]! * 1e6,
    BucketPeriod: [0, 51, 701][random(3)]! * 1e6,
    Timeout: timeoutMs * 1e6,
    Trip: [0, 3, 8][random(3)]!,
    Ops: [],
  };
  const clock = new FakeClock(0);
  const changes: string[] = [];
  const text = (state: string) => state.replace("_", "-");
  const guard = breaker({
    clock,
    maxRequests: trace.MaxRequests,
    intervalMs: trace.Interval / 1e6,
    bucketPeriodMs: trace.BucketPeriod / 1e6,
    timeoutMs,
    onStateChange: (_, from, to) => void changes.push(`${text(from)}>${text(to)}`),
    ...(trace.Trip > 0 ? { readyToTrip: (c) => c.totalFailures >= trace.Trip } : {}),
  });
  const answers: unknown[] = [];
  const open = new Map<number, OpenCall>();

  function note(kind: Op["Kind"], call: number, refusal = ""): void {
    trace.Ops.push({ Kind: kind, At: clock.now() * 1e6, Call: call });
    const state = text(guard.state);
    const c = guard.counts;
    answers.push([refusal, state, [
      c.requests,
      c.totalSuccesses,
      c.totalFailures,
      c.totalExclusions,
      c.consecutiveSuccesses,
      c.consecutiveFailures,
    ]]);
  }

  async function begin(number: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const isProbe = guard.state === "half_open";
    const rejected = guard.rejected;
    const settled = guard.execute(() => promise).then(() => undefined, (error: Error) => error);
    if (guard.rejected > rejected) {
      return note("begin", number, (await settled)!.message.toLowerCase());
    }
    const lastsMs = random(isProbe ? timeoutMs : 600);
    open.set(number, {
      number,
      dueMs: clock.now() + lastsMs,
      end: async (how) => {
        if (how === "succeed") resolve();
        else reject(how === "fail" ? new Error("bad") : new KitError("cancelled", "gone"));
        await settled;
      },
    });
    note("begin", number);
  }

  const failures = 20 + random(70);
  for (let number = 0; number < 150; number++) {
    clock.tick(2 * random(random(10) === 0 ? 120 : 10));
    for (const call of open.values()) {
      if (call.dueMs > clock.now()) continue;
      open.delete(call.number);
      const how = random(10) === 0 ? "exclude" : random(100) < failures ? "fail" : "succeed";
      await call.end(how);
      note(how, call.number);
    }
    await begin(number);
  }
  return [trace, [...answers, changes]];
}

Deno.test({
  name: "breaker() gives every answer that sony/gobreaker gives (P5, CB2, B1.1-B1.7)",
  ignore: !hasGo(), // the peer is a Go program
  fn: async () => {
    const random = seeded(20260102);
    const made = await Array.fromAsync({ length: 300 }, () => makeUp(random));
    const folder = await Deno.makeTempDir();
    try {
      const [TRACES, ANSWERS] = [`${folder}/traces.json`, `${folder}/answers.json`];
      await Deno.writeTextFile(TRACES, JSON.stringify(made.map(([trace]) => trace)));
      await runGo("go-breaker", ["test", "-count=1", "."], { env: { TRACES, ANSWERS } });
      const theirs = JSON.parse(await Deno.readTextFile(ANSWERS)) as readonly unknown[][];
      let changes = 0;
      for (const [i, [trace, own]] of made.entries()) {
        for (const [k, answer] of own.entries()) {
          const { Ops, ...settings } = trace;
          const context = JSON.stringify({ trace: i, op: k, ...Ops[k], ...settings });
          assert.deepEqual(answer, theirs[i]![k] ?? [], context);
        }
        changes += (own.at(-1) as string[]).length;
      }
      assert(changes > 1000, `only ${changes} changes of state`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
