/**
 * Virtual time and scripted endpoints, for tests.
 * @module
 */
import { setImmediate } from "node:timers";
import { checkNonNegative } from "./check.ts";
import type { AfterOptions, Clock } from "./clock.ts";
import type { Context } from "./context.ts";
import type { Endpoint } from "./endpoint.ts";

interface FakeTimer {
  dueAt: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until a test moves it.
 * @example Usage
 * ```ts
 * import { FakeClock } from "@kit/endpoint/testing";
 * import assert from "node:assert/strict";
 * const clock = new FakeClock();
 * let rang = false;
 * clock.after(1000, () => (rang = true));
 * await clock.advance(999);
 * assert(!rang);
 * await clock.advance(1);
 * assert(rang);
 * ```
 */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<FakeTimer>();

  /**
   * Makes a clock.
   * @param now Its time, in milliseconds since the epoch.
   */
  constructor(now: number = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  /** How many timers are pending. A test that ends with some has found a leak. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Tells the time.
   * @returns Milliseconds since the epoch.
   */
  now(): number {
    return this.#now;
  }

  /**
   * Calls back once the clock has been moved far enough.
   * @param delayMs After how many milliseconds.
   * @param callback What to call.
   * @returns The timer; disposing it prevents the call.
   */
  after(delayMs: number, callback: () => void, _options?: AfterOptions): Disposable {
    const timer = { dueAt: this.#now + (delayMs > 0 ? delayMs : 0), callback };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /**
   * Sets the time, as when the clock of a system is corrected: no timer runs, and each still has as
   * long to wait as before.
   * @param now Milliseconds since the epoch.
   */
  set(now: number): void {
    const shift = now - this.#now;
    this.#now = now;
    for (const timer of this.#timers) timer.dueAt += shift;
  }

  /**
   * Moves the clock and runs what falls due, each timer at its own time.
   * @param ms How many milliseconds.
   * @throws {RangeError} If `ms` is negative.
   */
  tick(ms: number): void {
    checkNonNegative("ms", ms);
    let leftMs: number | undefined = ms;
    while (leftMs !== undefined) leftMs = this.#step(leftMs);
  }

  /**
   * Moves the clock and runs what falls due, each timer at its own time, and lets promises settle
   * before, between and after.
   * @param ms How many milliseconds.
   * @throws {RangeError} If `ms` is negative.
   */
  async advance(ms: number): Promise<void> {
    checkNonNegative("ms", ms);
    await settled();
    let leftMs: number | undefined = ms;
    while (leftMs !== undefined) {
      leftMs = this.#step(leftMs);
      await settled();
    }
  }

  /** Moves on to the first timer that is due and runs it; returns what is left, if any was due. */
  #step(leftMs: number): number | undefined {
    let first: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.dueAt < first.dueAt) first = timer;
    }
    if (first === undefined || first.dueAt > this.#now + leftMs) {
      this.#now += leftMs;
      return undefined;
    }
    const waitMs = Math.max(0, first.dueAt - this.#now);
    this.#timers.delete(first);
    this.#now = Math.max(this.#now, first.dueAt);
    first.callback();
    return Math.max(0, leftMs - waitMs);
  }
}

/**
 * Lets every promise that can settle without time passing do so.
 * @returns A promise that resolves one turn of the event loop later.
 */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * One step of a script: a function is called, an `Error` is thrown, any other value is answered.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export type Step<Req, Res> = Res | Error | ((request: Req, ctx: Context) => Res | Promise<Res>);

/**
 * An endpoint that plays a script and keeps what it was called with.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface Scripted<Req, Res> extends Endpoint<Req, Res> {
  /** The calls so far, in order. */
  readonly calls: readonly { readonly request: Req; readonly ctx: Context }[];
}

/**
 * Makes an endpoint that plays a script, one step a call; the last step is played from then on.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param steps The script.
 * @returns The endpoint.
 * @throws {RangeError} If there is no step.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { scripted } from "@kit/endpoint/testing";
 * import assert from "node:assert/strict";
 * const endpoint = scripted<string, number>(new Error("down"), 1);
 * await assert.rejects(endpoint("a", background()), { message: "down" });
 * assert.equal(await endpoint("b", background()), 1);
 * assert.deepEqual(endpoint.calls.map((call) => call.request), ["a", "b"]);
 * ```
 */
export function scripted<Req, Res>(...steps: readonly Step<Req, Res>[]): Scripted<Req, Res> {
  if (steps.length === 0) throw new RangeError("Cannot play a script as it has no step");
  const calls: { request: Req; ctx: Context }[] = [];
  const endpoint = async (request: Req, ctx: Context): Promise<Res> => {
    const step = steps[Math.min(calls.length, steps.length - 1)] as Step<Req, Res>;
    calls.push({ request, ctx });
    if (step instanceof Error) throw step;
    return typeof step === "function"
      ? await (step as (request: Req, ctx: Context) => Res | Promise<Res>)(request, ctx)
      : step;
  };
  return Object.assign(endpoint, { calls });
}
