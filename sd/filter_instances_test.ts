import assert from "node:assert/strict";
import { filterInstances } from "./filter_instances.ts";
import type { Instance } from "./instance.ts";
import type { DiscoveryEvent } from "./instancer.ts";
import { manual } from "./testing.ts";

Deno.test("filterInstances() tells those picked, and is silent when the others change", () => {
  const upstream = manual([{ address: "a:80", zone: "x" }, { address: "b:80", zone: "y" }]);
  const told: unknown[] = [];
  using _ = filterInstances(upstream, ({ zone }) => zone === "x")
    .subscribe(({ instances }) => told.push(instances));
  assert.deepEqual(told.splice(0), [[{ address: "a:80", zone: "x" }]]);
  upstream.set([{ address: "a:80", zone: "x" }, { address: "c:80", zone: "y" }]);
  assert.deepEqual(told, []);
  upstream.set([{ address: "a:80", zone: "y" }]);
  assert.deepEqual(told, [[]]);
});

Deno.test("filterInstances() tells what the predicate throws, and keeps the last set", () => {
  const upstream = manual([{ address: "a:80", version: "1" }]);
  const isNew = ({ version }: Instance) => {
    if (version === undefined) throw new Error("has no version");
    return true;
  };
  const events: DiscoveryEvent[] = [];
  const instancer = filterInstances(upstream, isNew);
  using _ = instancer.subscribe((event) => events.push(event));
  upstream.set(["b:80"]);
  assert.equal(events.at(-1)?.error?.message, "has no version");
  let late: DiscoveryEvent | undefined;
  using __ = instancer.subscribe((event) => late ??= event);
  assert.deepEqual(late, { instances: [{ address: "a:80", version: "1" }] });
});
