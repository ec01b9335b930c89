/**
 * Finds places among sorted numbers without a search.
 * @module
 */

/**
 * Sorted numbers from 0 to 1, with a table that tells for each of as many equal steps where to begin
 * to look. Looking at places that are spread evenly costs two comparisons on average, whatever the
 * numbers are.
 */
export class Guide {
  readonly #sorted: Float64Array;
  readonly #starts: Uint32Array;

  constructor(sorted: Float64Array) {
    const { length } = sorted;
    this.#sorted = sorted;
    this.#starts = new Uint32Array(length);
    let at = 0;
    for (let step = 0; step < length; step++) {
      while (at < length && sorted[at]! * length <= step) at++;
      this.#starts[step] = at;
    }
  }

  /** Tells the index of the first number above `u`, which is from 0 on and below 1. */
  above(u: number): number {
    const sorted = this.#sorted;
    const { length } = sorted;
    let at = this.#starts[Math.floor(u * length)]!;
    while (at < length && sorted[at]! <= u) at++;
    return at;
  }
}
