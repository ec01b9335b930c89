import { background, type Endpoint, KitError } from "@kit/endpoint";
import type { Endpointer, Entry } from "@kit/sd";
import assert from "node:assert/strict";
import type { Balancer } from "./balancer.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round_robin.ts";
import { balancerContract, type BalancerMaker } from "./testing.ts";

function entries(count: number): readonly Entry<string, string>[] {
  return Array.from({ length: count }, (_, i) => ({
    instance: { address: `host${i}:80` },
    endpoint: () => Promise.resolve(`host${i}:80`),
  }));
}

function of(list: readonly Entry<string, string>[]): Endpointer<string, string> {
  return { endpoints: () => list };
}

/** A seeded generator (mulberry32), so that the test of a distribution cannot fail by chance. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const makers: Readonly<Record<string, BalancerMaker>> = {
  "roundRobin()": roundRobin,
  "random()": random,
};
for (const [balancer, make] of Object.entries(makers)) {
  for (const { name, run } of balancerContract(make)) {
    Deno.test(`${balancer} keeps the contract: ${name}`, run);
  }
}

Deno.test("balancerContract() refuses a balancer that keeps what it picked from", async () => {
  const stale: BalancerMaker = (endpointer) => {
    let kept: readonly Entry<string, string>[] = [];
    return {
      pick() {
        if (kept.length === 0) kept = endpointer.endpoints();
        if (kept.length === 0) throw new KitError("unavailable", "No endpoints available");
        return kept[Math.floor(Math.random() * kept.length)]!;
      },
    };
  };
  const broken: string[] = [];
  for (const { name, run } of balancerContract(stale)) {
    await run().catch(() => broken.push(name));
  }
  assert.deepEqual(broken, [
    "pick() follows the set at once",
    "pick() leaves out what was tried while there is another",
  ]);
});

Deno.test("roundRobin() picks 0, 1, 2, 0, 1, 2, 0 of three", () => { // LB3, K1
  const list = entries(3);
  const balancer = roundRobin(of(list));
  const picks = Array.from({ length: 7 }, () => list.indexOf(balancer.pick("", background())));
  assert.deepEqual(picks, [0, 1, 2, 0, 1, 2, 0]);
});

Deno.test("roundRobin() serves 100 callers at once evenly", async () => { // LB3
  const balancer = roundRobin(of(entries(4)));
  const counts: Record<string, number> = {};
  await Promise.all(Array.from({ length: 100 }, async () => {
    await Promise.resolve();
    const name = await balancer.pick("", background()).endpoint("", background());
    counts[name] = (counts[name] ?? 0) + 1;
  }));
  assert.deepEqual(counts, { "host0:80": 25, "host1:80": 25, "host2:80": 25, "host3:80": 25 });
});

Deno.test("roundRobin() goes on from its place when the set changes", () => { // LB3
  let list = entries(3);
  const balancer = roundRobin({ endpoints: () => list });
  const pick = () => balancer.pick("", background()).instance.address;
  assert.deepEqual([pick(), pick()], ["host0:80", "host1:80"]);
  list = entries(2);
  assert.deepEqual([pick(), pick(), pick()], ["host0:80", "host1:80", "host0:80"]);
});

Deno.test("random() picks each of seven within 1 % over a million picks", () => { // LB4, K2, P7
  const list = entries(7);
  const balancer = random(of(list), { random: seeded(12345) });
  const counts = new Map<Entry<string, string>, number>();
  for (let i = 0; i < 1_000_000; i++) {
    const entry = balancer.pick("", background());
    counts.set(entry, (counts.get(entry) ?? 0) + 1);
  }
  for (const entry of list) {
    const share = counts.get(entry)! / (1_000_000 / 7);
    assert(share > 0.99 && share < 1.01, `${entry.instance.address} got ${share}`);
  }
});

Deno.test("random() spreads a retry over all that are left", () => {
  const list = entries(5);
  const balancer = random(of(list), { random: seeded(1) });
  const exclude = new Set(["host2:80"]);
  const counts: Record<string, number> = {};
  for (let i = 0; i < 40_000; i++) {
    const { address } = balancer.pick("", background(), { exclude }).instance;
    counts[address] = (counts[address] ?? 0) + 1;
  }
  assert.equal(counts["host2:80"], undefined);
  for (const count of Object.values(counts)) assert(Math.abs(count - 10_000) < 300, `${count}`);
});

Deno.test("a balancer takes its types from the endpointer", () => {
  const endpoint: Endpoint<{ readonly n: number }, Date> = () => Promise.resolve(new Date(0));
  const list = [{ instance: { address: "a:80" }, endpoint }];
  const balancer: Balancer<{ readonly n: number }, Date> = roundRobin({ endpoints: () => list });
  // @ts-expect-error A string is not the request.
  balancer.pick("wrong", background());
  assert.equal(balancer.pick({ n: 1 }, background()), list[0]);
});
