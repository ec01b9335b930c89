import { background } from "@kit/endpoint";
import type { Balancer } from "./balancer.ts";
import { consistentHash } from "./consistent_hash.ts";
import { hash } from "./_hash.ts";
import fc from "fast-check";
import assert from "node:assert/strict";
import { at, handmade, seeded } from "./_support_test.ts";

const ctx = background();
const key = (request: string) => request;
const addresses = (count: number) => Array.from({ length: count }, (_, i) => at(i));
const idle = (list: readonly string[]) =>
  handmade(({ address }) => (_: string) => Promise.resolve(address), list);

/** Whom each of the keys belongs to. */
function owners(balancer: Balancer<string, unknown>, keys: number): string[] {
  const pick = (_: unknown, i: number) => balancer.pick(`user-${i}`, ctx).instance.address;
  return Array.from({ length: keys }, pick);
}

Deno.test("consistentHash() moves 8 to 12 % of 100,000 keys when 1 of 10 goes", () => { // K5
  const set = idle(addresses(10));
  const balancer = consistentHash(set, key);
  const before = owners(balancer, 100_000);
  for (let gone = 0; gone < 10; gone++) {
    set.set(addresses(10).filter((address) => address !== at(gone)));
    const after = owners(balancer, 100_000);
    const moved = after.filter((owner, i) => owner !== before[i]).length / 100_000;
    assert(moved >= 0.08 && moved <= 0.12, `${moved} moved without ${at(gone)}`);
    // None but those of the one that went.
    assert(after.every((owner, i) => owner === before[i] || before[i] === at(gone)));
    // And to all the others.
    const heirs = new Set(after.filter((_, i) => before[i] === at(gone)));
    assert.equal(heirs.size, 9);
  }
});

Deno.test("consistentHash() moves only keys of who goes and to who comes", () => { // K5, A42
  const names = fc.uniqueArray(fc.ipV4().map((ip) => `${ip}:80`), { minLength: 2, maxLength: 40 });
  fc.assert(fc.property(names, (list) => {
    const [last, ...rest] = list as [string, ...string[]];
    const all = owners(consistentHash(idle(list), key), 300);
    const fewer = owners(consistentHash(idle(rest), key), 300);
    assert(fewer.every((owner, i) => owner === all[i] || all[i] === last));
  }));
});

Deno.test("consistentHash() picks alike whatever the history and the order", () => {
  const list = addresses(20);
  const set = idle(list.slice(0, 3));
  const veteran = consistentHash(set, key);
  owners(veteran, 10);
  set.set(list.slice(5));
  owners(veteran, 10);
  set.set(list);
  const novice = consistentHash(idle([...list].reverse()), key);
  assert.deepEqual(owners(veteran, 1000), owners(novice, 1000));
});

for (const count of [2, 10, 100, 1000]) {
  Deno.test(`consistentHash() shares keys out evenly among ${count}`, () => {
    const counts: Record<string, number> = {};
    for (const owner of owners(consistentHash(idle(addresses(count)), key), 100 * count)) {
      counts[owner] = (counts[owner] ?? 0) + 1;
    }
    const values = Object.values(counts);
    const mean = values.reduce((a, b) => a + b) / count;
    const spread = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / count) / mean;
    assert.equal(values.length, count);
    // 10 % by chance of the keys, 5 % by that of the ring.
    assert(spread < 0.14, `${spread}`);
  });
}

Deno.test("consistentHash() leaves nobody more than 1.25 times the average", () => {
  const set = handmade<string, never>(() => () => new Promise(() => {}), addresses(10));
  const balancer = consistentHash(set, key);
  const counts: Record<string, number> = {};
  for (let calls = 1; calls <= 1000; calls++) {
    // One key in great demand, and some others.
    const entry = balancer.pick(calls % 4 === 0 ? `user-${calls}` : "celebrity", ctx);
    entry.endpoint("", ctx);
    const { address } = entry.instance;
    counts[address] = (counts[address] ?? 0) + 1;
    assert(Math.max(...Object.values(counts)) <= Math.ceil(1.25 * calls / 10));
  }
});

