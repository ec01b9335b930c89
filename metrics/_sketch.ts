/**
 * Quantiles of any number of values in little memory.
 * @module
 */

/** No estimate is further from the true value than this share of it. */
const ERROR = 0.005;
const GAMMA = (1 + ERROR) / (1 - ERROR);
const SCALE = 1 / Math.log(GAMMA);
/** Beyond these an estimate is only as good as the nearest of them. */
const LEAST = 1e-9;
const MOST = 1e18;

/** Counts values in buckets whose bounds grow by a fixed factor, as DDSketch does. */
export class Sketch {
  /** Counts by bucket: `i` for values about `GAMMA ** i`. */
  readonly #above = new Map<number, number>();
  /** The same for negative values. */
  readonly #below = new Map<number, number>();
  #zeros = 0;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  add(value: number): void {
    this.#count++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    const size = Math.abs(value);
    if (size < LEAST) {
      this.#zeros++;
      return;
    }
    const counts = value > 0 ? this.#above : this.#below;
    const bucket = Math.ceil(Math.log(Math.min(size, MOST)) * SCALE);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }

  /** Estimates the value that a share `q` of all values do not exceed; `NaN` without values. */
  quantile(q: number): number {
    if (this.#count === 0) return NaN;
    const rank = q * (this.#count - 1);
    let seen = 0;
    for (const [value, count] of this.#ascending()) {
      seen += count;
      if (seen > rank) return Math.min(Math.max(value, this.#min), this.#max);
    }
    return this.#max;
  }

  /** Makes one that later values do not change. */
  copy(): Sketch {
    const copy = new Sketch();
    for (const [bucket, count] of this.#above) copy.#above.set(bucket, count);
    for (const [bucket, count] of this.#below) copy.#below.set(bucket, count);
    copy.#zeros = this.#zeros;
    copy.#count = this.#count;
    copy.#min = this.#min;
    copy.#max = this.#max;
    return copy;
  }

  *#ascending(): Iterable<readonly [value: number, count: number]> {
    for (const [i, n] of [...this.#below].sort(([a], [b]) => b - a)) yield [-middle(i), n];
    yield [0, this.#zeros];
    for (const [i, n] of [...this.#above].sort(([a], [b]) => a - b)) yield [middle(i), n];
  }
}

/** The value of a bucket that is no more than `ERROR` away from any in it. */
function middle(bucket: number): number {
  return 2 * GAMMA ** bucket / (GAMMA + 1);
}
