/**
 * What keeps a loop from running hot.
 * @module
 */
import type { Clock } from "@kit/endpoint";

/** How many turns may follow each other at once after a quiet time. */
const BURST = 2;

/** A token bucket: two turns at once, then one for each interval. */
export class Pace {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  #tokens = BURST;
  #at: number;

  constructor(intervalMs: number, clock: Clock) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** Takes a turn; tells how long to wait before it. */
  takeMs(): number {
    const now = this.#clock.now();
    const earned = Math.max(0, now - this.#at) / this.#intervalMs;
    // Never less than one turn short: the clock may have been set back during the last wait.
    this.#tokens = Math.max(-1, Math.min(BURST, this.#tokens + earned) - 1);
    this.#at = now;
    return Math.max(0, -this.#tokens * this.#intervalMs);
  }
}