Deno.test("consistentHash() keeps a key with its endpoint under load when told to", () => {
  const set = handmade<string, never>(() => () => new Promise(() => {}), addresses(10));
  const balancer = consistentHash(set, key, { maxLoad: Infinity });
  const seen = new Set<string>();
  for (let calls = 0; calls < 100; calls++) {
    const entry = balancer.pick("celebrity", ctx);
    entry.endpoint("", ctx);
    seen.add(entry.instance.address);
  }
  assert.equal(seen.size, 1);
});

Deno.test("consistentHash() returns a key to its endpoint when the load is gone", async () => {
  const calls: (() => void)[] = [];
  const set = handmade<string, void>(
    () => () => new Promise<void>((resolve) => calls.push(resolve)),
    addresses(4),
  );
  const balancer = consistentHash(set, key);
  const home = balancer.pick("ada", ctx);
  const running = [home.endpoint("", ctx), home.endpoint("", ctx)];
  assert.notEqual(balancer.pick("ada", ctx), home);
  for (const end of calls) end();
  await Promise.all(running);
  assert.equal(balancer.pick("ada", ctx), home);
});

Deno.test("consistentHash() counts the calls under way, not those that are over", async () => {
  let hangs = false;
  const set = handmade<string, void>(
    () => () => hangs ? new Promise(() => {}) : Promise.resolve(),
    addresses(4),
  );
  const balancer = consistentHash(set, key);
  for (let i = 0; i < 100; i++) await balancer.pick("ada", ctx).endpoint("", ctx);
  hangs = true;
  const home = balancer.pick("ada", ctx);
  home.endpoint("", ctx);
  assert.notEqual(balancer.pick("ada", ctx), home);
});

Deno.test("consistentHash() sends a retry of a key to the same second choice", () => {
  const balancer = consistentHash(idle(addresses(10)), key);
  for (let i = 0; i < 100; i++) {
    const first = balancer.pick(`user-${i}`, ctx).instance.address;
    const again = () =>
      balancer.pick(`user-${i}`, ctx, { exclude: new Set([first]) }).instance.address;
    assert.notEqual(again(), first);
    assert.equal(again(), again());
  }
});

Deno.test("consistentHash() spreads calls without a key", () => {
  const balancer = consistentHash(idle(addresses(10)), () => undefined, { random: seeded(4) });
  assert.equal(new Set(owners(balancer, 1000)).size, 10);
});

Deno.test("consistentHash() takes the key from the request or the context", () => {
  const set = handmade(() => (n: number) => Promise.resolve(n), addresses(10));
  const balancer = consistentHash(set, (n, ctx) => `${n} ${ctx.deadline}`);
  assert.equal(balancer.pick(1, ctx), balancer.pick(1, ctx));
  // @ts-expect-error A string is not the request.
  balancer.pick("1", ctx);
});

for (const maxLoad of [0, 0.99, -1, NaN]) {
  Deno.test(`consistentHash() refuses a load of ${maxLoad}`, () => {
    assert.throws(() => consistentHash(idle([]), key, { maxLoad }), RangeError);
  });
}

Deno.test("hash() changes half of its bits with any bit of the text", () => {
  for (const text of ["a", "user-1", "10.0.0.1:8080", "x".repeat(100)]) {
    for (let at = 0; at < text.length; at++) {
      let flipped = 0;
      for (let bit = 0; bit < 7; bit++) {
        const code = String.fromCharCode(text.charCodeAt(at) ^ (1 << bit));
        let difference = hash(text, 0) ^ hash(text.slice(0, at) + code + text.slice(at + 1), 0);
        for (; difference !== 0; difference &= difference - 1) flipped++;
      }
      const share = flipped / 7 / 32;
      assert(share > 0.35 && share < 0.65, `${share} at ${at} of "${text}"`);
    }
  }
});

Deno.test("hash() keeps 100,000 similar texts apart", () => {
  const seen = new Set(
    Array.from({ length: 100_000 }, (_, i) => hash(`10.0.${i >> 8}.${i & 255}`, 0)),
  );
  // By chance 1.2 would fall together.
  assert(seen.size >= 99_990, `${seen.size}`);
});
