import { background, type Endpoint, KitError, withTimeout } from "@kit/endpoint";
import { FakeClock } from "@kit/endpoint/testing";
import { fixed, type Instance } from "@kit/sd";
import { manual } from "@kit/sd/testing";
import type { Balancer } from "./balancer.ts";
import assert from "node:assert/strict";
import { balanced } from "./balanced.ts";
import { consistentHash } from "./consistent_hash.ts";
import { retryBudget } from "./retry_budget.ts";
import { RetryError } from "./retry_error.ts";
import { roundRobin } from "./round_robin.ts";
import { at, seeded } from "./_support_test.ts";
import { zoneFirst } from "./zone_first.ts";

const ctx = background();
const down = new KitError("unavailable", "down");
const answer = ({ address }: Instance) => (_: string) => Promise.resolve(address);

Deno.test("balanced() follows the instancer and closes each endpoint once", async () => {
  const instancer = manual([at(0)]);
  const closed: string[] = [];
  const call = balanced(instancer, ({ address }) => ({
    endpoint: (_: string) => Promise.resolve(address),
    close: () => void closed.push(address),
  }));
  assert.equal(await call("", ctx), at(0));
  instancer.set([at(1)]);
  assert.equal(await call("", ctx), at(1));
  assert.deepEqual(closed, [at(0)]);
  await call[Symbol.asyncDispose]();
  await call[Symbol.asyncDispose]();
  assert.deepEqual(closed, [at(0), at(1)]);
  assert.equal(instancer.subscribers, 0);
  await assert.rejects(call("", ctx), { code: "unavailable" });
});

Deno.test("balanced() lets the methods of a service share an instancer", async () => { // A21
  const instancer = manual([at(0)]);
  await using sum = balanced(instancer, () => (n: number) => Promise.resolve(n + 1));
  {
    await using concat = balanced(instancer, () => (s: string) => Promise.resolve(`${s}!`));
    assert.equal(await concat("a", ctx), "a!");
    assert.equal(instancer.subscribers, 2);
  }
  assert.equal(instancer.subscribers, 1);
  assert.equal(await sum(1, ctx), 2);
});

Deno.test("balanced() makes one attempt unless it is told to retry", async () => { // P1
  let calls = 0;
  const factory = () => (_: string): Promise<string> => (calls++, Promise.reject(down));
  const clock = new FakeClock();
  await using once = balanced(fixed([at(0), at(1)]), factory, { clock });
  await assert.rejects(once("", ctx), down);
  assert.equal(calls, 1);
  await using twice = balanced(fixed([at(0), at(1)]), factory, {
    clock,
    retry: { maxAttempts: 2, backoff: () => 0 },
  });
  const failed = twice("", ctx).catch((error) => error);
  await clock.advance(0);
  const error = await failed;
  assert(error instanceof RetryError);
  assert.deepEqual(
    error.attempts.map(({ instance }) => instance?.address).sort(),
    [at(0), at(1)],
  );
});

Deno.test("balanced() leaves out who fails, unless it is told not to", async () => { // P8
  const good = async (options: { ejection?: false } = {}) => {
    await using call = balanced(
      fixed([at(0), at(1), at(2)]),
      ({ address }) => async (_: string) => {
        if (address === at(1)) throw down;
        return await Promise.resolve(address);
      },
      { balancer: roundRobin, ...options },
    );
    let good = 0;
    for (let i = 0; i < 300; i++) await call("", ctx).then(() => good++, () => {});
    return good;
  };
  assert.equal(await good(), 295);
  assert.equal(await good({ ejection: false }), 200);
});

Deno.test("balanced() takes the time from one clock", async () => {
  const clock = new FakeClock();
  let failures = 0;
  await using call = balanced(
    fixed([at(0), at(1)]),
    ({ address }) => (_: string) =>
      address === at(0) ? Promise.resolve(address) : (failures++, Promise.reject(down)),
    { clock, balancer: roundRobin },
  );
  const calls = async () => {
    for (let i = 0; i < 20; i++) await call("", ctx).catch(() => {});
  };
  await calls();
  assert.equal(failures, 5);
  await clock.advance(30_000);
  await calls();
  assert.equal(failures, 10);
});

Deno.test("balanced() tells the hooks of the parts", async () => {
  const events: string[] = [];
  const clock = new FakeClock();
  const instancer = manual([at(0), at(1)]);
  await using call = balanced(
    instancer,
    ({ address }) => address === at(0) ? (_: string) => Promise.reject(down) : answer({ address }),
    {
      clock,
      balancer: roundRobin,
      ejection: {
        consecutiveFailures: 1,
        onEject: ({ instance }) => events.push(instance.address),
      },
      retry: { backoff: () => 0, onRetry: ({ number }) => events.push(`retry ${number}`) },
      endpointer: { onError: ({ during }) => events.push(during) },
    },
  );
  const result = call("", ctx);
  await clock.advance(0);
  assert.equal(await result, at(1));
  instancer.fail(new Error("registry is down"));
  assert.deepEqual(events, [at(0), "retry 1", "discovery"]);
});

