import { Timers } from "./_timers.ts";
import { background } from "./background.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Context, contextKey } from "./context.ts";
import { withSignal, withTimeout, withValue } from "./derive.ts";

const key = contextKey<number>("n");
const { signal } = new AbortController();
const parent = withSignal(background(), signal);
const HOLD = false;
const timers = new Timers();
timers.add(3_600_000, () => {}, HOLD);
const busyClock: Clock = {
  now: systemClock.now,
  after: (delayMs, callback) => timers.add(delayMs, callback, HOLD),
};
let deep: Context = withValue(background(), key, 1);
for (let i = 0; i < 8; i++) deep = withValue(deep, contextKey("other"), i);

Deno.bench("new AbortController().signal", { group: "context", baseline: true }, () => {
  new AbortController().signal;
});
Deno.bench("withValue()", { group: "context" }, () => {
  withValue(parent, key, 1);
});
Deno.bench("withSignal()", { group: "context" }, () => {
  withSignal(parent, signal);
});
Deno.bench("withTimeout()", { group: "context" }, () => {
  withTimeout(parent, 1000);
});
Deno.bench("value() through 8 contexts", { group: "context" }, () => {
  deep.value(key);
});

Deno.bench("setTimeout + clearTimeout + controller", { group: "deadline", baseline: true }, () => {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), 1000);
  controller.signal;
  clearTimeout(timer);
});
Deno.bench("AbortSignal.any([signal, AbortSignal.timeout()])", { group: "deadline" }, () => {
  AbortSignal.any([signal, AbortSignal.timeout(1000)]);
});
Deno.bench("withTimeout() + signal + dispose, alone", { group: "deadline" }, () => {
  using ctx = withTimeout(parent, 1000);
  ctx.signal;
});
Deno.bench("withTimeout() + signal + dispose, another pending", { group: "deadline" }, () => {
  using ctx = withTimeout(parent, 1000, { clock: busyClock });
  ctx.signal;
});
