import assert from "node:assert/strict";
import { fixed } from "./fixed.ts";
import type { DiscoveryEvent } from "./instancer.ts";

function told(instancer: ReturnType<typeof fixed>): DiscoveryEvent {
  const events: DiscoveryEvent[] = [];
  instancer.subscribe((event) => events.push(event))[Symbol.dispose]();
  assert.equal(events.length, 1);
  return events[0]!;
}

Deno.test("fixed() tells its list once to everybody, sorted", () => { // SD2
  const instancer = fixed(["b:80", { address: "a:80", weight: 3 }, "b:80"]);
  const expected = [{ address: "a:80", weight: 3 }, { address: "b:80" }];
  assert.deepEqual(told(instancer).instances, expected);
  assert.deepEqual(told(instancer).instances, expected);
});

Deno.test("fixed() does not sort the list of the caller", () => { // SE10
  const list = ["b:80", "a:80"];
  told(fixed(list));
  assert.deepEqual(list, ["b:80", "a:80"]);
});

Deno.test("fixed() refuses what is no address", () => {
  assert.throws(() => fixed(["a:80", "b:0"]), TypeError);
  assert.throws(() => fixed([""]), TypeError);
});
