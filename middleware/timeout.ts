/**
 * Bounds the time of a call.
 * @module
 */
import {
  type AnyMiddleware,
  type Clock,
  type DisposableContext,
  type Endpoint,
  KitError,
  systemClock,
  withTimeout,
} from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { begin } from "./_begin.ts";
import { close, isStream, SteppedStream, type WatchStep } from "./_streams.ts";

/** Options for {@linkcode timeout}. */
export interface TimeoutOptions {
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * A call under way: whatever it waits for is given up at the deadline.
 *
 * The signal of the caller is left alone: on a server, reading it costs more than a small handler
 * does. The endpoint's own context is linked to it, as soon as the endpoint asks.
 */
class BoundedCall {
  readonly #ctx: DisposableContext;
  readonly #timer: Disposable;
  readonly #waiting = new Set<(error: KitError) => void>();
  #late: KitError | undefined;

  constructor(ctx: DisposableContext, clock: Clock) {
    this.#ctx = ctx;
    this.#timer = clock.after(ctx.deadline! - clock.now(), () => this.#giveUp());
  }

  run<Req, Res>(next: Endpoint<Req, Res>, request: Req): Promise<Res> {
    return this.#bound(
      begin(next, request, this.#ctx),
      (response) => {
        if (!isStream(response)) return this.#end(response);
        if (this.#late !== undefined) close(() => response[Symbol.asyncIterator]());
        this.#stream = new SteppedStream(response, this.#step);
        return this.#stream as Res;
      },
      () => {},
    );
  }

  #stream: SteppedStream | undefined;

  readonly #step: WatchStep = (step, iterator) =>
    this.#bound(
      step,
      (result) => result.done ? this.#end(result) : result,
      () => close(() => iterator),
    );

  #bound<T>(work: Promise<T>, arrived: (result: T) => T, abandon: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = (error: KitError) => {
        abandon();
        reject(error);
      };
      this.#waiting.add(giveUp);
      work.then((result) => {
        this.#waiting.delete(giveUp);
        resolve(arrived(result));
      }, (error) => {
        this.#end();
        reject(error);
      });
      if (this.#late !== undefined) this.#giveUp();
    });
  }

  #end<T>(result?: T): T {
    this.#waiting.clear();
    this.#timer[Symbol.dispose]();
    this.#ctx[Symbol.dispose]();
    return result as T;
  }

  // The context is not disposed of, as its signal falls due at the same time.
  #giveUp(): void {
    const isFirst = this.#late === undefined;
    const error = this.#late ??= deadlineExceeded();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const giveUp of waiting) giveUp(error);
    // A reader that has stalled waits for nothing, and the stream holds what it holds.
    if (isFirst && waiting.length === 0) this.#stream?.close();
  }
}

function deadlineExceeded(): KitError {
  return new KitError("deadline_exceeded", "Deadline exceeded");
}

/**
 * Gives a call a deadline, and its caller an answer at that deadline even if the endpoint does not
 * heed its signal. What the endpoint answers later is dropped. A streamed response must be read to
 * its end in the same time.
 *
 * The endpoint gets a context with the deadline, or with the one of the caller if that is earlier. A
 * caller that aborts is heard by the endpoint, by the signal of that context.
 * @param timeoutMs How many milliseconds a call may take; `Infinity` leaves it alone.
 * @param options Where the time comes from.
 * @returns The middleware. A call that takes too long rejects with code `deadline_exceeded`.
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
  return (next) => (request, ctx) => {
    const bounded = withTimeout(ctx, timeoutMs, { clock });
    // Work that nobody waits for any more is not begun.
    if (bounded.deadline! <= clock.now()) return Promise.reject(deadlineExceeded());
    return new BoundedCall(bounded, clock).run(next, request);
  };
}
