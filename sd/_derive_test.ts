import assert from "node:assert/strict";
import { filterInstances } from "./filter_instances.ts";
import type { DiscoveryEvent, Instancer } from "./instancer.ts";
import { merge } from "./merge.ts";
import { subset } from "./subset.ts";
import { instancerContract, type InstancerHarness, manual } from "./testing.ts";

const DERIVED: Record<string, (instancer: Instancer) => Instancer> = {
  merge: (instancer) => merge(instancer),
  filterInstances: (instancer) => filterInstances(instancer, () => true),
  subset: (instancer) => subset(instancer, { client: 7, size: 100 }),
};

for (const [name, make] of Object.entries(DERIVED)) {
  const harness = (): InstancerHarness => {
    const upstream = manual([]);
    let last: readonly string[] = [];
    return {
      instancer: make(upstream),
      set: (addresses) => upstream.set(last = addresses),
      fail: () => upstream.fail(new Error("down")),
      recover: () => upstream.set(last),
      [Symbol.asyncDispose]() {
        assert.equal(upstream.subscribers, 0);
        return Promise.resolve();
      },
    };
  };
  for (const line of instancerContract(harness)) {
    Deno.test(`${name}() keeps the contract: ${line.name}`, line.run);
  }

  Deno.test(`${name}() is subscribed while somebody is subscribed to it`, () => {
    const upstream = manual(["a:80"]);
    const instancer = make(upstream);
    assert.equal(upstream.subscribers, 0);
    const first = instancer.subscribe(() => {});
    const second = instancer.subscribe(() => {});
    assert.equal(upstream.subscribers, 1);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    assert.equal(upstream.subscribers, 1);
    second[Symbol.dispose]();
    assert.equal(upstream.subscribers, 0);

    upstream.set(["b:80"]);
    const events: DiscoveryEvent[] = [];
    using _ = instancer.subscribe((event) => events.push(event));
    assert.deepEqual(events, [{ instances: [{ address: "b:80" }] }]);
  });

  Deno.test(`${name}() passes an error on with its source, then the set again`, () => {
    const upstream = manual(["a:80"]);
    const events: DiscoveryEvent[] = [];
    using _ = make(upstream).subscribe((event) => events.push(event));
    const error = new Error("down");
    upstream.fail(error);
    upstream.set(["a:80"]);
    const instances = [{ address: "a:80" }];
    assert.deepEqual(events, [{ instances }, { error, source: "manual" }, { instances }]);
  });

  Deno.test(`${name}() tells nothing before it knows anything`, () => {
    let told = 0;
    using _ = make(manual()).subscribe(() => told++);
    assert.equal(told, 0);
  });

  Deno.test(`${name}() hands on the very instances that it was told`, () => { // an entry lives on
    const upstream = manual([{ address: "a:80", tags: ["x"], metadata: { rack: "1" } }]);
    const told: unknown[] = [];
    using _ = upstream.subscribe(({ instances }) => told.push(instances?.[0]));
    using __ = make(upstream).subscribe(({ instances }) => told.push(instances?.[0]));
    assert.equal(told[0], told[1]);
  });
}
