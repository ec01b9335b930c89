/**
 * Picks entries in proportion to their weights.
 * @module
 */
import type { Entry, Instance } from "@kit/sd";
import { Guide } from "./_guide.ts";
import { nextUntried } from "./_tried.ts";

/** Tells the share of an instance relative to the others. */
export type Weight = (instance: Instance) => number;

/** How often another draw is made before the neighbour of an excluded entry is taken. */
const DRAWS = 8;

/** The span from 0 to 1, divided among entries by their weights. */
export class Shares<E extends Entry<never, unknown>> {
  readonly #entries: readonly E[];
  /** Those without a share, for when all others were tried. */
  readonly #idle: readonly E[];
  readonly #guide: Guide;

  constructor(entries: readonly E[], weight: Weight) {
    let weights = entries.map(({ instance }) => checked(weight(instance)));
    const most = weights.reduce((a, b) => Math.max(a, b), 0);
    if (most === 0) weights = weights.fill(1);
    this.#entries = entries.filter((_, i) => weights[i]! > 0);
    this.#idle = entries.filter((_, i) => weights[i] === 0);
    // By the largest one, so that no sum overflows.
    const shares = weights.filter((one) => one > 0).map((one) => one / (most || 1));
    const total = shares.reduce((a, b) => a + b, 0);
    const ends = new Float64Array(shares.length);
    let end = 0;
    for (const [i, share] of shares.entries()) ends[i] = (end += share) / total;
    ends[ends.length - 1] = 1;
    this.#guide = new Guide(ends);
  }

  /** Tells the entry at a place from 0 on and below 1. */
  at(u: number): E {
    return this.#entries[this.#guide.above(u)]!;
  }

  /** Draws until an entry comes up that was not tried, a few times; then takes any other. */
  draw(next: () => number, exclude: ReadonlySet<string> | undefined): E {
    let u = next();
    if (exclude === undefined || exclude.size === 0) return this.at(u);
    for (let draw = 0; draw < DRAWS; draw++) {
      const entry = this.at(u);
      if (!exclude.has(entry.instance.address)) return entry;
      u = next();
    }
    const used = untried(this.#entries, u, exclude);
    if (this.#idle.length === 0 || !exclude.has(used.instance.address)) return used;
    const idle = untried(this.#idle, u, exclude);
    return exclude.has(idle.instance.address) ? used : idle;
  }
}

function untried<E extends Entry<never, unknown>>(
  entries: readonly E[],
  u: number,
  exclude: ReadonlySet<string>,
): E {
  return entries[nextUntried(entries, Math.floor(u * entries.length), exclude)]!;
}

/** What is no weight is as good as none given. */
function checked(weight: number): number {
  return weight >= 0 && weight < Infinity ? weight : 1;
}
