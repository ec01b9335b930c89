import assert from "node:assert/strict";
import fc from "fast-check";
import { type Instance, normalizeInstances, sameInstance } from "./instance.ts";

const full: Instance = {
  address: "a:80",
  weight: 2,
  priority: 1,
  zone: "eu",
  version: "1.2",
  tags: ["x", "y"],
  metadata: { a: "1", b: "2" },
};

Deno.test("sameInstance() ignores the order of metadata only", () => { // SC3
  assert(sameInstance(full, { ...full, tags: ["x", "y"], metadata: { b: "2", a: "1" } }));
  assert(!sameInstance(full, { ...full, tags: ["y", "x"] }));
});

for (
  const change of [
    { address: "b:80" },
    { weight: 3 },
    { weight: undefined },
    { priority: 2 },
    { zone: "us" },
    { version: "1.3" },
    { tags: ["x"] },
    { tags: undefined },
    { metadata: { a: "1" } },
    { metadata: { a: "1", b: "3" } },
    { metadata: { a: "1", c: "2" } },
    { metadata: undefined },
  ]
) {
  Deno.test(`sameInstance() sees ${JSON.stringify(change)}`, () => {
    const changed = { ...full, ...change } as Instance;
    assert(!sameInstance(full, changed));
    assert(!sameInstance(changed, full));
  });
}

Deno.test("sameInstance() is not deceived by inherited names", () => { // S9
  const a = { ...full, metadata: { toString: "1" } };
  const b = { ...full, metadata: { constructor: "1" } };
  assert(!sameInstance(a, b));
});

const anyInstance = fc.record({
  address: fc.constantFrom("a:80", "b:80", "c:80", "d:80"),
  weight: fc.integer({ min: 0, max: 2 }),
}, { noNullPrototype: true });

Deno.test("normalizeInstances() sorts, keeps each address once and freezes", () => { // SC1, SE9
  fc.assert(fc.property(fc.array(anyInstance), (instances) => {
    const before = structuredClone(instances);
    const list = normalizeInstances(instances);
    assert.deepEqual(instances, before); // SE10
    const addresses = list.map(({ address }) => address);
    assert.deepEqual(addresses, [...new Set(instances.map(({ address }) => address))].sort());
    for (const one of list) {
      assert(Object.isFrozen(one));
      assert.deepEqual(one, instances.find(({ address }) => address === one.address));
    }
    assert(Object.isFrozen(list));
  }));
});

Deno.test("normalizeInstances() takes from an earlier list what has not changed", () => {
  fc.assert(fc.property(fc.array(anyInstance), fc.array(anyInstance), (first, second) => {
    const previous = normalizeInstances(first);
    const list = normalizeInstances(second, previous);
    for (const one of list) {
      const known = previous.find((other) => sameInstance(one, other));
      if (known !== undefined) assert.equal(one, known);
    }
    assert.equal(list === previous, JSON.stringify(list) === JSON.stringify(previous));
  }));
});

Deno.test("normalizeInstances() keeps what callers hold apart from what it gives", () => { // SC2, R8
  const mutable = { address: "a:80", tags: ["x"], metadata: { a: "1" } };
  const [one] = normalizeInstances([mutable]);
  mutable.tags.push("y");
  mutable.metadata.a = "2";
  assert.deepEqual(one, { address: "a:80", tags: ["x"], metadata: { a: "1" } });
  assert.equal(normalizeInstances([one!])[0], one);
});
