/**
 * The arithmetic of a token bucket, with the time given from outside.
 *
 * It answers as `golang.org/x/time/rate` does, to the nanosecond: times are whole nanoseconds, waits
 * are cut to whole nanoseconds, and what is left in the bucket is worked out from the last event
 * rather than by adding up.
 * @module
 */

/** The longest wait there is, some 292 years; it stands for "never". */
const NEVER_NS = 2 ** 63;
/** A limit that allows everything. `Infinity` would make `NaN` of no time passed. */
const UNLIMITED = Number.MAX_VALUE;

function durationOf(tokens: number, limit: number): number {
  if (limit <= 0) return NEVER_NS;
  const ns = Math.trunc((tokens / limit) * 1e9);
  return ns > NEVER_NS ? NEVER_NS : ns < -NEVER_NS ? -NEVER_NS : ns;
}

function tokensOf(ns: number, limit: number): number {
  if (limit <= 0) return 0;
  const seconds = Math.trunc(ns / 1e9);
  return (seconds + (ns - seconds * 1e9) / 1e9) * limit;
}

/** Tokens taken out of a limiter, some of them in advance. */
export interface Booking {
  readonly tokens: number;
  readonly timeToActNs: number;
  /** The limit when it was made; that of the limiter may have changed since. */
  readonly limit: number;
}

/** A token bucket; every time is in nanoseconds since whenever. */
export class Limiter {
  #limit: number;
  #burst: number;
  #tokens: number;
  #lastNs = 0;
  /** When the latest of what was booked may act. */
  #lastEventNs = -Infinity;

  constructor(limit: number, burst: number) {
    this.#limit = Math.min(limit, UNLIMITED);
    this.#burst = burst;
    this.#tokens = burst;
  }

  get limit(): number {
    return this.isUnlimited ? Infinity : this.#limit;
  }

  get burst(): number {
    return this.#burst;
  }

  get isUnlimited(): boolean {
    return this.#limit === UNLIMITED;
  }

  tokensAt(nowNs: number): number {
    const elapsed = nowNs - this.#lastNs;
    if (elapsed <= 0) return Math.min(this.#tokens, this.#burst);
    return Math.min(this.#tokens + tokensOf(elapsed, this.#limit), this.#burst);
  }

  /** How long `n` tokens would have to be waited for. */
  waitNsAt(nowNs: number, n: number): number {
    if (this.isUnlimited) return 0;
    if (n > this.#burst) return Infinity;
    const tokens = this.tokensAt(nowNs) - n;
    const waitNs = tokens < 0 ? durationOf(-tokens, this.#limit) : 0;
    return waitNs >= NEVER_NS ? Infinity : waitNs;
  }

  allowAt(nowNs: number, n: number): boolean {
    return this.isUnlimited || this.#take(nowNs, n, 0) === 0;
  }

  bookAt(nowNs: number, n: number, maxWaitNs = NEVER_NS): Booking | undefined {
    if (this.isUnlimited) return { tokens: n, timeToActNs: nowNs, limit: 0 };
    const waitNs = this.#take(nowNs, n, maxWaitNs);
    if (waitNs < 0) return undefined;
    return { tokens: n, timeToActNs: nowNs + waitNs, limit: this.#limit };
  }

  /** Takes `n` tokens out and tells the wait, or takes none and answers a negative number. */
  #take(nowNs: number, n: number, maxWaitNs: number): number {
    const tokens = this.tokensAt(nowNs) - n;
    const waitNs = tokens < 0 ? durationOf(-tokens, this.#limit) : 0;
    if (n > this.#burst || waitNs > maxWaitNs) return -1;
    this.#lastNs = nowNs;
    this.#tokens = tokens;
    this.#lastEventNs = nowNs + waitNs;
    return waitNs;
  }

  /** Puts back what was booked, less what was booked on top of it since. */
  cancelAt(nowNs: number, booking: Booking): void {
    const { tokens, timeToActNs, limit } = booking;
    if (this.isUnlimited || tokens === 0 || timeToActNs < nowNs) return;
    const restored = tokens - tokensOf(this.#lastEventNs - timeToActNs, limit);
    if (restored <= 0) return;
    this.#tokens = Math.min(this.tokensAt(nowNs) + restored, this.#burst);
    this.#lastNs = nowNs;
    if (timeToActNs === this.#lastEventNs) {
      const previousNs = timeToActNs + durationOf(-tokens, limit);
      if (previousNs >= nowNs) this.#lastEventNs = previousNs;
    }
  }

  setLimitAt(nowNs: number, limit: number): void {
    this.#settle(nowNs);
    this.#limit = Math.min(limit, UNLIMITED);
  }

  setBurstAt(nowNs: number, burst: number): void {
    this.#settle(nowNs);
    this.#burst = burst;
  }

  #settle(nowNs: number): void {
    this.#tokens = this.tokensAt(nowNs);
    this.#lastNs = nowNs;
  }
}

/** How long after `nowNs` a booking may act, in milliseconds. */
export function delayMsOf(booking: Booking, nowNs: number): number {
  const ns = booking.timeToActNs - nowNs;
  return ns > NEVER_NS / 2 ? Infinity : Math.max(0, ns / 1e6);
}
