import { background } from "@kit/endpoint";
import { random } from "./random.ts";
import { roundRobin } from "./round_robin.ts";

const ctx = background();
const endpoint = () => Promise.resolve(1);

for (const count of [10, 1000, 10_000]) {
  const entries = Array.from(
    { length: count },
    (_, i) => ({ instance: { address: `host${i}:80` }, endpoint }),
  );
  const endpointer = { endpoints: () => entries };
  const exclude = new Set(["host0:80", "host5:80"]);
  for (const [name, make] of Object.entries({ roundRobin, random })) {
    const balancer = make(endpointer);
    const baseline = count === 10;
    Deno.bench(`${name}() of ${count}`, { group: name, baseline }, () => {
      balancer.pick(undefined, ctx);
    });
    Deno.bench(`${name}() of ${count}, two excluded`, { group: name }, () => {
      balancer.pick(undefined, ctx, { exclude });
    });
  }
}
