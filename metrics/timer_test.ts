import assert from "node:assert/strict";
import { memory } from "./memory.ts";
import { timer } from "./timer.ts";

function fakeClock() {
  let time = 1000;
  return { now: () => time, move: (ms: number) => (time += ms) };
}

for (const [unit, expected] of [["s", 0.1], ["ms", 100], ["us", 1e5], ["ns", 1e8]] as const) {
  Deno.test(`timer() observes 100 ms as ${expected} ${unit}`, () => {
    // MM3
    const metrics = memory();
    const clock = fakeClock();
    const running = timer(metrics.histogram("h"), { clock, unit });
    clock.move(100);
    assert.equal(running.observe(), expected);
    assert.equal(metrics.distribution("h")!.sum, expected);
  });
}

Deno.test("timer() observes seconds by default, each time from its start", () => {
  // MM3
  const metrics = memory();
  const clock = fakeClock();
  const running = timer(metrics.histogram("h"), { clock });
  clock.move(250);
  assert.equal(running.observe(), 0.25);
  clock.move(250);
  assert.equal(running.observe(), 0.5);
  const { count, sum } = metrics.distribution("h")!;
  assert.deepEqual({ count, sum }, { count: 2, sum: 0.75 });
});

Deno.test("timer() observes zero when the clock went back", () => {
  // MM3
  const metrics = memory();
  const clock = fakeClock();
  const running = timer(metrics.histogram("h"), { clock });
  clock.move(-100);
  assert.equal(running.observe(), 0);
  assert.equal(metrics.distribution("h")!.sum, 0);
});

Deno.test("timer() takes the time of the platform when none is given", () => {
  const metrics = memory();
  const before = performance.now();
  const running = timer(metrics.histogram("h"), { unit: "ms" });
  while (performance.now() === before);
  const elapsed = running.observe();
  assert(elapsed >= 0 && elapsed <= performance.now() - before);
});

Deno.test("timer() observes once at the end of a block that uses it, also when it throws", () => {
  const metrics = memory();
  assert.throws(() => {
    using _ = timer(metrics.histogram("h"));
    throw new Error("down");
  }, { message: "down" });
  assert.equal(metrics.distribution("h")!.count, 1);
});
