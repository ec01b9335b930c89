import { background } from "@kit/endpoint";
import { endpointer } from "@kit/sd";
import { manual } from "@kit/sd/testing";
import { balanced } from "./balanced.ts";
import type { BalancerMaker } from "./testing.ts";
import { consistentHash } from "./consistent_hash.ts";
import { leastRequest } from "./least_request.ts";
import { outlierEjection } from "./outlier_ejection.ts";
import { peakEwma } from "./peak_ewma.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round_robin.ts";
import { weighted } from "./weighted.ts";
import { zoneFirst } from "./zone_first.ts";

const ctx = background();
const makers: Readonly<Record<string, BalancerMaker>> = {
  roundRobin,
  random,
  weighted,
  leastRequest,
  peakEwma,
  consistentHash: (set) => consistentHash(set, (key) => key),
  zoneFirst: (set) => zoneFirst(set, "a", { balancer: roundRobin }),
  outlierEjection: (set) => roundRobin(outlierEjection(set)),
};
const exclude = new Set(["host0:80", "host5:80"]);

const instances = (count: number, version: number) =>
  Array.from({ length: count }, (_, i) => ({
    address: `host${i}:80`,
    weight: 1 + i % 5,
    zone: i % 3 === 0 ? "a" : "b",
    ...(i === 0 && { version: `${version}` }),
  }));

for (const [name, make] of Object.entries(makers)) {
  for (const count of [10, 1000, 10_000]) {
    const instancer = manual(instances(count, 0));
    const set = endpointer(instancer, () => (_: string) => Promise.resolve(""));
    const balancer = make(set);
    // A balancer that has seen calls, as those in use have.
    for (let i = 0; i < 2 * count; i++) balancer.pick("", ctx).endpoint("", ctx);
    let key = 0;
    const keys = Array.from({ length: 1024 }, (_, i) => `user-${i}`);
    const baseline = count === 10;
    Deno.bench(`${name}() of ${count}`, { group: name, baseline }, () => {
      balancer.pick(keys[key++ & 1023]!, ctx);
    });
    Deno.bench(`${name}() of ${count}, two excluded`, { group: name }, () => {
      balancer.pick(keys[key++ & 1023]!, ctx, { exclude });
    });
  }
}

// What a change of the set costs beyond what the endpointer itself does for it.
for (const [name, make] of Object.entries(makers)) {
  const lists = [0, 1].map((version) =>
    instances(10_000, version).map((instance) => ({
      instance,
      endpoint: (_: string) => Promise.resolve(""),
    }))
  );
  // The same entries in another array, but for one.
  const other = [lists[1]![0]!, ...lists[0]!.slice(1)];
  let turn = 0;
  const balancer = make({ endpoints: () => turn++ % 2 === 0 ? lists[0]! : other });
  Deno.bench(`${name}() takes a change among 10000`, { group: "change", n: 100 }, () => {
    balancer.pick("", ctx);
  });
}

for (const [name, make] of Object.entries(makers)) {
  const set = endpointer(manual(["a:80"]), () => (_: string) => Promise.resolve(""));
  const { endpoint } = make(set).pick("", ctx);
  Deno.bench(
    `call over ${name}()`,
    { group: "call", baseline: name === "roundRobin" },
    async () => {
      await endpoint("", ctx);
    },
  );
}

const instancer = manual(["a:80", "b:80", "c:80"]);
const factory = () => (_: string) => Promise.resolve("");
const plain = balanced(instancer, factory);
Deno.bench("balanced()", { group: "balanced", baseline: true }, async () => {
  await plain("", ctx);
});
const bare = balanced(instancer, factory, { balancer: roundRobin, ejection: false });
Deno.bench("balanced() in turns, without ejection", { group: "balanced" }, async () => {
  await bare("", ctx);
});
const full = balanced(instancer, factory, { retry: { timeoutMs: 1000 } });
Deno.bench("balanced() with a retry within 1 s", { group: "balanced" }, async () => {
  await full("", ctx);
});
