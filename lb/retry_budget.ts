/**
 * Bounds how many calls may be retries.
 * @module
 */
import { type Clock, systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositive } from "@kit/endpoint/check";

/**
 * Bounds how many calls may be retries, over everything that shares it: all the methods of a
 * target.
 */
export interface RetryBudget {
  /** Takes in that a call is made: its first attempt, not its retries. */
  deposit(): void;
  /**
   * Asks for a retry.
   * @returns Whether it may be made; if so, it has been paid for.
   */
  withdraw(): boolean;
  /** How many retries could be made now. */
  readonly balance: number;
}

/** Options for {@linkcode retryBudget}. */
export interface RetryBudgetOptions {
  /**
   * How many retries each call pays for.
   * @default {0.2}
   */
  readonly ratio?: number;
  /**
   * How many retries a second may be made besides, so that a client with few calls can retry.
   * @default {10}
   */
  readonly minPerSecond?: number;
  /**
   * For how long what a call paid can be spent.
   * @default {10000}
   */
  readonly ttlMs?: number;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** The time in which what was paid lapses is counted in this many steps. */
const SLOTS = 10;
/** Sums of fractions must not fall short of a whole retry. */
const EPSILON = 1e-6;

/**
 * Allows retries up to a share of the calls of the last seconds, as Finagle and Linkerd do.
 * @param options The share, and what is allowed besides.
 * @returns The budget.
 * @throws {RangeError} If `ratio` or `minPerSecond` is negative, or `ttlMs` not above zero.
 * @example Usage
 * ```ts
 * import { retryBudget } from "@kit/lb";
 * import assert from "node:assert/strict";
 * const budget = retryBudget({ ratio: 0.5, minPerSecond: 0 });
 * for (let call = 0; call < 4; call++) budget.deposit();
 * assert.deepEqual([1, 2, 3].map(() => budget.withdraw()), [true, true, false]);
 * ```
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const { ratio = 0.2, minPerSecond = 10, ttlMs = 10_000, clock = systemClock } = options;
  checkNonNegative("ratio", ratio);
  checkNonNegative("minPerSecond", minPerSecond);
  checkPositive("ttlMs", ttlMs);
  const reserve = minPerSecond * ttlMs / 1000;
  const slotMs = ttlMs / SLOTS;
  /** Deposits less withdrawals of each step; both lapse. */
  const slots = new Float64Array(SLOTS);
  let current = 0;
  let endsAt = -Infinity;

  function balance(): number {
    const now = clock.now();
    if (now >= endsAt) lapse(now);
    let sum = reserve;
    for (const slot of slots) sum += slot;
    return sum;
  }

  function lapse(now: number): void {
    if (now >= endsAt + ttlMs) {
      slots.fill(0);
      endsAt = now + slotMs;
    }
    for (; now >= endsAt; endsAt += slotMs) {
      current = (current + 1) % SLOTS;
      slots[current] = 0;
    }
  }

  return {
    deposit() {
      const now = clock.now();
      if (now >= endsAt) lapse(now);
      slots[current]! += ratio;
    },
    withdraw() {
      if (balance() < 1 - EPSILON) return false;
      slots[current]! -= 1;
      return true;
    },
    get balance() {
      return Math.max(0, Math.floor(balance() + EPSILON));
    },
  };
}
