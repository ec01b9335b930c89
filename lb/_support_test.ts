import { background, delay, type Endpoint, KitError } from "@kit/endpoint";
import type { FakeClock } from "@kit/endpoint/testing";
import type { Endpointer, Entry, Instance } from "@kit/sd";

/** A seeded generator (mulberry32), so that a test of chance cannot fail by chance. */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An address for each number. */
export const at = (i: number): string => `host${i}:80`;

/** An endpointer that a test changes by hand; what it makes of one instance lives on. */
export function handmade<Req, Res>(
  make: (instance: Instance) => Endpoint<Req, Res>,
  first: readonly (string | Instance)[],
): Endpointer<Req, Res> & { set(list: readonly (string | Instance)[]): void } {
  const kept = new Map<string, { instance: Instance; readonly endpoint: Endpoint<Req, Res> }>();
  let entries: readonly Entry<Req, Res>[] = [];
  const set = (list: readonly (string | Instance)[]) => {
    entries = list.map((one) => {
      const instance = typeof one === "string" ? { address: one } : one;
      const entry = kept.get(instance.address) ?? { instance, endpoint: make(instance) };
      kept.set(instance.address, entry);
      entry.instance = instance;
      return entry;
    });
  };
  set(first);
  return { endpoints: () => entries, set };
}

/** One simulated server: so long for a call on average, so many at once, or failing at once. */
export interface Backend {
  readonly meanMs: number;
  readonly fails?: boolean;
}

/** What came of a simulation. */
export interface Outcome {
  /** Which part of the calls each backend got. */
  readonly shares: readonly number[];
  readonly success: number;
  readonly p99Ms: number;
}

const SLOTS = 8;

/** Makes endpoints of backends: 8 calls at once each, the others wait; times by chance. */
export function simulated(
  backends: readonly Backend[],
  { clock, random }: { readonly clock: FakeClock; readonly random: () => number },
): { readonly calls: number[]; readonly endpoints: readonly Endpoint<number, number>[] } {
  const calls = backends.map(() => 0);
  const endpoints = backends.map(({ meanMs, fails = false }, i): Endpoint<number, number> => {
    let free = SLOTS;
    const queue: (() => void)[] = [];
    return async () => {
      calls[i]!++;
      if (free === 0) await new Promise<void>((resolve) => queue.push(resolve));
      else free--;
      await delay(fails ? meanMs : -meanMs * Math.log(1 - random()), { clock });
      const next = queue.shift();
      if (next === undefined) free++;
      else next();
      if (fails) throw new KitError("unavailable", "Connection refused");
      return i;
    };
  });
  return { calls, endpoints };
}

/** Plays calls that come by chance, in virtual time, however long they take. */
export async function play(
  call: Endpoint<number, number>,
  { clock, random, perSecond, seconds, calls }: {
    readonly clock: FakeClock;
    readonly random: () => number;
    readonly perSecond: number;
    readonly seconds: number;
    readonly calls: readonly number[];
  },
): Promise<Outcome> {
  const latencies: number[] = [];
  let failed = 0;
  const endsAt = clock.now() + seconds * 1000;
  while (clock.now() < endsAt) {
    await clock.advance(-1000 / perSecond * Math.log(1 - random()));
    const startedAt = clock.now();
    call(0, background()).then(
      () => latencies.push(clock.now() - startedAt),
      () => failed++,
    );
  }
  while (clock.pending > 0) await clock.advance(1000);
  latencies.sort((a, b) => a - b);
  const total = calls.reduce((a, b) => a + b, 0);
  return {
    shares: calls.map((count) => count / total),
    success: latencies.length / (latencies.length + failed),
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? NaN,
  };
}
