/**
 * How long to pause between tries.
 * @module
 */

/**
 * Pauses that double from 100 ms up to a limit. Each is drawn from the upper half of its range: many
 * clients that failed at once come back spread, and there is a bound on how many tries fit into a time.
 */
export class Backoff {
  readonly #maxMs: number;
  readonly #random: () => number;
  #capMs = 0;

  constructor(maxMs: number, random: () => number) {
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** The next pause. */
  nextMs(): number {
    this.#capMs = Math.min(this.#maxMs, 2 * this.#capMs || 100);
    return this.#capMs * (0.5 + this.#random() / 2);
  }

  /** Starts over: something has worked. */
  reset(): void {
    this.#capMs = 0;
  }
}
