import { Timers } from "./_timers.ts";
import { systemClock } from "./clock.ts";

function nothing(): void {}

const HOLD = false;

Deno.bench("setTimeout + clearTimeout", { group: "timer", baseline: true }, () => {
  clearTimeout(setTimeout(nothing, 1000));
});
for (const count of [0, 1, 1000, 100_000]) {
  const timers = new Timers();
  for (let i = 0; i < count; i++) timers.add(3_600_000 + i, nothing, HOLD);
  Deno.bench(`add + dispose, ${count} pending`, { group: "timer" }, () => {
    timers.add(1000, nothing, HOLD)[Symbol.dispose]();
  });
}

Deno.bench("Date.now()", { group: "now", baseline: true }, () => {
  Date.now();
});
Deno.bench("systemClock.now()", { group: "now" }, () => {
  systemClock.now();
});
