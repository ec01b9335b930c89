import assert from "node:assert/strict";
import { background, withDeadline, withSignal } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import { tokenBucket } from "./token_bucket.ts";

/** A signal that tells how many listen to it. */
function countingSignal(): { signal: AbortSignal; listeners: () => number } {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  return { signal, listeners: () => listeners };
}

Deno.test("tokenBucket() refuses what is no rate or no size", () => {
  assert.throws(() => tokenBucket({ limit: -1, burst: 1 }), RangeError);
  assert.throws(() => tokenBucket({ limit: NaN, burst: 1 }), RangeError);
  assert.throws(() => tokenBucket({ limit: 1, burst: 1.5 }), RangeError);
  assert.throws(() => tokenBucket({ limit: 1, burst: -1 }), RangeError);
  const bucket = tokenBucket({ limit: 1, burst: 1 });
  assert.throws(() => bucket.setLimit(-1), RangeError);
  assert.throws(() => bucket.setBurst(NaN), RangeError);
  assert.throws(() => bucket.allow(-1), RangeError);
  assert.throws(() => bucket.reserve(0.5), RangeError);
});

Deno.test("TokenBucket.wait() rejects rather than throws when n is no count", async () => {
  const bucket = tokenBucket({ limit: 1, burst: 1 });
  await assert.rejects(bucket.wait(background(), -1), RangeError);
});

Deno.test("TokenBucket tells and changes its limit, burst and tokens", () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: Infinity, burst: 3, clock });
  assert.deepEqual([bucket.limit, bucket.burst, bucket.tokens], [Infinity, 3, 3]);
  bucket.setLimit(10);
  bucket.setBurst(5);
  assert.deepEqual([bucket.limit, bucket.burst, bucket.tokens], [10, 5, 3]);
  clock.tick(1000);
  assert.equal(bucket.tokens, 5);
});

Deno.test("TokenBucket.allow() takes tokens as they come", () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 10, burst: 2, clock });
  assert(bucket.allow(2));
  assert(!bucket.allow());
  assert.equal(bucket.retryAfterMs(), 100);
  assert.equal(bucket.retryAfterMs(2), 200);
  clock.tick(99);
  assert(!bucket.allow());
  clock.tick(1);
  assert(bucket.allow());
});

Deno.test("TokenBucket.allow() gives nothing for a step of the clock back or forth (B4)", () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 10, burst: 2, clock });
  assert(bucket.allow(2));
  clock.set(clock.now() - 3_600_000);
  assert(!bucket.allow());
  clock.tick(100);
  assert(!bucket.allow());
  clock.set(clock.now() + 10 * 365 * 86_400_000);
  assert(bucket.allow(2));
  assert(!bucket.allow());
});

Deno.test("TokenBucket.retryAfterMs() is infinite when tokens never come", () => {
  const bucket = tokenBucket({ limit: 0, burst: 1, clock: new FakeClock() });
  assert.equal(bucket.retryAfterMs(), 0);
  assert(bucket.allow());
  assert.equal(bucket.retryAfterMs(), Infinity);
  assert.equal(tokenBucket({ limit: 5, burst: 1 }).retryAfterMs(2), Infinity);
  assert.equal(tokenBucket({ limit: Infinity, burst: 0 }).retryAfterMs(9), 0);
});

Deno.test("TokenBucket.reserve() tells the delay from now on", () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 10, burst: 1, clock });
  const [first, second] = [bucket.reserve(), bucket.reserve()];
  assert.deepEqual([first.ok, first.delayMs, second.ok, second.delayMs], [true, 0, true, 100]);
  clock.tick(40);
  assert.equal(second.delayMs, 60);
  clock.tick(100);
  assert.equal(second.delayMs, 0);
});

Deno.test("Reservation.cancel() puts the tokens back once", () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 10, burst: 4, clock });
  bucket.reserve(4);
  const reservation = bucket.reserve(2);
  assert.equal(bucket.tokens, -2);
  reservation.cancel();
  assert.equal(bucket.tokens, 0);
});

Deno.test("Reservation is not ok and changes nothing when n is over the burst (L1)", () => {
  const bucket = tokenBucket({ limit: 10, burst: 2, clock: new FakeClock() });
  const reservation = bucket.reserve(3);
  assert.deepEqual([reservation.ok, reservation.delayMs], [false, Infinity]);
  reservation.cancel();
  assert.equal(bucket.tokens, 2);
});

Deno.test("Reservation never comes due with limit 0", () => {
  const bucket = tokenBucket({ limit: 0, burst: 1, clock: new FakeClock() });
  bucket.reserve();
  const reservation = bucket.reserve();
  assert.deepEqual([reservation.ok, reservation.delayMs], [true, Infinity]);
});

Deno.test("TokenBucket.wait() acts now and later (L1)", async () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 10, burst: 3, clock });
  await bucket.wait(background(), 2);
  let done = false;
  const later = bucket.wait(background(), 3).then(() => done = true);
  await clock.advance(199);
  assert(!done);
  await clock.advance(1);
  assert(done);
  await later;
  assert.equal(clock.pending, 0);
});

