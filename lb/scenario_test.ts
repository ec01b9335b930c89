import { FakeClock } from "@kit/endpoint/testing";
import { type Endpointer, fixed } from "@kit/sd";
import type { Endpoint } from "@kit/endpoint";
import assert from "node:assert/strict";
import { balanced, type BalancedOptions } from "./balanced.ts";
import type { Balancer } from "./balancer.ts";
import { leastRequest } from "./least_request.ts";
import { peakEwma } from "./peak_ewma.ts";
import { roundRobin } from "./round_robin.ts";
import { at, type Backend, type Outcome, play, seeded, simulated } from "./_support_test.ts";

type Options = BalancedOptions<number, number>;
type Set = Endpointer<number, number>;
type Maker = (given: { clock: FakeClock; random: () => number }) => {
  readonly balancer: (set: Set) => Balancer<number, number>;
  readonly ejection?: Options["ejection"];
};

/** Ten backends of 10 ms and 8 calls at once, 500 calls a second for 30 s, and one of them bad. */
async function withBad(bad: Backend, make: Maker, seed: number): Promise<Outcome> {
  const clock = new FakeClock();
  const random = seeded(seed);
  const backends = [bad, ...Array<Backend>(9).fill({ meanMs: 10 })];
  const { calls, endpoints } = simulated(backends, { clock, random });
  const instances = fixed(backends.map((_, i) => at(i)));
  const numberOf = (address: string) => Number(/\d+/.exec(address));
  const factory = ({ address }: { address: string }): Endpoint<number, number> =>
    endpoints[numberOf(address)]!;
  await using call = balanced(instances, factory, {
    clock,
    random,
    ejection: false,
    ...make({ clock, random }),
  });
  return await play(call, { clock, random, perSecond: 500, seconds: 30, calls });
}

const least: Maker = ({ random }) => ({ balancer: (set) => leastRequest(set, { random }) });
const ewma: Maker = (given) => ({ balancer: (set) => peakEwma(set, given) });
const turns: Maker = () => ({ balancer: roundRobin });
const eager: Maker = (given) => ({ balancer: (set) => peakEwma(set, { ...given, failureMs: 0 }) });
const ejecting = (make: Maker): Maker => (given) => ({ ...make(given), ejection: {} });

for (const seed of [1, 2]) {
  Deno.test(`a backend that is 20 times slower gets few calls (${seed})`, async () => { // K3, P7
    const slow = { meanMs: 200 };
    const [control, p2c, peak] = await Promise.all(
      [turns, least, ewma].map((make) => withBad(slow, make, seed)),
    ) as [Outcome, Outcome, Outcome];
    const told = JSON.stringify(
      [control, p2c, peak].map(({ shares, p99Ms }) => [shares[0], p99Ms]),
    );
    assert(control.shares[0]! > 0.099 && control.p99Ms > 1000, told);
    assert(p2c.shares[0]! <= 0.02 && p2c.p99Ms < 200, told);
    assert(peak.shares[0]! <= 0.005 && peak.p99Ms < 100, told);
  });

  Deno.test(`a backend that fails fast gets few calls (${seed})`, async () => { // K4, P7, P8
    const failing = { meanMs: 1, fails: true };
    // The trap, as a control: without a cost and without ejection, failures draw calls.
    for (const [make, success] of [[turns, 0.91], [least, 0.88], [eager, 0.83]] as const) {
      const outcome = await withBad(failing, make, seed);
      assert(outcome.success < success, `${outcome.success}`);
    }
    for (const make of [ewma, ejecting(least), ejecting(turns), ejecting(ewma)]) {
      const outcome = await withBad(failing, make, seed);
      assert(outcome.success >= 0.999, `${outcome.success}`);
    }
  });
}
