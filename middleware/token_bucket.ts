/**
 * A token bucket.
 * @module
 */
import { type Clock, type Context, delay, systemClock, throwIfDone } from "@kit/endpoint";
import { checkNonNegative, checkNonNegativeInteger } from "@kit/endpoint/check";
import { type Booking, delayMsOf, Limiter } from "./_limiter.ts";
import { RateLimitError } from "./rate_limit_error.ts";

/** Options for {@linkcode tokenBucket}. */
export interface TokenBucketOptions {
  /** How many tokens come in a second. `Infinity` allows everything, 0 brings none. */
  readonly limit: number;
  /** How many tokens the bucket holds, and so the most that one call can take. It starts full. */
  readonly burst: number;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** Tokens taken out of a bucket, some of them perhaps in advance. */
export interface Reservation {
  /** Whether the bucket can give that many tokens at all. When not, nothing was taken. */
  readonly ok: boolean;
  /** How many milliseconds there are still to wait before acting; `Infinity` means never. */
  readonly delayMs: number;
  /**
   * Puts the tokens back as far as nobody booked on top of them, for who will not act after all.
   * Once the time to act has passed it does nothing.
   */
  cancel(): void;
}

/**
 * A bucket that tokens flow into at a steady rate and that calls take tokens out of. It answers as
 * Go's `golang.org/x/time/rate` does.
 */
export interface TokenBucket {
  /** How many tokens come in a second. */
  readonly limit: number;
  /** How many tokens the bucket holds. */
  readonly burst: number;
  /** How many tokens are there now; negative when some were taken in advance. */
  readonly tokens: number;
  /**
   * Takes tokens if they are there now.
   * @param n How many; one when left out.
   * @returns Whether they were there. When not, none was taken.
   * @throws {RangeError} If `n` is not a non-negative integer.
   */
  allow(n?: number): boolean;
  /**
   * Takes tokens, in advance if need be, and tells how long to wait before acting.
   * @param n How many; one when left out.
   * @returns What was taken. It is not `ok` when `n` is more than the bucket holds.
   * @throws {RangeError} If `n` is not a non-negative integer.
   */
  reserve(n?: number): Reservation;
  /**
   * Waits until there are tokens and takes them, first come, first served.
   * @param ctx Ends the wait: a cancelled one puts its tokens back.
   * @param n How many; one when left out.
   * @returns A promise that resolves when the call may act.
   * @throws {RangeError} If `n` is not a non-negative integer.
   * @throws {RateLimitError} Without waiting, if `n` is more than the bucket holds, or if the wait
   * would outlast the deadline.
   * @throws {KitError} Without waiting, with code `deadline_exceeded`, if the deadline has passed.
   * @throws The reason of the signal, if it is aborted.
   */
  wait(ctx: Context, n?: number): Promise<void>;
  /**
   * Tells how long a call would have to wait for tokens. It takes none.
   * @param n How many; one when left out.
   * @returns Milliseconds; `Infinity` when they will never come.
   */
  retryAfterMs(n?: number): number;
  /**
   * Changes the rate. What was reserved before keeps its time.
   * @param limit How many tokens come in a second from now on.
   * @throws {RangeError} If `limit` is not a non-negative number.
   */
  setLimit(limit: number): void;
  /**
   * Changes the size. What was reserved before keeps its time.
   * @param burst How many tokens the bucket holds from now on.
   * @throws {RangeError} If `burst` is not a non-negative integer.
   */
  setBurst(burst: number): void;
}

const granted = Promise.resolve();

class Bucket implements TokenBucket {
  readonly #limiter: Limiter;
  readonly #clock: Clock;
  /** Nanoseconds are counted from here: since the epoch they would not fit into a number. */
  readonly #originMs: number;

  constructor(limit: number, burst: number, clock: Clock) {
    this.#limiter = new Limiter(limit, burst);
    this.#clock = clock;
    this.#originMs = clock.now();
  }

