/**
 * Bounds the time of a call.
 * @module
 */
import {
  type AnyMiddleware,
  type Clock,
  type DisposableContext,
  type Endpoint,
  systemClock,
  withTimeout,
} from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { begin } from "./_begin.ts";
import { isStream, SteppedStream, type WatchStep } from "./_streams.ts";

/** Options for {@linkcode timeout}. */
export interface TimeoutOptions {
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** A call under way: whatever it waits for is given up when its signal is aborted. */
class BoundedCall {
  readonly #ctx: DisposableContext;
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<(reason: unknown) => void>();

  constructor(ctx: DisposableContext) {
    this.#ctx = ctx;
    this.#signal = ctx.signal;
    this.#signal.addEventListener("abort", this.#onAbort);
  }

  run<Req, Res>(next: Endpoint<Req, Res>, request: Req): Promise<Res> {
    if (this.#signal.aborted) {
      this.#end();
      return Promise.reject(this.#signal.reason);
    }
    return this.#bound(
      begin(next, request, this.#ctx),
      (response) => {
        if (!isStream(response)) return this.#end(response);
        if (this.#signal.aborted) close(response[Symbol.asyncIterator]());
        return new SteppedStream(response, this.#step) as Res;
      },
      () => {},
    );
  }

  readonly #step: WatchStep = (step, iterator) =>
    this.#bound(step, (result) => result.done ? this.#end(result) : result, () => close(iterator));

  #bound<T>(work: Promise<T>, arrived: (result: T) => T, abandon: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown) => {
        abandon();
        reject(reason);
      };
      this.#waiting.add(giveUp);
      work.then((result) => {
        this.#waiting.delete(giveUp);
        resolve(arrived(result));
      }, (error) => {
        this.#end();
        reject(error);
      });
      if (this.#signal.aborted) this.#onAbort();
    });
  }

  #end<T>(result?: T): T {
    this.#waiting.clear();
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#ctx[Symbol.dispose]();
    return result as T;
  }

  readonly #onAbort = (): void => {
    const waiting = [...this.#waiting];
    this.#end();
    for (const giveUp of waiting) giveUp(this.#signal.reason);
  };
}

/** Frees what a stream that nobody reads on holds; how that ends is of no interest. */
function close(iterator: AsyncIterator<unknown>): void {
  iterator.return?.().then(undefined, () => {});
}

/**
 * Gives a call a deadline, and its caller an answer at that deadline even if the endpoint does not
 * heed its signal. What the endpoint answers later is dropped. A streamed response must be read to
 * its end in the same time.
 *
 * The endpoint gets a context with the deadline, or with the one of the caller if that is earlier.
 * @param timeoutMs How many milliseconds a call may take; `Infinity` leaves it alone.
 * @param options Where the time comes from.
 * @returns The middleware. A call that takes too long rejects with code `deadline_exceeded`, one
 * that its caller aborts with the reason of the caller's signal.
 * @throws {RangeError} If `timeoutMs` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { timeout } from "@kit/middleware/timeout";
 * import assert from "node:assert/strict";
 * const deaf = timeout(10)(() => new Promise(() => {}));
 * await assert.rejects(deaf({}, background()), { code: "deadline_exceeded" });
 * ```
 */
export function timeout(timeoutMs: number, options: TimeoutOptions = {}): AnyMiddleware {
  const { clock = systemClock } = options;
  checkPositive("timeoutMs", timeoutMs);
  if (timeoutMs === Infinity) return (next) => next;
  // Somebody waits for the call, so the process must not end before its deadline.
  const patient: Clock = {
    now: () => clock.now(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
  };
  return (next) => (request, ctx) =>
    new BoundedCall(withTimeout(ctx, timeoutMs, { clock: patient })).run(next, request);
}
