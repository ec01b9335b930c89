import { background } from "@kit/endpoint";
import { settled } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import { leastRequest } from "./least_request.ts";
import { at, handmade, seeded } from "./_support_test.ts";

const ctx = background();

/** Calls that end when a test says so. */
function held(count: number) {
  const calls: PromiseWithResolvers<unknown>[] = [];
  const set = handmade<unknown, unknown>(
    () => () => {
      const call = Promise.withResolvers<unknown>();
      calls.push(call);
      return call.promise;
    },
    Array.from({ length: count }, (_, i) => at(i)),
  );
  return { calls, set };
}

Deno.test("leastRequest() picks the one with fewer calls under way", async () => { // A24
  const { calls, set } = held(2);
  const balancer = leastRequest(set, { random: seeded(1) });
  const busy = balancer.pick(1, ctx);
  const first = busy.endpoint(1, ctx);
  const other = balancer.pick(1, ctx);
  for (let i = 0; i < 50; i++) assert.equal(balancer.pick(1, ctx), other);
  assert.notEqual(busy, other);
  calls[0]!.reject(new Error("down"));
  await assert.rejects(first);
  assert.equal(new Set(Array.from({ length: 50 }, () => balancer.pick(1, ctx))).size, 2);
});

Deno.test("leastRequest() counts a stream until its end", async () => {
  const { calls, set } = held(2);
  const balancer = leastRequest(set, { random: seeded(1) });
  const busy = balancer.pick(1, ctx);
  const call = busy.endpoint(1, ctx);
  calls[0]!.resolve((async function* () {
    yield 1;
    await Promise.resolve();
  })());
  const stream = await call as AsyncIterable<number>;
  const picks = () => new Set(Array.from({ length: 50 }, () => balancer.pick(1, ctx)));
  for await (const _ of stream) assert(!picks().has(busy));
  assert(picks().has(busy));
});

Deno.test("leastRequest() counts a call that throws as ended", async () => {
  const set = handmade(() => () => {
    throw new Error("thrown, not rejected");
  }, [at(0), at(1)]);
  const balancer = leastRequest(set);
  const entry = balancer.pick(1, ctx);
  await assert.rejects(entry.endpoint(1, ctx), { message: "thrown, not rejected" });
  await settled();
  assert.equal(new Set(Array.from({ length: 50 }, () => balancer.pick(1, ctx))).size, 2);
});

Deno.test("leastRequest() treats idle instances alike", () => {
  const { set } = held(7);
  const balancer = leastRequest(set, { random: seeded(3) });
  const counts = new Map<unknown, number>();
  for (let i = 0; i < 70_000; i++) {
    const entry = balancer.pick(1, ctx);
    counts.set(entry, (counts.get(entry) ?? 0) + 1);
  }
  for (const count of counts.values()) assert(Math.abs(count - 10_000) < 300, `${count}`);
});

Deno.test("leastRequest() keeps 1,000 calls within a few of each other", () => {
  const { set } = held(10);
  const balancer = leastRequest(set, { random: seeded(5) });
  const counts: Record<string, number> = {};
  for (let i = 0; i < 1000; i++) {
    const entry = balancer.pick(1, ctx);
    entry.endpoint(1, ctx);
    counts[entry.instance.address] = (counts[entry.instance.address] ?? 0) + 1;
  }
  // By chance alone they would be about 20 apart.
  for (const count of Object.values(counts)) assert(Math.abs(count - 100) <= 3, `${count}`);
});

for (const [choices, compared] of [[2, 2], [10, 10], [1000, 10]] as const) {
  Deno.test(`leastRequest() compares ${compared} for ${choices} choices`, () => { // A48
    const { set } = held(100);
    let draws = 0;
    const random = () => (draws++, 0.5);
    leastRequest(set, { choices, random }).pick(1, ctx);
    assert.equal(draws, compared);
  });
}

for (const choices of [0, 1, -2, 2.5, NaN]) {
  Deno.test(`leastRequest() refuses ${choices} choices`, () => {
    assert.throws(() => leastRequest(held(1).set, { choices }), RangeError);
  });
}

Deno.test("leastRequest() gives idle instances calls by their weights when told to", () => {
  const { set } = held(0);
  set.set([{ address: at(0), weight: 3 }, { address: at(1), weight: 1 }]);
  const weight = ({ weight = 1 }) => weight;
  const balancer = leastRequest(set, { weight, random: seeded(2) });
  let heavy = 0;
  for (let i = 0; i < 10_000; i++) {
    if (balancer.pick(1, ctx).instance.address === at(0)) heavy++;
  }
  assert(Math.abs(heavy - 7500) < 150, `${heavy}`);
});

Deno.test("leastRequest() gives busy instances calls by their weights when told to", () => {
  const { set } = held(0);
  set.set([{ address: at(0), weight: 3 }, { address: at(1), weight: 1 }, {
    address: at(2),
    weight: 0,
  }]);
  const weight = ({ weight = 1 }) => weight;
  const balancer = leastRequest(set, { weight, random: seeded(2) });
  const counts: Record<string, number> = {};
  for (let i = 0; i < 400; i++) {
    const entry = balancer.pick(1, ctx);
    entry.endpoint(1, ctx);
    counts[entry.instance.address] = (counts[entry.instance.address] ?? 0) + 1;
  }
  assert(Math.abs(counts[at(0)]! - 300) <= 20, `${counts[at(0)]}`);
  assert.equal(counts[at(2)], undefined);
});

Deno.test("leastRequest() keeps its counts when the set changes", () => {
  const { set } = held(2);
  const balancer = leastRequest(set);
  const busy = balancer.pick(1, ctx);
  busy.endpoint(1, ctx);
  set.set([at(0), at(1), at(2)]);
  set.set([at(0), at(1)]);
  for (let i = 0; i < 50; i++) assert.notEqual(balancer.pick(1, ctx), busy);
});
