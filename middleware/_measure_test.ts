import assert from "node:assert/strict";
import { background, nop } from "@kit/endpoint";
import { FakeClock, scripted } from "@kit/endpoint/testing";
import { measure } from "./_measure.ts";

/** A clock that counts how often it is read. */
class CountingClock extends FakeClock {
  reads = 0;
  override now(): number {
    this.reads++;
    return super.now();
  }
}

Deno.test("measure() tells the time, the request and the response or the error", async () => {
  const clock = new FakeClock();
  const seen: unknown[] = [];
  const endpoint = scripted<string, number>(1, new Error("down"));
  const slow = async (request: string) => {
    await clock.advance(20);
    return await endpoint(request, background());
  };
  const call = measure(slow, clock, (...end) => void seen.push(end));
  await call("a", background());
  await assert.rejects(call("b", background()));
  assert.deepEqual(seen, [[20, undefined, "a", 1], [20, new Error("down"), "b", undefined]]);
});

Deno.test("measure() reads the clock twice a call however many measure side by side", async () => {
  const clock = new CountingClock();
  const seen: string[] = [];
  let call = measure(nop, clock, () => void seen.push("inner"));
  call = measure(call, clock, () => void seen.push("middle"));
  call = measure(call, clock, () => void seen.push("outer"));
  await call({}, background());
  assert.deepEqual(seen, ["inner", "middle", "outer"]);
  assert.equal(clock.reads, 2);
});

Deno.test("measure() measures anew around something else or by another clock", async () => {
  const [clock, other] = [new CountingClock(), new CountingClock()];
  const took: number[] = [];
  const inner = measure(nop, clock, (tookMs) => void took.push(tookMs));
  const between: typeof inner = async (request, ctx) => {
    clock.tick(5);
    return await inner(request, ctx);
  };
  await measure(between, clock, (tookMs) => void took.push(tookMs))({}, background());
  assert.deepEqual(took, [0, 5]);
  await measure(inner, other, () => {})({}, background());
  assert.deepEqual([clock.reads, other.reads], [6, 2]);
});

Deno.test("measure() leaves the endpoint inside as it was", async () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const inner = measure(nop, clock, () => void seen.push("inner"));
  measure(inner, clock, () => void seen.push("outer"));
  await inner({}, background());
  assert.deepEqual(seen, ["inner"]);
});
