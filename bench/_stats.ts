/**
 * Numbers of several rounds.
 * @module
 */

/** One number a round; a hole where a round gave none. */
export type Series = readonly (number | undefined)[];

/** The middle of some numbers, and how far they are spread. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Tells the middle and the ends; `undefined` for no numbers at all. */
export function spread(series: Series): Spread | undefined {
  const sorted = series.filter((value) => value !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  const median = sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
  return { median, low: sorted[0]!, high: sorted.at(-1)! };
}

/**
 * Divides round by round: what disturbs a whole round is in both numbers, and cancels out.
 */
export function ratios(series: Series, base: Series): Series {
  return series.map((value, round) => {
    const by = base[round];
    return value === undefined || by === undefined ? undefined : value / by;
  });
}