  get limit(): number {
    return this.#limiter.limit;
  }
  get burst(): number {
    return this.#limiter.burst;
  }
  get tokens(): number {
    return this.#limiter.tokensAt(this.#nowNs());
  }

  allow(n = 1): boolean {
    checkNonNegativeInteger("n", n);
    return this.#limiter.allowAt(this.#nowNs(), n);
  }

  reserve(n = 1): Reservation {
    checkNonNegativeInteger("n", n);
    return this.#reservation(this.#limiter.bookAt(this.#nowNs(), n));
  }

  #reservation(booking: Booking | undefined): Reservation {
    const delayMs = () => booking === undefined ? Infinity : delayMsOf(booking, this.#nowNs());
    return {
      ok: booking !== undefined,
      get delayMs() {
        return delayMs();
      },
      cancel: () => this.#cancel(booking),
    };
  }

  #cancel(booking: Booking | undefined): void {
    if (booking !== undefined) this.#limiter.cancelAt(this.#nowNs(), booking);
  }

  wait(ctx: Context, n = 1): Promise<void> {
    try {
      checkNonNegativeInteger("n", n);
      if (n > this.burst && !this.#limiter.isUnlimited) {
        throw new RateLimitError(`Cannot wait for ${n} tokens as the burst is ${this.burst}`);
      }
      throwIfDone(ctx, { clock: this.#clock });
      const nowNs = this.#nowNs();
      const maxWaitNs = ctx.deadline === undefined ? undefined : this.#toNs(ctx.deadline) - nowNs;
      const booking = this.#limiter.bookAt(nowNs, n, maxWaitNs);
      if (booking === undefined) {
        throw new RateLimitError(
          "Rate limit wait would exceed context deadline",
          this.#limiter.waitNsAt(nowNs, n) / 1e6,
        );
      }
      const delayMs = delayMsOf(booking, nowNs);
      return delayMs === 0 ? granted : this.#pause(ctx, booking, delayMs);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #pause(ctx: Context, booking: Booking, delayMs: number): Promise<void> {
    try {
      await delay(delayMs, {
        signal: ctx.canAbort ? ctx.signal : undefined,
        clock: this.#clock,
      });
    } catch (error) {
      this.#cancel(booking);
      throw error;
    }
  }

  retryAfterMs(n = 1): number {
    checkNonNegativeInteger("n", n);
    return this.#limiter.waitNsAt(this.#nowNs(), n) / 1e6;
  }

  setLimit(limit: number): void {
    checkNonNegative("limit", limit);
    this.#limiter.setLimitAt(this.#nowNs(), limit);
  }

  setBurst(burst: number): void {
    checkNonNegativeInteger("burst", burst);
    this.#limiter.setBurstAt(this.#nowNs(), burst);
  }

  #nowNs(): number {
    return this.#toNs(this.#clock.now());
  }

  #toNs(timeMs: number): number {
    return Math.round((timeMs - this.#originMs) * 1e6);
  }
}

/**
 * Makes a token bucket, for {@linkcode rateLimit} and {@linkcode rateLimitWait} or for use by hand.
 * Share one bucket among endpoints to limit them together.
 * @param options The rate and the size.
 * @returns The bucket, full.
 * @throws {RangeError} If `limit` is not a non-negative number or `burst` not a non-negative
 * integer.
 * @example Usage
 * ```ts
 * import { tokenBucket } from "@kit/middleware/token-bucket";
 * import { FakeClock } from "@kit/endpoint/testing";
 * import assert from "node:assert/strict";
 * const clock = new FakeClock();
 * const bucket = tokenBucket({ limit: 10, burst: 1, clock });
 * assert(bucket.allow());
 * assert(!bucket.allow());
 * assert.equal(bucket.retryAfterMs(), 100);
 * await clock.advance(100);
 * assert(bucket.allow());
 * ```
 */
export function tokenBucket(options: TokenBucketOptions): TokenBucket {
  const { limit, burst, clock = systemClock } = options;
  checkNonNegative("limit", limit);
  checkNonNegativeInteger("burst", burst);
  return new Bucket(limit, burst, clock);
}
