import { background, type Endpoint, KitError } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import fc from "fast-check";
import { retry } from "./retry.ts";
import { type RetryBudget, retryBudget } from "./retry_budget.ts";
import { roundRobin } from "./round_robin.ts";

function spend(budget: RetryBudget): number {
  let spent = 0;
  while (budget.withdraw()) spent++;
  return spent;
}

for (const ratio of [0.0001, 0.001, 0.01, 0.2, 0.5, 0.9, 1, 2]) {
  Deno.test(`retryBudget() allows ${ratio} retries a call besides the reserve`, () => { // section 3
    const budget = retryBudget({ ratio, clock: new FakeClock() });
    for (let call = 0; call < 10_000; call++) budget.deposit();
    const expected = Math.floor(10_000 * ratio) + 100;
    assert.equal(budget.balance, expected);
    assert.equal(spend(budget), expected);
    assert.equal(budget.balance, 0);
  });
}

Deno.test("retryBudget() lets what was paid and what was spent lapse", async () => {
  const clock = new FakeClock();
  const budget = retryBudget({ ratio: 0.5, minPerSecond: 1, ttlMs: 10_000, clock });
  for (let call = 0; call < 20; call++) budget.deposit();
  assert.equal(spend(budget), 20);
  await clock.advance(8999);
  assert.equal(spend(budget), 0);
  await clock.advance(1001);
  assert.equal(spend(budget), 10);
  await clock.advance(1_000_000);
  assert.equal(spend(budget), 10);
});

Deno.test("retryBudget() goes on when the clock is set back", () => {
  const clock = new FakeClock();
  const budget = retryBudget({ minPerSecond: 0, ratio: 1, clock });
  budget.deposit();
  clock.set(clock.now() - 3_600_000);
  budget.deposit();
  assert.equal(spend(budget), 2);
});

for (const options of [{ ratio: -1 }, { minPerSecond: NaN }, { ttlMs: 0 }]) {
  Deno.test(`retryBudget() refuses ${Object.entries(options)}`, () => {
    assert.throws(() => retryBudget(options), RangeError);
  });
}

Deno.test("retryBudget() never allows more than the calls of any window paid", () => {
  const step = fc.oneof(
    fc.constant("deposit" as const),
    fc.constant("withdraw" as const),
    fc.integer({ min: 0, max: 3000 }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const clock = new FakeClock(0);
    const budget = retryBudget({ ratio: 0.5, minPerSecond: 1, ttlMs: 5000, clock });
    const deposits: number[] = [];
    const withdrawals: number[] = [];
    for (const step of steps) {
      if (step === "deposit") {
        budget.deposit();
        deposits.push(clock.now());
      } else if (step === "withdraw") {
        if (budget.withdraw()) withdrawals.push(clock.now());
      } else clock.tick(step);
    }
    // Spent within less than a window: paid within it or the window before, and the reserve.
    for (const from of withdrawals) {
      const spent = withdrawals.filter((at) => at >= from && at < from + 4500).length;
      const paid = deposits.filter((at) => at > from - 5500 && at < from + 4500).length;
      assert(spent <= paid * 0.5 + 5 + 1e-6, `${spent} spent of ${paid} paid`);
    }
  }));
});

/** Calls at a steady rate through layers that each retry, while what is below fails at once. */
async function outage(
  { layers, budgeted, seconds = 20 }: {
    readonly layers: number;
    readonly budgeted: boolean;
    readonly seconds?: number;
  },
): Promise<{ readonly load: number; readonly healed: number; readonly pending: number }> {
  const clock = new FakeClock();
  let isDown = true;
  let received = 0;
  let endpoint: Endpoint<void, string> = () => {
    received++;
    return isDown
      ? Promise.reject(new KitError("unavailable", "Service is down"))
      : Promise.resolve("ok");
  };
  for (let layer = 0; layer < layers; layer++) {
    const entries = [{ instance: { address: `layer${layer}:80` }, endpoint }];
    const budget = budgeted && retryBudget({ clock });
    endpoint = retry(roundRobin({ endpoints: () => entries }), { clock, budget });
  }
  let succeeded = 0;
  async function run(seconds: number): Promise<void> {
    for (let i = 0; i < seconds * 300; i++) {
      endpoint(undefined, background()).then(() => succeeded++, () => {});
      await settled();
      clock.tick(1000 / 300);
    }
  }
  await run(seconds);
  const load = received / (seconds * 300);
  isDown = false;
  await run(3);
  await clock.advance(5000);
  return { load, healed: succeeded / 900, pending: clock.pending };
}

Deno.test("retry() keeps to 1.3 times the load in a full outage", async () => { // O1, P1
  const { load, healed, pending } = await outage({ layers: 1, budgeted: true });
  assert(load > 1.1 && load <= 1.3, `${load}`);
  assert(healed >= 0.99, `${healed}`);
  assert.equal(pending, 0);
});

Deno.test("retry() triples the load in a full outage without a budget", async () => { // O1, control
  assert((await outage({ layers: 1, budgeted: false })).load > 2.9);
});

Deno.test("retry() keeps to 2.2 times the load when three layers retry", async () => { // O3
  const { load } = await outage({ layers: 3, budgeted: true });
  assert(load > 1.3 && load <= 2.2, `${load}`);
});

Deno.test("retry() multiplies the load when three layers retry without a budget", async () => { // O3, control
  assert((await outage({ layers: 3, budgeted: false, seconds: 4 })).load > 25);
});
