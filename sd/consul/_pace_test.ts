import { FakeClock } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import fc from "fast-check";
import { Pace } from "./_pace.ts";

Deno.test("Pace lets two turns go at once, then one for each interval", () => {
  const clock = new FakeClock();
  const pace = new Pace(1000, clock);
  const waits: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    waits.push(pace.takeMs());
    clock.tick(waits.at(-1)!);
  }
  assert.deepEqual(waits, [0, 0, 1000, 1000, 1000]);
});

Deno.test("Pace never grants more than its burst and its rate, whatever the clock does", () => { // D3
  const steps = fc.array(fc.integer({ min: -5000, max: 5000 }), { maxLength: 50 });
  fc.assert(fc.property(steps, (jumps) => {
    const clock = new FakeClock();
    const pace = new Pace(1000, clock);
    let elapsedMs = 0;
    for (const [turn, jump] of jumps.entries()) {
      const waitMs = pace.takeMs();
      assert(waitMs >= 0 && waitMs <= 1000);
      clock.tick(waitMs);
      elapsedMs += waitMs + Math.max(0, jump);
      if (jump > 0) clock.tick(jump);
      else clock.set(clock.now() + jump);
      assert(turn + 1 <= 2 + elapsedMs / 1000 + 1e-6);
    }
  }));
});
