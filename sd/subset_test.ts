import assert from "node:assert/strict";
import * as fc from "fast-check";
import { fixed } from "./fixed.ts";
import { subset, type SubsetOptions } from "./subset.ts";

function taken(addresses: readonly string[], options: SubsetOptions): readonly string[] {
  let told: readonly string[] = [];
  subset(fixed(addresses), options).subscribe(({ instances = [] }) => {
    told = instances.map(({ address }) => address);
  });
  return told;
}

const hosts = (count: number) => Array.from({ length: count }, (_, i) => `10.0.0.${i}:8080`);

/** How many clients take each of the hosts, least and most. */
function spread(clients: readonly (number | string)[], count: number, size: number) {
  const load = new Map(hosts(count).map((address) => [address, 0]));
  for (const client of clients) {
    for (const address of taken(hosts(count), { client, size })) {
      load.set(address, load.get(address)! + 1);
    }
  }
  return { least: Math.min(...load.values()), most: Math.max(...load.values()) };
}

Deno.test("subset() takes as many as were asked for, or all", () => {
  for (const client of [0, 1, 99, "pod-7"]) {
    assert.equal(new Set(taken(hosts(30), { client })).size, 20);
    assert.equal(new Set(taken(hosts(30), { client, size: 7 })).size, 7);
    assert.deepEqual(taken(hosts(7), { client, size: 7 }), hosts(7));
    assert.deepEqual(taken([], { client, size: 7 }), []);
  }
});

Deno.test("subset() takes the same each time, and depends on the client", () => {
  const options = { client: "pod-7", size: 5 };
  assert.deepEqual(taken(hosts(50), options), taken(hosts(50).reverse(), options));
  assert.notDeepEqual(taken(hosts(50), options), taken(hosts(50), { ...options, client: "pod-8" }));
});

Deno.test("subset() loads every instance the same when the clients fill the ring", () => {
  const clients = Array.from({ length: 64 }, (_, i) => i);
  assert.deepEqual(spread(clients, 32, 4), { least: 8, most: 8 });
});

Deno.test("subset() spreads counted clients evenly, however many they are", () => {
  const counts = fc.record({
    clients: fc.integer({ min: 1, max: 150 }),
    instances: fc.integer({ min: 2, max: 60 }),
    size: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(
    fc.property(counts, ({ clients, instances, size }) => {
      const mean = clients * Math.min(1, size / instances);
      const { least, most } = spread(Array.from({ length: clients }, (_, i) => i), instances, size);
      // What is known of the sequence: an arc holds its share, give or take this.
      const slack = 2 + Math.log2(clients) / 1.5;
      assert(least >= mean - slack && most <= mean + slack, `${least} to ${most}, mean ${mean}`);
    }),
    { numRuns: 50 },
  );
});

Deno.test("subset() spreads named clients by chance", () => {
  const clients = Array.from({ length: 400 }, (_, i) => `pod-${i}`);
  const { least, most } = spread(clients, 40, 10); // mean 100, standard deviation 8.7
  assert(least > 60 && most < 140, `${least} to ${most}`);
});

Deno.test("subset() exchanges at most two when an instance comes or goes", () => {
  const scene = fc.record({
    client: fc.oneof(fc.nat(200), fc.string()),
    addresses: fc.uniqueArray(fc.integer({ min: 1, max: 60_000 }).map((n) => `host:${n}`), {
      minLength: 2,
      maxLength: 80,
    }),
    size: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(fc.property(scene, ({ client, addresses, size }) => {
    const options = { client, size };
    const before = taken(addresses.slice(1), options);
    const after = taken(addresses, options);
    const left = before.filter((address) => !after.includes(address));
    const came = after.filter((address) => !before.includes(address));
    assert(left.length <= 2 && came.length <= 2, `${left} left, ${came} came`);
  }));
});

for (const options of [{ client: -1 }, { client: 0.5 }, { client: 0, size: 0 }]) {
  Deno.test(`subset() refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => subset(fixed([]), options), RangeError);
  });
}
