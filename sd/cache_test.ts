import { FakeClock } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import fc from "fast-check";
import { InstanceCache, type InstanceCacheOptions } from "./cache.ts";
import type { Instance } from "./instance.ts";
import type { DiscoveryEvent, Instancer } from "./instancer.ts";
import type { Status } from "./status.ts";
import { instancerContract, manual } from "./testing.ts";

const instances = (...names: readonly string[]): Instance[] =>
  names.map((name) => ({ address: `${name}:80` }));

/** What a subscriber has heard, in short: names joined, or the error. */
function hear(
  instancer: Instancer,
): { readonly heard: string[]; readonly subscription: Disposable } {
  const heard: string[] = [];
  const subscription = instancer.subscribe(({ instances, error }) =>
    heard.push(error?.message ?? instances!.map(({ address }) => address.split(":")[0]).join(""))
  );
  return { heard, subscription };
}

function trusting(options: InstanceCacheOptions = {}): InstanceCache {
  return new InstanceCache({ emptyGraceMs: 0, ...options });
}

const harness = () => {
  const cache = trusting();
  cache.update([]);
  return {
    instancer: cache,
    set: (addresses: readonly string[]) => cache.update(addresses.map((address) => ({ address }))),
    fail: () => cache.fail(new Error("refused")),
    recover: () => cache.update(cache.instances!),
    [Symbol.asyncDispose]: () => Promise.resolve(cache[Symbol.dispose]()),
  };
};
for (const { name, run } of instancerContract(harness)) {
  Deno.test(`InstanceCache keeps the contract: ${name}`, run);
}
for (
  const { name, run } of instancerContract(() => {
    const instancer = manual([]);
    const set = (addresses: readonly string[]) => instancer.set(addresses);
    return { instancer, set, [Symbol.asyncDispose]: () => Promise.resolve() };
  })
) {
  Deno.test(`manual() keeps the contract: ${name}`, run);
}

Deno.test("InstanceCache tells nothing before it knows anything", () => {
  const cache = trusting();
  const { heard } = hear(cache);
  assert.deepEqual(heard, []);
  assert.equal(cache.instances, undefined);
  cache.update([]);
  assert.deepEqual(heard, [""]); // SC3: an empty set is not the same as none.
});

Deno.test("InstanceCache tells every change once, whatever the order", () => { // SC1, SC3
  const cache = trusting();
  const { heard, subscription } = hear(cache);
  cache.update(instances("b", "a"));
  cache.update(instances("a", "b", "a"));
  cache.update([{ address: "a:80", weight: 2 }, ...instances("b")]);
  cache.fail(new Error("refused"));
  cache.fail(new Error("refused"));
  cache.fail(new Error("reset"));
  cache.update([{ address: "a:80", weight: 2 }, ...instances("b")]);
  subscription[Symbol.dispose]();
  cache.update([]);
  assert.deepEqual(heard, ["ab", "ab", "refused", "reset", "ab"]);
});

Deno.test("InstanceCache serves two subscribers that disturb their lists", () => { // SC2, R8
  const cache = trusting();
  const lists: (readonly Instance[])[] = [];
  for (let i = 0; i < 2; i++) {
    cache.subscribe(({ instances }) => {
      lists.push(instances!);
      assert.throws(() => (instances as Instance[]).sort(() => -1), TypeError);
    });
  }
  cache.update(Array.from({ length: 999 }, (_, i) => ({ address: `host${i}:80` })));
  assert.equal(lists.length, 2);
  assert.equal(lists[0]?.length, 999);
});

Deno.test("InstanceCache serves all although a listener throws, and says so", () => { // SC4
  const thrown: unknown[] = [];
  const cache = trusting({ onListenerError: (error) => thrown.push(error) });
  const error = new Error("mine");
  cache.subscribe(() => {
    throw error;
  });
  const { heard } = hear(cache);
  cache.update(instances("a"));
  cache.update(instances("b"));
  assert.deepEqual(heard, ["a", "b"]);
  assert.deepEqual(thrown, [error, error]);
});

Deno.test("InstanceCache tells all in order although a listener changes it", () => { // SC4
  const cache = trusting();
  cache.subscribe(({ instances: list }) => {
    if (list?.length === 1) cache.update(instances("a", "b"));
  });
  const { heard } = hear(cache);
  cache.update(instances("a"));
  assert.deepEqual(heard, ["ab"]);
});

Deno.test("InstanceCache never calls a listener that still runs", () => {
  const cache = trusting();
  const heard: number[] = [];
  let running = 0;
  const listen = ({ instances: list }: DiscoveryEvent) => {
    assert.equal(++running, 1);
    heard.push(list!.length);
    if (list!.length === 1) cache.update(instances("a", "b"));
    if (list!.length === 3) cache.update(instances("a", "b", "c", "d"));
    running--;
  };
  cache.update(instances("a"));
  cache.subscribe(listen);
  assert.deepEqual(heard, [1, 2]);
  cache.update(instances("a", "b", "c"));
  assert.deepEqual(heard, [1, 2, 3, 4]);
});

Deno.test("InstanceCache tells nothing to whom an earlier listener unsubscribed", () => { // SC1
  const cache = trusting();
  cache.subscribe(() => late.subscription[Symbol.dispose]());
  const late = hear(cache);
  cache.update(instances("a"));
  cache.update(instances("b"));
  assert.deepEqual(late.heard, []);
});

Deno.test("InstanceCache keeps the set when an answer holds what is no address", () => { // DN3, R7
  const cache = trusting({ source: "test://" });
  const events: DiscoveryEvent[] = [];
  cache.subscribe((event) => events.push(event));
  cache.update(instances("a"));
  cache.update([{ address: "b:80" }, { address: "c:0" }]);
  assert.deepEqual(cache.instances, instances("a"));
  assert.equal(events.length, 2);
  assert(events[1]?.error instanceof TypeError);
  assert.equal(events[1]?.source, "test://");
});

