/**
 * Balances over groups of endpoints, one preferred to the other.
 * @module
 */
import type { Endpointer, Entry, Instance } from "@kit/sd";
import { type Balancer, noEndpoints } from "./balancer.ts";
import type { Health, HealthEndpointer } from "./health.ts";

/** How {@linkcode tiers} divides and balances. */
export interface Tiering<Req, Res> {
  /** Ranks instances, the lowest preferred; told first which are healthy. */
  readonly ranks: (healthy: readonly Entry<Req, Res>[]) => (instance: Instance) => number;
  /** Balances within a tier. */
  readonly balancer: (endpointer: Endpointer<Req, Res>) => Balancer<Req, Res>;
  readonly panicShare: number;
  readonly random: () => number;
}

/** A tier that has 1 / 1.4 of its endpoints takes all calls, as in Envoy. */
const OVERPROVISIONING = 1.4;
const EPSILON = 1e-9;

/** The endpoints of one rank. */
class Tier<Req, Res> implements HealthEndpointer<Req, Res> {
  readonly balancer: Balancer<Req, Res>;
  #health: Health<Req, Res> = { all: [], healthy: [] };
  #inUse: readonly Entry<Req, Res>[] = [];

  constructor(make: (endpointer: Endpointer<Req, Res>) => Balancer<Req, Res>) {
    this.balancer = make(this);
  }

  endpoints(): readonly Entry<Req, Res>[] {
    return this.#inUse;
  }

  health(): Health<Req, Res> {
    return this.#health;
  }

  /** Takes a new set; arrays that hold the same stay the same. */
  set(all: readonly Entry<Req, Res>[], healthy: readonly Entry<Req, Res>[]): void {
    all = sameOr(this.#health.all, all);
    healthy = healthy.length === all.length ? all : sameOr(this.#health.healthy, healthy);
    if (all === this.#health.all && healthy === this.#health.healthy) return;
    this.#health = { all, healthy };
  }

  use({ panics }: { readonly panics: boolean }): void {
    this.#inUse = panics ? this.#health.all : this.#health.healthy;
  }

  /** What part of all calls it can take. */
  get capacity(): number {
    const { all, healthy } = this.#health;
    return all.length === 0 ? 0 : Math.min(1, OVERPROVISIONING * healthy.length / all.length);
  }

  get healthyShare(): number {
    return this.#health.healthy.length / this.#health.all.length;
  }
}

/** A tier with the part of the calls up to which it is picked. */
interface Slice<Req, Res> {
  readonly tier: Tier<Req, Res>;
  readonly end: number;
}

/**
 * Balances over the tier of the lowest rank, and over the next with what that cannot take, by the
 * rules of Envoy's priority levels. A retry goes on to another tier when all of one were tried.
 */
export function tiers<Req, Res>(
  endpointer: Endpointer<Req, Res> | HealthEndpointer<Req, Res>,
  { ranks, balancer, panicShare, random }: Tiering<Req, Res>,
): Balancer<Req, Res> {
  const kept = new Map<number, Tier<Req, Res>>();
  let last: unknown;
  let slices: readonly Slice<Req, Res>[] = [];

  function current(): readonly Slice<Req, Res>[] {
    if ("health" in endpointer) {
      const health = endpointer.health();
      if (health !== last) divide(health);
      last = health;
    } else {
      const entries = endpointer.endpoints();
      if (entries !== last) divide({ all: entries, healthy: entries });
      last = entries;
    }
    if (slices.length === 0) throw noEndpoints();
    return slices;
  }

  function divide({ all, healthy }: Health<Req, Res>): void {
    const rankOf = ranks(healthy);
    const byRank = new Map<number, Entry<Req, Res>[]>();
    for (const entry of all) {
      const rank = rankOf(entry.instance);
      const group = byRank.get(rank);
      if (group === undefined) byRank.set(rank, [entry]);
      else group.push(entry);
    }
    const isHealthy = new Set(healthy);
    for (const rank of [...kept.keys()]) if (!byRank.has(rank)) kept.delete(rank);
    for (const [rank, group] of byRank) {
      const tier = kept.get(rank) ?? new Tier(balancer);
      tier.set(
        group.length === all.length ? all : group,
        healthy === all ? group : group.filter((entry) => isHealthy.has(entry)),
      );
      kept.set(rank, tier);
    }
    slices = sliced([...kept].sort(([a], [b]) => a - b).map(([, tier]) => tier), panicShare);
  }

  return {
    pick(request, ctx, options) {
      const set = current();
      if (set.length === 1) return set[0]!.tier.balancer.pick(request, ctx, options);
      const u = random();
      const chosen = set.find(({ end }) => u < end) ?? set.at(-1)!;
      const picked = chosen.tier.balancer.pick(request, ctx, options);
      const exclude = options?.exclude;
      if (!exclude?.has(picked.instance.address)) return picked;
      for (const { tier } of set) {
        const other = tier.balancer.pick(request, ctx, options);
        if (!exclude.has(other.instance.address)) return other;
      }
      return picked;
    },
  };
}

/** Divides the calls, and drops the tiers that have nothing to use. */
function sliced<Req, Res>(
  ordered: readonly Tier<Req, Res>[],
  panicShare: number,
): readonly Slice<Req, Res>[] {
  const total = Math.min(1, ordered.reduce((sum, { capacity }) => sum + capacity, 0));
  const slices: Slice<Req, Res>[] = [];
  let end = 0;
  for (const tier of ordered) {
    // Only when all together cannot take the calls is it better to use the bad ones too.
    tier.use({ panics: total < 1 - EPSILON && tier.healthyShare < panicShare });
    if (tier.endpoints().length === 0) continue;
    end = total === 0 ? 1 : Math.min(1, end + tier.capacity / total);
    slices.push({ tier, end });
  }
  return slices;
}

function sameOr<T>(known: readonly T[], list: readonly T[]): readonly T[] {
  const isSame = known.length === list.length && known.every((one, i) => one === list[i]);
  return isSame ? known : list;
}
