/**
 * Picks by a key.
 * @module
 */
import type { Context } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import type { Endpointer, Entry } from "@kit/sd";
import type { Balancer } from "./balancer.ts";
import { perSet } from "./_per_set.ts";
import { Ring } from "./_ring.ts";
import { CountedEntry, wrappedOnce } from "./_tracked.ts";
import { nextUntried } from "./_tried.ts";

/**
 * Tells the key of a call. Calls without a key go anywhere.
 * @typeParam Req The request.
 */
export type HashKey<Req> = (request: Req, ctx: Context) => string | undefined;

/** Options for {@linkcode consistentHash}. */
export interface ConsistentHashOptions {
  /**
   * How many times the average of the calls under way an endpoint may have; above that, its calls go
   * to the next on the ring. At least 1. `Infinity` keeps every key with its endpoint, whatever load
   * that has.
   * @default {1.25}
   */
  readonly maxLoad?: number;
  /**
   * Gives a number from 0 on and below 1, for calls without a key.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** How far along the ring an endpoint is looked for that may be taken. */
const MAX_STEPS = 256;

/**
 * Picks the same endpoint for the same key. When an instance goes, only its keys move to others; when
 * one comes, it takes its share from all. Every client with the same set picks alike, whatever sets
 * it had before.
 *
 * An endpoint with more than its part of the calls under way passes further ones on to the next on
 * the ring, so that a key that is in great demand does no harm; with few calls under way that is soon
 * the case, so set `maxLoad` to `Infinity` where a key has to stay.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpointer Who knows the endpoints. Their weights do not matter.
 * @param key Tells the key of a call.
 * @param options How much load is passed on.
 * @returns The balancer. Its entries count the calls made on them.
 * @throws {RangeError} If `maxLoad` is less than 1.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { consistentHash } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using carts = endpointer(
 *   fixed(["a:80", "b:80", "c:80"]),
 *   ({ address }) => (_: { readonly user: string }) => Promise.resolve(address),
 * );
 * const balancer = consistentHash(carts, ({ user }) => user);
 * const pick = () => balancer.pick({ user: "ada" }, background()).instance.address;
 * assert.equal(pick(), pick());
 * ```
 */
export function consistentHash<Req, Res>(
  endpointer: Endpointer<Req, Res>,
  key: HashKey<Req>,
  options: ConsistentHashOptions = {},
): Balancer<Req, Res> {
  const { maxLoad = 1.25, random = Math.random } = options;
  checkPositive("maxLoad", maxLoad);
  if (maxLoad < 1) {
    throw new RangeError(
      `Cannot use "maxLoad" as it must be at least 1: current value is ${maxLoad}`,
    );
  }
  const tally = { running: 0 };
  const counted = wrappedOnce((entry: Entry<Req, Res>) => new CountedEntry(entry, tally));
  let ring = new Ring([]);
  let names: readonly string[] = [];
  const current = perSet(endpointer, (entries) => {
    const before = names;
    names = entries.map(({ instance }) => instance.address);
    const isSame = names.length === before.length && names.every((name, i) => name === before[i]);
    if (!isSame) ring = new Ring(names);
    return { entries: counted(entries), ring };
  });

  return {
    pick(request, ctx, options) {
      const { entries, ring } = current();
      const name = key(request, ctx);
      const start = name === undefined ? Math.floor(random() * ring.length) : ring.pointOf(name);
      const most = maxLoad === Infinity
        ? Infinity
        : Math.ceil(maxLoad * (tally.running + 1) / entries.length);
      const exclude = options?.exclude;
      let busy: CountedEntry<Req, Res> | undefined;
      const steps = Math.min(ring.length, MAX_STEPS);
      for (let step = 0; step < steps; step++) {
        const entry = entries[ring.ownerOf(start + step)]!;
        if (exclude?.has(entry.instance.address)) continue;
        if (entry.running < most) return entry;
        if (busy === undefined || entry.running < busy.running) busy = entry;
      }
      return busy ?? entries[nextUntried(entries, ring.ownerOf(start), exclude)]!;
    },
  };
}