Deno.test("TokenBucket.wait() fails at once when the call is cancelled already (L1)", async () => {
  const bucket = tokenBucket({ limit: 10, burst: 3, clock: new FakeClock() });
  const reason = new Error("gone");
  using ctx = withSignal(background(), AbortSignal.abort(reason));
  await assert.rejects(bucket.wait(ctx), (error) => error === reason);
  assert.equal(bucket.tokens, 3);
});

Deno.test("TokenBucket.wait() fails at once when n is over the burst (L1)", async () => {
  const bucket = tokenBucket({ limit: 10, burst: 3, clock: new FakeClock() });
  await assert.rejects(bucket.wait(background(), 4), {
    name: "RateLimitError",
    code: "resource_exhausted",
    message: "Cannot wait for 4 tokens as the burst is 3",
  });
  assert.equal(bucket.tokens, 3);
  await tokenBucket({ limit: Infinity, burst: 0 }).wait(background(), 4);
});

Deno.test("TokenBucket.wait() fails without waiting when the deadline is too near (L1, RL2)", async () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 10, burst: 3, clock });
  using ctx = withDeadline(background(), clock.now() + 100, { clock });
  await bucket.wait(ctx, 2);
  await assert.rejects(bucket.wait(ctx, 3), {
    code: "resource_exhausted",
    message: "Rate limit wait would exceed context deadline",
    retryAfterMs: 200,
  });
  assert.equal(bucket.tokens, 1);
  assert.equal(clock.pending, 1, "the deadline of the caller, but no timer of the bucket");
  ctx[Symbol.dispose]();
  assert.equal(clock.pending, 0);
});

Deno.test("TokenBucket.wait() rejects with deadline_exceeded after the deadline", async () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 10, burst: 3, clock });
  using ctx = withDeadline(background(), clock.now(), { clock });
  await assert.rejects(bucket.wait(ctx), { code: "deadline_exceeded" });
  assert.equal(bucket.tokens, 3);
});

Deno.test("TokenBucket.wait() puts the tokens back when it is cancelled (L1)", async () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 10, burst: 3, clock });
  const controller = new AbortController();
  const ctx = withSignal(background(), controller.signal);
  await bucket.wait(ctx, 2);
  const waiting = bucket.wait(ctx, 3);
  await clock.advance(100);
  controller.abort(new Error("gone"));
  await assert.rejects(waiting, { message: "gone" });
  assert.deepEqual([bucket.tokens, clock.pending], [2, 0]);
});

Deno.test("TokenBucket.wait() leaves no listener behind when it is granted", async () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 10, burst: 1, clock });
  const { signal, listeners } = countingSignal();
  const ctx = withSignal(background(), signal);
  const waits = [bucket.wait(ctx), bucket.wait(ctx)];
  assert.equal(listeners(), 1);
  await clock.advance(100);
  await Promise.all(waits);
  assert.deepEqual([clock.pending, listeners()], [0, 0]);
});

Deno.test("TokenBucket.wait() waits for a limit that was 0 (L1)", async () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 0, burst: 1, clock });
  assert(bucket.allow());
  assert(!bucket.allow());
  bucket.setLimit(10);
  const wait = bucket.wait(background());
  await clock.advance(100);
  await wait;
});

Deno.test("TokenBucket.wait() serves 10,000 waiters in order while 5,000 leave (L3)", async () => {
  const clock = new FakeClock();
  const bucket = tokenBucket({ limit: 1, burst: 1, clock });
  bucket.allow();
  const controllers: AbortController[] = [];
  const served: number[] = [];
  let left = 0;
  for (let i = 0; i < 10_000; i++) {
    const controller = new AbortController();
    controllers.push(controller);
    bucket.wait(withSignal(background(), controller.signal))
      .then(() => served.push(i), () => left++);
  }
  assert.equal(bucket.tokens, -10_000);
  // Every second of the first half leaves: others booked on top of those, so nothing comes back.
  for (let i = 0; i < 5000; i += 2) controllers[i]!.abort();
  await settled();
  assert.equal(bucket.tokens, -10_000);
  // The last quarter leaves from the back, and every token comes back.
  for (let i = 9999; i >= 7500; i--) controllers[i]!.abort();
  await settled();
  assert.equal(bucket.tokens, -7500);
  assert.equal(left, 5000);
  clock.tick(7_500_000);
  await settled();
  const expected = Array.from({ length: 7500 }, (_, i) => i).filter((i) =>
    i >= 5000 || i % 2 === 1
  );
  assert.deepEqual(served, expected);
  assert.equal(clock.pending, 0);
});

Deno.test("TokenBucket runs on the clock of the system", async () => {
  const bucket = tokenBucket({ limit: 1000, burst: 1 });
  const startedAt = performance.now();
  for (let i = 0; i < 3; i++) await bucket.wait(background());
  assert(performance.now() - startedAt > 1.9);
});
