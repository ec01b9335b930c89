/**
 * Picks the best of a few.
 * @module
 */
import type { Entry } from "@kit/sd";
import { nextUntried } from "./_tried.ts";

/** How many more draws are made because entries that were tried come up. */
const EXTRA_DRAWS = 8;

/** How {@linkcode leastOf} draws. */
export interface Draw<E> {
  /** How many are compared. */
  readonly choices: number;
  /** Tells what is to be small. */
  readonly cost: (entry: E) => number;
  readonly random: () => number;
}

/**
 * Draws a few entries and takes the one that costs least, the first drawn of equal ones. No entry is
 * compared with itself: of two entries both are looked at.
 */
export function leastOf<E extends Entry<never, unknown>>(
  entries: readonly E[],
  { choices, cost, random }: Draw<E>,
  exclude: ReadonlySet<string> | undefined,
): E {
  const { length } = entries;
  if (length === 1) return entries[0]!;
  let best = -1;
  let leastCost = Infinity;
  let draws = choices + (exclude !== undefined && exclude.size > 0 ? EXTRA_DRAWS : 0);
  for (let left = choices; left > 0 && draws > 0; draws--) {
    let at = Math.floor(random() * (best < 0 ? length : length - 1));
    if (best >= 0 && at >= best) at++;
    const entry = entries[at]!;
    if (exclude?.has(entry.instance.address)) continue;
    left--;
    const entryCost = cost(entry);
    if (best < 0 || entryCost < leastCost) {
      best = at;
      leastCost = entryCost;
    }
  }
  if (best < 0) best = nextUntried(entries, Math.floor(random() * length), exclude);
  return entries[best]!;
}
