/**
 * Finds an entry that was not tried yet.
 * @module
 */
import type { Entry } from "@kit/sd";

/**
 * Goes on from a place to the first entry that is not excluded, at most once around. It looks at one
 * entry more than there are excluded ones, however many entries there are.
 * @returns Its place; where it started when all are excluded.
 */
export function nextUntried<Req, Res>(
  entries: readonly Entry<Req, Res>[],
  start: number,
  exclude: ReadonlySet<string> | undefined,
): number {
  if (exclude === undefined || exclude.size === 0) return start;
  const steps = Math.min(exclude.size + 1, entries.length);
  for (let step = 0; step < steps; step++) {
    const at = (start + step) % entries.length;
    if (!exclude.has(entries[at]!.instance.address)) return at;
  }
  return start;
}
