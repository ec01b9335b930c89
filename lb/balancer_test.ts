import { background, type Endpoint, KitError } from "@kit/endpoint";
import { type Endpointer, endpointer, type Entry } from "@kit/sd";
import { manual } from "@kit/sd/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import type { Balancer } from "./balancer.ts";
import { consistentHash } from "./consistent_hash.ts";
import { leastRequest } from "./least_request.ts";
import { outlierEjection } from "./outlier_ejection.ts";
import { peakEwma } from "./peak_ewma.ts";
import { priorityFirst } from "./priority_first.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round_robin.ts";
import { balancerContract, type BalancerMaker } from "./testing.ts";
import { weighted } from "./weighted.ts";
import { zoneFirst } from "./zone_first.ts";
import { seeded } from "./_support_test.ts";

function entries(count: number): readonly Entry<string, string>[] {
  return Array.from({ length: count }, (_, i) => ({
    instance: { address: `host${i}:80` },
    endpoint: () => Promise.resolve(`host${i}:80`),
  }));
}

function of(list: readonly Entry<string, string>[]): Endpointer<string, string> {
  return { endpoints: () => list };
}

const makers: Readonly<Record<string, BalancerMaker>> = {
  "roundRobin()": roundRobin,
  "random()": random,
  "weighted()": weighted,
  "leastRequest()": leastRequest,
  "leastRequest() of 5": (set) => leastRequest(set, { choices: 5 }),
  "leastRequest() by weight": (set) => leastRequest(set, { weight: ({ weight = 1 }) => weight }),
  "peakEwma()": peakEwma,
  "consistentHash()": (set) => consistentHash(set, (key) => key),
  "consistentHash() without a bound": (set) =>
    consistentHash(set, (key) => key, { maxLoad: Infinity }),
  "zoneFirst()": (set) => zoneFirst(set, "a"),
  "priorityFirst()": priorityFirst,
  "roundRobin() over outlierEjection()": (set) => roundRobin(outlierEjection(set)),
  "everything": (set) =>
    priorityFirst(outlierEjection(set), {
      balancer: (tier) =>
        zoneFirst(tier, "a", { balancer: (zone) => consistentHash(zone, (key) => key) }),
    }),
};
for (const [balancer, make] of Object.entries(makers)) {
  for (const { name, run } of balancerContract(make)) {
    Deno.test(`${balancer} keeps the contract: ${name}`, run);
  }
}

for (const [balancer, make] of Object.entries(makers)) {
  Deno.test(`${balancer} picks from the set of the moment, whatever happens`, async () => {
    // Whoever is ejected is no one to go on to.
    const ejects = /outlierEjection|everything/.test(balancer);
    const instance = fc.record({
      address: fc.integer({ min: 0, max: 9 }).map((i) => `host${i}:80`),
      weight: fc.constantFrom(0, 1, 5),
      zone: fc.constantFrom("a", "b"),
      priority: fc.constantFrom(0, 1),
    });
    const step = fc.oneof(
      fc.record({ set: fc.array(instance, { maxLength: 10 }) }),
      fc.record({ calls: fc.integer({ min: 1, max: 20 }), fails: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        let fails = false;
        const instancer = manual([]);
        await using set = endpointer(
          instancer,
          ({ address }) => (_: string) =>
            fails ? Promise.reject(new KitError("unavailable", "")) : Promise.resolve(address),
        );
        const under = make(set);
        for (const step of steps) {
          if ("set" in step) {
            instancer.set(step.set);
            continue;
          }
          ({ fails } = step);
          const live = new Set(set.endpoints().map(({ instance }) => instance.address));
          for (let call = 0; call < step.calls; call++) {
            if (live.size === 0) {
              assert.throws(() => under.pick("", background()), { code: "unavailable" });
              continue;
            }
            const exclude = new Set([...live].slice(0, call % (live.size + 1)));
            const { instance, endpoint } = under.pick(`${call}`, background(), { exclude });
            assert(live.has(instance.address));
            const isEveryoneTried = exclude.size === live.size;
            assert(ejects || isEveryoneTried || !exclude.has(instance.address));
            await endpoint("", background()).catch(() => {});
          }
        }
      }),
      { numRuns: 50 },
    );
  });
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
