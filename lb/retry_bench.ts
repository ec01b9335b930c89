import { background, KitError, withSignal } from "@kit/endpoint";
import { retry } from "./retry.ts";
import { retryBudget } from "./retry_budget.ts";
import { roundRobin } from "./round_robin.ts";

const ctx = background();
const abortable = withSignal(ctx, new AbortController().signal);
const endpoint = (n: number) => Promise.resolve(n);
const entries = [0, 1, 2].map((i) => ({ instance: { address: `host${i}:80` }, endpoint }));
const balancer = roundRobin({ endpoints: () => entries });

Deno.bench("pick and call", { group: "success", baseline: true }, async () => {
  await balancer.pick(1, ctx).endpoint(1, ctx);
});
const unbounded = retry(balancer, { budget: false });
Deno.bench("retry() without a budget", { group: "success" }, async () => {
  await unbounded(1, ctx);
});
const plain = retry(balancer);
Deno.bench("retry()", { group: "success" }, async () => {
  await plain(1, ctx);
});
Deno.bench("retry() for a caller who can cancel", { group: "success" }, async () => {
  await plain(1, abortable);
});
const timed = retry(balancer, { timeoutMs: 1000 });
Deno.bench("retry() with timeoutMs", { group: "success" }, async () => {
  await timed(1, ctx);
});
Deno.bench("retry() with timeoutMs, 32 at once", { group: "success", n: 2000 }, async () => {
  await Promise.all(Array.from({ length: 32 }, () => timed(1, ctx)));
});
const timedTwice = retry(balancer, { timeoutMs: 1000, perAttemptMs: 100 });
Deno.bench("retry() with timeoutMs and perAttemptMs", { group: "success" }, async () => {
  await timedTwice(1, ctx);
});

const error = new KitError("unavailable", "down");
let turn = 0;
const flaky = [0, 1, 2].map((i) => ({
  instance: { address: `host${i}:80` },
  endpoint: (n: number) => turn++ % 2 === 0 ? Promise.reject(error) : Promise.resolve(n),
}));
const retried = retry(roundRobin({ endpoints: () => flaky }), { budget: false, backoff: () => 0 });
Deno.bench("retry() once, without a wait", async () => {
  await retried(1, ctx);
});

const budget = retryBudget();
Deno.bench("retryBudget() deposit", () => budget.deposit());
Deno.bench("retryBudget() withdraw", () => void budget.withdraw());
