import { background } from "@kit/endpoint";
import type { Balancer } from "./balancer.ts";
import fc from "fast-check";
import assert from "node:assert/strict";
import { at, handmade, seeded } from "./_support_test.ts";
import { weighted } from "./weighted.ts";

const answer = ({ address }: { readonly address: string }) => () => Promise.resolve(address);
const ofWeights = (weights: readonly number[]) =>
  weights.map((weight, i) => ({ address: at(i), weight }));

function count(balancer: Balancer<unknown, string>, picks: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < picks; i++) {
    const { address } = balancer.pick(undefined, background()).instance;
    counts[address] = (counts[address] ?? 0) + 1;
  }
  return counts;
}

Deno.test("weighted() keeps to the shares at every moment, whatever the weights", () => { // A24, P7
  const weights = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(weights, fc.double({ min: 0, max: 0.99, noNaN: true }), (weights, u) => {
    fc.pre(weights.some((weight) => weight > 0));
    const set = handmade(answer, ofWeights(weights));
    const balancer = weighted(set, { random: () => u });
    const total = weights.reduce((a, b) => a + b);
    const counts = weights.map(() => 0);
    for (let picks = 1; picks <= 2000; picks++) {
      const { instance } = balancer.pick(undefined, background());
      counts[Number(/\d+/.exec(instance.address))]!++;
      if (picks % 100 > 0) continue;
      for (const [i, weight] of weights.entries()) {
        const due = picks * weight / total;
        // By chance, counts would be off by dozens.
        assert(Math.abs(counts[i]! - due) <= 5, `${counts[i]} for ${due} of ${picks}`);
      }
    }
  }));
});

Deno.test("weighted() never picks one in a burst", () => {
  const balancer = weighted(handmade(answer, ofWeights(Array<number>(10).fill(1))));
  let last = "";
  for (let i = 0; i < 10_000; i++) {
    const { address } = balancer.pick(undefined, background()).instance;
    assert.notEqual(address, last);
    last = address;
  }
});

Deno.test("weighted() picks weights of 0, 1 and 9 within 2 % over 100,000 picks", () => { // D9
  const counts = count(weighted(handmade(answer, ofWeights([0, 1, 9]))), 100_000);
  assert.equal(counts[at(0)], undefined);
  assert(Math.abs(counts[at(1)]! - 10_000) < 200);
  assert(Math.abs(counts[at(2)]! - 90_000) < 200);
});

Deno.test("weighted() picks weight zero only when no other is left", () => {
  const set = handmade(answer, ofWeights([0, 5, 0, 1]));
  const balancer = weighted(set, { random: () => 0 });
  const pick = (...tried: number[]) =>
    balancer.pick(undefined, background(), { exclude: new Set(tried.map(at)) }).instance.address;
  for (let i = 0; i < 200; i++) {
    assert.equal(pick(1), at(3));
    assert.equal(pick(3), at(1));
    assert([at(0), at(2)].includes(pick(1, 3)));
    assert.equal(pick(0, 1, 3), at(2));
    assert([at(1), at(3)].includes(pick(0, 1, 2, 3)));
  }
  set.set(ofWeights([0, 0]));
  assert.deepEqual(count(balancer, 1000), { [at(0)]: 500, [at(1)]: 500 });
});

Deno.test("weighted() follows weights that change", () => {
  const set = handmade(answer, ofWeights([1, 1]));
  const balancer = weighted(set, { random: () => 0 });
  assert.deepEqual(count(balancer, 1000), { [at(0)]: 500, [at(1)]: 500 });
  set.set(ofWeights([9, 1]));
  const counts = count(balancer, 1000);
  assert(Math.abs(counts[at(0)]! - 900) <= 2, `${counts[at(0)]}`);
});

Deno.test("weighted() takes what is no weight for one, and overflows at nothing", () => {
  const broken = weighted(handmade(answer, ofWeights([NaN, -1, Infinity, 1])), {
    random: () => 0,
  });
  for (const picks of Object.values(count(broken, 1000))) assert(Math.abs(picks - 250) <= 2);
  const huge = weighted(handmade(answer, ofWeights([1e308, 1e308, 1e-308])));
  assert.deepEqual(Object.keys(count(huge, 1000)).sort(), [at(0), at(1)]);
});

Deno.test("weighted() takes its weights from where it is told", () => {
  const set = handmade(answer, [
    { address: at(0), metadata: { cores: "1" } },
    { address: at(1), metadata: { cores: "3" } },
  ]);
  const weight = ({ metadata }: { metadata?: Readonly<Record<string, string>> }) =>
    Number(metadata?.cores);
  const counts = count(weighted(set, { weight, random: () => 0 }), 1000);
  assert(Math.abs(counts[at(1)]! - 750) <= 2);
});

Deno.test("weighted() picks differently in clients that start together", () => {
  const random = seeded(7);
  const firsts = new Set(Array.from({ length: 100 }, () => {
    const set = handmade(answer, ofWeights(Array<number>(10).fill(1)));
    return weighted(set, { random }).pick(undefined, background()).instance.address;
  }));
  assert.equal(firsts.size, 10);
});
