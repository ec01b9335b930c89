import assert from "node:assert/strict";
import fc from "fast-check";
import { type Equals, pin } from "./_support_test.ts";
import { background } from "./background.ts";
import { delay } from "./delay.ts";
import { FakeClock, scripted, settled } from "./testing.ts";

Deno.test("FakeClock stands still until it is moved", () => {
  const clock = new FakeClock(1000);
  assert.equal(clock.now(), 1000);
  clock.tick(0.5);
  assert.equal(clock.now(), 1000.5);
});

Deno.test("FakeClock.tick() runs each timer at its own time, equal ones in order of adding", () => {
  const clock = new FakeClock(0);
  const rang: string[] = [];
  const ring = (name: string, delayMs: number) =>
    clock.after(delayMs, () => rang.push(`${name} at ${clock.now()}`));
  ring("a", 20);
  ring("b", 10);
  ring("c", 20);
  ring("disposed", 15)[Symbol.dispose]();
  ring("d", 10);
  ring("late", 31);
  clock.tick(30);
  assert.deepEqual(rang, ["b at 10", "d at 10", "a at 20", "c at 20"]);
  assert.deepEqual([clock.now(), clock.pending], [30, 1]);
});

Deno.test("FakeClock.tick() runs timers that timers add, when they fall due as well", () => {
  const clock = new FakeClock(0);
  const rang: number[] = [];
  const again = (): void => {
    rang.push(clock.now());
    clock.after(10, again);
  };
  clock.after(10, again);
  clock.tick(35);
  assert.deepEqual(rang, [10, 20, 30]);
  assert.deepEqual([clock.now(), clock.pending], [35, 1]);
});

Deno.test("FakeClock.tick() runs timers without a delay first, also when it is moved by nothing", () => {
  const clock = new FakeClock(0);
  const rang: unknown[] = [];
  for (const delayMs of [0, -5, NaN]) clock.after(delayMs, () => rang.push(delayMs));
  clock.tick(0);
  assert.deepEqual(rang, [0, -5, NaN]);
  assert.equal(clock.now(), 0);
});

Deno.test("FakeClock lets a timer dispose of another that is due at the same time", () => {
  const clock = new FakeClock(0);
  clock.after(5, () => other[Symbol.dispose]());
  const other = clock.after(5, () => assert.fail("It was disposed of"));
  clock.tick(5);
  assert.equal(clock.pending, 0);
});

Deno.test("FakeClock.set() corrects the time; timers have as long to wait as before", () => {
  for (const shift of [-3_600_000, 3_600_000]) {
    const clock = new FakeClock(0);
    let rang = -1;
    clock.after(10, () => rang = clock.now());
    clock.tick(4);
    clock.set(4 + shift);
    assert.equal(clock.now(), 4 + shift);
    clock.tick(5);
    assert.equal(rang, -1);
    clock.tick(1);
    assert.equal(rang, 10 + shift);
  }
});

Deno.test("FakeClock never goes back when a timer moves it too", () => {
  const clock = new FakeClock(0);
  const rang: string[] = [];
  clock.after(10, () => clock.tick(50));
  clock.after(20, () => rang.push(`b at ${clock.now()}`));
  clock.tick(15);
  assert.deepEqual(rang, ["b at 20"]);
  assert.equal(clock.now(), 65);
});

Deno.test("FakeClock keeps the rest of a move when a timer corrects the time", () => {
  const clock = new FakeClock(0);
  const rang: string[] = [];
  clock.after(10, () => clock.set(-1000));
  clock.after(20, () => rang.push("20"));
  clock.after(40, () => rang.push("40"));
  clock.tick(30);
  assert.deepEqual(rang, ["20"]);
  assert.equal(clock.now(), -980);
});

Deno.test("FakeClock refuses to be moved back", async () => {
  const clock = new FakeClock();
  assert.throws(() => clock.tick(-1), RangeError);
  await assert.rejects(clock.advance(NaN), RangeError);
});

Deno.test("FakeClock.tick() lets an error of a timer through and keeps the others", () => {
  const clock = new FakeClock(0);
  clock.after(1, () => {
    throw new Error("thrown");
  });
  let rang = false;
  clock.after(1, () => rang = true);
  assert.throws(() => clock.tick(5), { message: "thrown" });
  clock.tick(5);
  assert(rang);
});

Deno.test("FakeClock.advance() lets promises settle before, between and after", async () => {
  const clock = new FakeClock(0);
  const log: string[] = [];
  const work = (async () => {
    await Promise.resolve();
    for (let i = 0; i < 3; i++) {
      await delay(10, { clock });
      log.push(`${clock.now()}`);
    }
    await Promise.resolve();
    log.push("end");
  })();
  await clock.advance(30);
  assert.deepEqual(log, ["10", "20", "30", "end"]);
  await work;
  assert.equal(clock.pending, 0);
});

Deno.test("FakeClock.tick() runs the timers that a list sorted by due time would", () => {
  const timer = fc.record({ delayMs: fc.nat(50), isDisposed: fc.boolean() });
  fc.assert(fc.property(fc.array(timer), fc.array(fc.nat(30)), (timers, moves) => {
    const clock = new FakeClock(0);
    const rang: number[] = [];
    timers.forEach(({ delayMs, isDisposed }, index) => {
      const one = clock.after(delayMs, () => {
        assert.equal(clock.now(), delayMs);
        rang.push(index);
      });
      if (isDisposed) one[Symbol.dispose]();
    });
    moves.forEach((ms) => clock.tick(ms));
    const end = moves.reduce((a, b) => a + b, 0);
    const expected = [...timers.entries()]
      .filter(([, { delayMs, isDisposed }]) => !isDisposed && delayMs <= end && moves.length > 0)
      .sort(([i, a], [j, b]) => a.delayMs - b.delayMs || i - j)
      .map(([index]) => index);
    assert.deepEqual(rang, expected);
  }));
});

Deno.test("settled() waits for a long chain of promises", async () => {
  let steps = 0;
  (async () => {
    for (; steps < 1000; steps++) await Promise.resolve();
  })();
  await settled();
  assert.equal(steps, 1000);
});

Deno.test("scripted() plays its steps, then the last one again and again", async () => {
  const endpoint = scripted<number, string>(
    new Error("down"),
    "up",
    (n) => `${n}`,
    (n) => Promise.resolve(`last ${n}`),
  );
  pin<Equals<Awaited<ReturnType<typeof endpoint>>, string>>();
  await assert.rejects(endpoint(1, background()), { message: "down" });
  assert.equal(await endpoint(2, background()), "up");
  assert.equal(await endpoint(3, background()), "3");
  assert.equal(await endpoint(4, background()), "last 4");
  assert.equal(await endpoint(5, background()), "last 5");
  assert.deepEqual(endpoint.calls.map((call) => call.request), [1, 2, 3, 4, 5]);
  assert.equal(endpoint.calls[0]!.ctx, background());
});

Deno.test("scripted() rejects and never throws", async () => {
  const endpoint = scripted<number, string>(() => {
    throw new Error("thrown");
  });
  const call = endpoint(1, background());
  await assert.rejects(call, { message: "thrown" });
});

Deno.test("scripted() refuses an empty script", () => {
  assert.throws(() => scripted(), RangeError);
});
