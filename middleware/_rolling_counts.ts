/**
 * How the calls of the last while went, in buckets of time.
 * @module
 */

/** How the calls since the last change of state, or of the current window, went. */
export interface Counts {
  /** Calls let through. */
  readonly requests: number;
  /** Calls that went well. */
  readonly totalSuccesses: number;
  /** Calls that failed. */
  readonly totalFailures: number;
  /** Calls that count neither way: excluded ones, and probes that never settled. */
  readonly totalExclusions: number;
  /** Successes since the last failure. */
  readonly consecutiveSuccesses: number;
  /** Failures since the last success. */
  readonly consecutiveFailures: number;
}

class Bucket implements Counts {
  requests = 0;
  totalSuccesses = 0;
  totalFailures = 0;
  totalExclusions = 0;
  consecutiveSuccesses = 0;
  consecutiveFailures = 0;

  clear(): void {
    this.requests =
      this.totalSuccesses =
      this.totalFailures =
      this.totalExclusions =
        0;
    this.consecutiveSuccesses = this.consecutiveFailures = 0;
  }

  succeed(): void {
    this.totalSuccesses++;
    this.consecutiveSuccesses++;
    this.consecutiveFailures = 0;
  }

  fail(): void {
    this.totalFailures++;
    this.consecutiveFailures++;
    this.consecutiveSuccesses = 0;
  }
}

/** Counts over the last buckets; `age` is the number of the newest one. */
export class RollingCounts {
  readonly #sum = new Bucket();
  readonly #buckets: readonly Bucket[];
  age = 0;

  constructor(buckets: number) {
    this.#buckets = Array.from({ length: buckets }, () => new Bucket());
  }

  get sum(): Counts {
    return this.#sum;
  }

  /** Calls that hold a place: those let through less those that count neither way. */
  get validRequests(): number {
    return Math.max(0, this.#sum.requests - this.#sum.totalExclusions);
  }

  begin(): void {
    this.#sum.requests++;
    this.#at(this.age).requests++;
  }

  /** Counts a success of a call that was begun at `age`. */
  succeed(age: number): void {
    if (!this.#holds(age)) return;
    this.#sum.succeed();
    this.#at(age).succeed();
  }

  /** Counts a failure of a call that was begun at `age`. */
  fail(age: number): void {
    if (!this.#holds(age)) return;
    this.#sum.fail();
    this.#at(age).fail();
  }

  /** Takes a call that was begun at `age` out of the reckoning. */
  exclude(age: number): void {
    if (!this.#holds(age)) return;
    this.#sum.totalExclusions++;
    this.#at(age).totalExclusions++;
  }

  clear(): void {
    this.age = 0;
    this.#sum.clear();
    for (const bucket of this.#buckets) bucket.clear();
  }

  /** Moves on to the bucket number `age`; those too old by then drop out. */
  grow(age: number): void {
    if (age - this.age >= this.#buckets.length) {
      this.clear();
      this.age = age;
    }
    while (this.age < age) this.#roll();
  }

  #holds(age: number): boolean {
    return age <= this.age && this.age - age < this.#buckets.length;
  }

  #at(age: number): Bucket {
    return this.#buckets[age % this.#buckets.length]!;
  }

  #roll(): void {
    const oldest = this.#at(++this.age);
    const sum = this.#sum;
    // A run began in the oldest bucket if nothing of its kind in the others lies outside it.
    const laterSuccesses = sum.totalSuccesses - oldest.totalSuccesses;
    if (sum.consecutiveSuccesses === laterSuccesses + oldest.consecutiveSuccesses) {
      sum.consecutiveSuccesses = laterSuccesses;
    }
    const laterFailures = sum.totalFailures - oldest.totalFailures;
    if (sum.consecutiveFailures === laterFailures + oldest.consecutiveFailures) {
      sum.consecutiveFailures = laterFailures;
    }
    sum.requests -= oldest.requests;
    sum.totalSuccesses -= oldest.totalSuccesses;
    sum.totalFailures -= oldest.totalFailures;
    sum.totalExclusions -= oldest.totalExclusions;
    oldest.clear();
  }
}
