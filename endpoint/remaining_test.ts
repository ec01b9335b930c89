import assert from "node:assert/strict";
import { background } from "./background.ts";
import { contextKey } from "./context.ts";
import { detach, withDeadline, withSignal, withTimeout, withValue } from "./derive.ts";
import { remainingMs, throwIfDone } from "./remaining.ts";
import { FakeClock } from "./testing.ts";

Deno.test("remainingMs() counts down to the deadline and below", () => {
  const clock = new FakeClock();
  using ctx = withTimeout(background(), 100, { clock });
  assert.equal(remainingMs(ctx, { clock }), 100);
  clock.tick(100);
  assert.equal(remainingMs(ctx, { clock }), 0);
  clock.tick(5);
  assert.equal(remainingMs(ctx, { clock }), -5);
});

Deno.test("remainingMs() is Infinity without a deadline, which sets none when passed on", () => {
  assert.equal(remainingMs(background()), Infinity);
  using ctx = withTimeout(background(), remainingMs(background()));
  assert.equal(ctx.deadline, undefined);
});

Deno.test("remainingMs() reads the clock of the system unless told otherwise", () => {
  using ctx = withTimeout(background(), 60_000);
  const left = remainingMs(ctx);
  assert(left > 50_000 && left <= 60_000, `${left}`);
});

Deno.test("throwIfDone() passes while somebody waits", () => {
  const clock = new FakeClock();
  throwIfDone(background());
  using ctx = withTimeout(background(), 1, { clock });
  throwIfDone(ctx, { clock });
  throwIfDone(detach(withSignal(background(), AbortSignal.abort())));
});

// P3: no work is begun after its deadline
Deno.test("throwIfDone() throws from the deadline on, without reading the signal", () => {
  const clock = new FakeClock();
  using timed = withDeadline(background(), clock.now() + 10, { clock });
  const ctx = Object.defineProperty(withValue(timed, contextKey("k"), 1), "signal", {
    get: () => assert.fail("It reads the signal"),
  });
  clock.tick(10);
  assert.throws(() => throwIfDone(ctx, { clock }), { code: "deadline_exceeded" });
});

Deno.test("throwIfDone() throws the very reason of the signal", () => {
  const reason = { why: "gone" };
  using ctx = withSignal(background(), AbortSignal.abort(reason));
  assert.throws(() => throwIfDone(ctx), (error: unknown) => error === reason);
});
