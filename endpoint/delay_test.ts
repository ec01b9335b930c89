import assert from "node:assert/strict";
import { counted } from "./_support_test.ts";
import { delay } from "./delay.ts";
import { FakeClock } from "./testing.ts";

Deno.test("delay() resolves when the time is over and not before", async () => {
  const clock = new FakeClock();
  let isOver = false;
  const pause = delay(100, { clock }).then(() => isOver = true);
  await clock.advance(99);
  assert(!isOver);
  await clock.advance(1);
  await pause;
});

Deno.test("delay() rejects at once with the reason when the signal is aborted already", async () => {
  const clock = new FakeClock();
  const reason = new Error("gone");
  const pause = delay(100, { clock, signal: AbortSignal.abort(reason) });
  assert.equal(clock.pending, 0);
  await assert.rejects(pause, (error) => error === reason);
});

Deno.test("delay() rejects with the reason when aborted, and leaves nothing", async () => {
  const clock = new FakeClock();
  const { controller, signal, listeners } = counted();
  const pause = delay(100, { clock, signal });
  assert.deepEqual([clock.pending, listeners()], [1, 1]);
  controller.abort("gone");
  assert.equal(clock.pending, 0);
  await assert.rejects(pause, (error) => error === "gone");
});

Deno.test("delay() leaves nothing when the time is over, and a later abort changes nothing", async () => {
  const clock = new FakeClock();
  const { controller, signal, listeners } = counted();
  const pause = delay(100, { clock, signal });
  await clock.advance(100);
  assert.deepEqual([clock.pending, listeners()], [0, 0]);
  controller.abort("late");
  await pause;
});

for (const delayMs of [0, -5, NaN]) {
  Deno.test(`delay() of ${delayMs} is over in the next turn`, async () => {
    await delay(delayMs);
    const clock = new FakeClock();
    const pause = delay(delayMs, { clock });
    assert.equal(clock.pending, 1);
    await clock.advance(0);
    await pause;
  });
}

Deno.test("delay() of Infinity waits for the abort", async () => {
  const controller = new AbortController();
  const pause = delay(Infinity, { signal: controller.signal });
  controller.abort("enough");
  await assert.rejects(pause, (error) => error === "enough");
});
