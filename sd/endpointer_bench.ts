import { background } from "@kit/endpoint";
import { endpointer } from "./endpointer.ts";
import { normalizeInstances } from "./instance.ts";
import { manual } from "./testing.ts";

const ctx = background();
const endpoint = (n: number) => Promise.resolve(n);
const addresses = (count: number) => Array.from({ length: count }, (_, i) => `host${i}:80`);

// SE11: Go kit's benchmark reads `Endpoints()`.
for (const count of [10, 1000, 10_000]) {
  const live = endpointer(manual(addresses(count)), () => endpoint);
  Deno.bench(`endpoints() of ${count}`, { group: "endpoints" }, () => void live.endpoints());
}

for (const count of [10, 1000, 10_000]) {
  const instancer = manual(addresses(count));
  endpointer(instancer, () => endpoint);
  let weight = 0;
  const instances = addresses(count).map((address) => ({ address }));
  Deno.bench(`update of one in ${count}`, { group: "update" }, () => {
    instancer.set([{ address: "host0:80", weight: weight++ }, ...instances.slice(1)]);
  });
}

const list = normalizeInstances(addresses(1000).map((address) => ({ address })));
Deno.bench("normalizeInstances() of 1000 that are the same", () => {
  normalizeInstances(list, list);
});

Deno.bench("call of the bare endpoint", { group: "call", baseline: true }, async () => {
  await endpoint(1);
});
const [bare] = endpointer(manual(["a:80"]), () => endpoint).endpoints();
Deno.bench("call, nothing to close", { group: "call" }, async () => {
  await bare!.endpoint(1, ctx);
});
const [closable] = endpointer(manual(["a:80"]), () => ({ endpoint, close() {} })).endpoints();
Deno.bench("call, counted for the close", { group: "call" }, async () => {
  await closable!.endpoint(1, ctx);
});