Deno.test("balanced() keeps to the lowest priority, and the balancer to its zone", async () => {
  const instances = [
    { address: at(0), priority: 1, zone: "a" },
    { address: at(1), zone: "b" },
    { address: at(2), zone: "a" },
    { address: at(3), zone: "a" },
  ];
  await using call = balanced(fixed(instances), answer, {
    balancer: (set) => zoneFirst(set, "a", { balancer: roundRobin }),
  });
  const seen = new Set<string>();
  for (let i = 0; i < 20; i++) seen.add(await call("", ctx));
  assert.deepEqual([...seen].sort(), [at(2), at(3)]);
});

Deno.test("balanced() says that the registry is unreachable, and recovers", async () => {
  const instancer = manual();
  const clock = new FakeClock();
  await using call = balanced(instancer, answer, { clock });
  instancer.fail(new Error("connection refused"));
  await assert.rejects(call("", ctx), {
    code: "unavailable",
    message: 'No endpoints available as "manual" failed',
  });
  const ready = call.ready(ctx);
  instancer.set([at(0)]);
  await ready;
  assert.equal(await call("", ctx), at(0));
});

Deno.test("balanced() stops waiting for the first instance when the caller does", async () => {
  const clock = new FakeClock();
  await using call = balanced(manual(), answer, { clock });
  using limited = withTimeout(ctx, 100, { clock });
  const ready = assert.rejects(call.ready(limited), { code: "deadline_exceeded" });
  await clock.advance(100);
  await ready;
});

Deno.test("balanced() subscribes to nothing when an option is wrong", () => {
  const instancer = manual([at(0)]);
  for (
    const options of [
      { ejection: { maxEjectedShare: 10 } },
      { retry: { maxAttempts: 0 } },
      { endpointer: { drainMs: -1 } },
    ]
  ) {
    assert.throws(() => balanced(instancer, answer, options), RangeError);
    assert.equal(instancer.subscribers, 0);
  }
});

Deno.test("balanced() takes its types from the factory", async () => {
  type Cart = { readonly user: string };
  const factory = ({ address }: Instance) => (_: Cart) => Promise.resolve(address.length);
  await using call = balanced(fixed([at(0)]), factory, {
    balancer: (set) => consistentHash(set, ({ user }) => user),
  });
  const typed: Endpoint<Cart, number> = call;
  assert.equal(await typed({ user: "ada" }, ctx), at(0).length);
  // @ts-expect-error A string is not the request.
  await call("ada", ctx).catch(() => {});
  balanced(fixed([]), factory, {
    // @ts-expect-error The request has no such field.
    balancer: (set) => consistentHash(set, ({ id }) => id),
  });
  balanced(fixed([]), factory, {
    // @ts-expect-error A balancer of other requests does not fit.
    balancer: (): Balancer<string, number> => roundRobin({ endpoints: () => [] }),
  });
});

Deno.test("balanced() does not multiply the load in a full outage", async () => { // O1, P1
  for (const [budget, atMost] of [[undefined, 1.3], [false, 3]] as const) {
    const clock = new FakeClock();
    const random = seeded(1);
    let reached = 0;
    let isDown = true;
    await using call = balanced(
      fixed(Array.from({ length: 3 }, (_, i) => at(i))),
      () => (_: string) => {
        reached++;
        return isDown ? Promise.reject(down) : Promise.resolve("ok");
      },
      { clock, random, retry: budget === undefined ? {} : { budget } },
    );
    let good = 0;
    const send = async (calls: number) => {
      for (let i = 0; i < calls; i++) {
        call("", ctx).then(() => good++, () => {});
        await clock.advance(1000 / 300);
      }
    };
    await send(6000);
    const factor = reached / 6000;
    assert(factor <= atMost, `${factor}`);
    // The control: without a budget all three attempts are made.
    if (budget === false) assert(factor > 2.9, `${factor}`);
    await clock.advance(1000);
    isDown = false;
    good = 0;
    await send(900);
    await clock.advance(1000);
    assert(good / 900 >= 0.99, `${good}`);
  }
});

Deno.test("balanced() bounds the retries of all methods that share a budget", async () => { // P1
  const clock = new FakeClock();
  const retry = {
    backoff: () => 0,
    budget: retryBudget({ clock, ratio: 0.2, minPerSecond: 0 }),
  };
  let reached = 0;
  const failing = () => (_: string): Promise<string> => (reached++, Promise.reject(down));
  await using one = balanced(fixed([at(0)]), failing, { clock, retry });
  await using two = balanced(fixed([at(0)]), failing, { clock, retry });
  for (let i = 0; i < 500; i++) {
    one("", ctx).catch(() => {});
    two("", ctx).catch(() => {});
    await clock.advance(1);
  }
  assert.equal(reached, 1000 + 200);
});