Deno.test("InstanceCache takes anything that was thrown for an error", () => {
  const cache = trusting();
  const { heard } = hear(cache);
  cache.fail("refused");
  assert.deepEqual(heard, ["refused"]);
});

Deno.test("InstanceCache holds the set through an empty answer for the grace time", async () => { // P9, section 6
  const clock = new FakeClock();
  const cache = new InstanceCache({ clock });
  const { heard } = hear(cache);
  cache.update(instances("a", "b"));
  cache.update([]);
  await clock.advance(29_000);
  cache.update([]); // Saying it again does not prolong the grace.
  await clock.advance(999);
  assert.deepEqual(heard, ["ab"]);
  await clock.advance(1);
  assert.deepEqual(heard, ["ab", ""]);
  assert.equal(clock.pending, 0);
});

Deno.test("InstanceCache never holds back who comes, during the grace time neither", async () => { // P9, D2
  const clock = new FakeClock();
  const cache = new InstanceCache({ clock });
  const { heard } = hear(cache);
  cache.update(instances("a", "b"));
  cache.update([]);
  await clock.advance(5000);
  cache.update([]);
  await clock.advance(5000);
  cache.update(instances("c"));
  assert.equal(clock.pending, 0);
  await clock.advance(100_000);
  assert.deepEqual(heard, ["ab", "c"]);
});

Deno.test("InstanceCache forgets an empty answer when the registry fails after it", async () => { // P9
  const clock = new FakeClock();
  const cache = new InstanceCache({ clock });
  const { heard } = hear(cache);
  cache.update(instances("a"));
  cache.update([]);
  cache.fail(new Error("refused"));
  assert.equal(clock.pending, 0);
  await clock.advance(100_000);
  cache.update([]);
  await clock.advance(29_999);
  assert.deepEqual(heard, ["a", "refused", "a"]);
  await clock.advance(1);
  assert.deepEqual(heard, ["a", "refused", "a", ""]);
});

Deno.test("InstanceCache believes a first answer that is empty at once", () => {
  const { heard } = (() => {
    const cache = new InstanceCache({ clock: new FakeClock() });
    cache.update([]);
    return hear(cache);
  })();
  assert.deepEqual(heard, [""]);
});

Deno.test("InstanceCache can hold the last set for ever", () => {
  const clock = new FakeClock();
  const cache = new InstanceCache({ clock, emptyGraceMs: Infinity });
  cache.update(instances("a"));
  cache.update([]);
  assert.equal(clock.pending, 0);
  assert.deepEqual(cache.instances, instances("a"));
});

Deno.test("InstanceCache tells nothing and holds nothing once disposed of", () => {
  const clock = new FakeClock();
  const cache = new InstanceCache({ clock });
  const { heard } = hear(cache);
  cache.update(instances("a"));
  cache.update([]);
  cache[Symbol.dispose]();
  assert.equal(clock.pending, 0);
  cache.update(instances("b"));
  cache.fail(new Error("refused"));
  assert.deepEqual(heard, ["a"]);
  assert.deepEqual(hear(cache).heard, []);
  assert.equal(cache.status.state, "closed");
});

Deno.test("InstanceCache tells its status, and each change of it once", async () => { // issue 3: logs changes once
  const clock = new FakeClock(1000);
  const changes: Status[] = [];
  const cache = trusting({ clock, onStatus: (status) => changes.push(status) });
  assert.deepEqual(cache.status, { state: "connecting", since: 1000 });
  const [refused, reset] = [new Error("refused"), new Error("reset")];
  await clock.advance(1);
  cache.fail(refused);
  await clock.advance(1);
  cache.fail(reset);
  assert.deepEqual(cache.status, { state: "disconnected", since: 1001, lastError: reset });
  cache.update([]);
  cache.update(instances("a"));
  cache[Symbol.dispose]();
  assert.deepEqual(changes, [
    { state: "disconnected", since: 1001, lastError: refused },
    { state: "connected", since: 1002, lastError: reset },
    { state: "closed", since: 1002, lastError: reset },
  ]);
});

for (const emptyGraceMs of [-1, NaN]) {
  Deno.test(`InstanceCache refuses a grace time of ${emptyGraceMs}`, () => {
    assert.throws(() => new InstanceCache({ emptyGraceMs }), RangeError);
  });
}

Deno.test("InstanceCache tells early and late subscribers the same", () => {
  const step = fc.oneof(
    fc.subarray(["a", "b", "c"]),
    fc.constantFrom("refused", "reset"),
    fc.constant(null),
  );
  fc.assert(fc.property(fc.array(step), (steps) => {
    const cache = trusting();
    const all = [hear(cache)];
    for (const step of steps) {
      if (step === null) all.push(hear(cache));
      else if (typeof step === "string") cache.fail(new Error(step));
      else cache.update(instances(...step));
    }
    const last = all[0]!.heard.at(-1);
    for (const { heard } of all) {
      assert.equal(heard.at(-1), last);
      assert(heard.every((text, i) => text !== heard[i - 1]), `${heard}`);
    }
  }));
});

Deno.test("fail() names another source when told to", () => {
  const cache = new InstanceCache({ source: "one" });
  const sources: unknown[] = [];
  using _ = cache.subscribe(({ source }) => sources.push(source));
  cache.fail(new Error("down"));
  cache.fail(new Error("down"), "two");
  cache.fail(new Error("down"), "two");
  assert.deepEqual(sources, ["one", "two"]);
});
