import assert from "node:assert/strict";
import { background } from "@kit/endpoint";
import { FakeClock } from "@kit/endpoint/testing";
import * as fc from "fast-check";
import { endpointer } from "./endpointer.ts";
import { fixed } from "./fixed.ts";
import { merge } from "./merge.ts";
import { manual } from "./testing.ts";

function watch(instancer: ReturnType<typeof merge>) {
  const seen: string[] = [];
  const subscription = instancer.subscribe(({ instances, error }) =>
    seen.push(instances?.map(({ address }) => address).join() ?? `error: ${error?.message}`)
  );
  return { seen, [Symbol.dispose]: () => subscription[Symbol.dispose]() };
}

Deno.test("merge() tells what the first knows while another knows nothing yet", () => {
  const slow = manual();
  using watched = watch(merge(slow, fixed(["a:80"])));
  assert.deepEqual(watched.seen, ["a:80"]);
  slow.set(["b:80"]);
  assert.deepEqual(watched.seen, ["a:80", "a:80,b:80"]);
});

Deno.test("merge() takes the description of the first that tells an address", () => {
  const first = manual([{ address: "a:80", weight: 1 }]);
  const second = manual([{ address: "a:80", weight: 2 }]);
  const weights: unknown[] = [];
  using _ = merge(first, second).subscribe(({ instances }) => weights.push(instances?.[0]?.weight));
  first.set([]);
  first.set([{ address: "a:80", weight: 3 }]);
  assert.deepEqual(weights, [1, 2, 3]);
});

Deno.test("merge() keeps the set of one that fails, and ends in an error when all do", () => {
  const one = manual(["a:80"]);
  const two = manual(["b:80"]);
  using watched = watch(merge(one, two));
  one.fail(new Error("one is down"));
  assert.deepEqual(watched.seen.splice(0), ["a:80,b:80", "error: one is down", "a:80,b:80"]);
  two.set(["b:80", "c:80"]);
  assert.deepEqual(watched.seen.splice(0), ["a:80,b:80,c:80"]);
  two.fail(new Error("two is down"));
  assert.deepEqual(watched.seen.splice(0), ["error: two is down"]);
  one.set(["a:80"]);
  assert.deepEqual(watched.seen.splice(0), ["a:80,b:80,c:80"]);
});

Deno.test("merge() tells the error of one that never knew anything", () => {
  const one = manual();
  const two = manual();
  using watched = watch(merge(one, two));
  one.fail(new Error("refused"));
  assert.deepEqual(watched.seen, ["error: refused"]);
  two.set([]);
  assert.deepEqual(watched.seen, ["error: refused", ""]);
});

Deno.test("merge() leaves endpoints usable when one of its instancers is down for long", async () => {
  const clock = new FakeClock();
  const registry = manual(["a:80"]);
  await using live = endpointer(
    merge(registry, fixed(["b:80"])),
    ({ address }) => () => Promise.resolve(address),
    { invalidateOnErrorMs: 1000, clock },
  );
  registry.fail(new Error("down"));
  await clock.advance(60_000);
  const answers = await Promise.all(
    live.endpoints().map(({ endpoint }) => endpoint({}, background())),
  );
  assert.deepEqual(answers, ["a:80", "b:80"]);
});

Deno.test("merge() refuses to be made of nothing", () => {
  assert.throws(() => merge(), TypeError);
});

Deno.test("merge() is the union of what each told last, whatever fails between", () => {
  const host = fc.integer({ min: 0, max: 5 }).map((n) => `host${n}:80`);
  const step = fc.record({
    who: fc.integer({ min: 0, max: 2 }),
    set: fc.option(fc.uniqueArray(host), { freq: 3, nil: undefined }),
  });
  fc.assert(fc.property(fc.array(step), (steps) => {
    const upstreams = [manual(["first:80"]), manual(["first:80"]), manual(["first:80"])];
    const sets = upstreams.map((): readonly string[] => ["first:80"]);
    let told: readonly string[] | undefined;
    using _ = merge(...upstreams).subscribe(({ instances }) => {
      if (instances) told = instances.map(({ address }) => address);
    });
    for (const { who, set } of steps) {
      if (set === undefined) upstreams[who]!.fail(new Error("down"));
      else upstreams[who]!.set(sets[who] = set);
      assert.deepEqual(told, [...new Set(sets.flat())].sort());
    }
  }));
});
