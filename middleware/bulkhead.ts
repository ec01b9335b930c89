/**
 * Bounds how many calls run at once.
 * @module
 */
import {
  type AnyMiddleware,
  type Clock,
  type Context,
  KitError,
  systemClock,
  throwIfDone,
  whenDone,
} from "@kit/endpoint";
import { checkNonNegativeInteger, checkPositiveInteger } from "@kit/endpoint/check";
import { begin } from "./_begin.ts";
import { Queue } from "./_queue.ts";

/** Rejects the calls that {@linkcode bulkhead} refuses, with code `resource_exhausted`. */
export class BulkheadFullError extends KitError {
  /**
   * Creates the error for a limit of `max` calls.
   * @param max The limit.
   */
  constructor(max: number) {
    super("resource_exhausted", `Cannot start call as ${max} already run`);
    this.name = "BulkheadFullError";
  }
}

/** Options for {@linkcode bulkhead}. */
export interface BulkheadOptions {
  /**
   * The most calls at once, over all the endpoints wrapped.
   * @default {10}
   */
  readonly max?: number;
  /**
   * The most calls that wait for a place; the first to come is the first to run.
   * @default {0}
   */
  readonly maxQueue?: number;
  /**
   * Where the time comes from, by which a deadline has passed.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Refuses a call while `max` others run and `maxQueue` others wait. A streamed call runs until its
 * iteration ends. A call whose deadline has passed, or whose caller has aborted it while it waited,
 * is not begun.
 * @param options The limits.
 * @returns The middleware. A refused call rejects with a {@linkcode BulkheadFullError}.
 * @throws {RangeError} If `max` is not a positive integer or `maxQueue` not a non-negative one.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { bulkhead } from "@kit/middleware/bulkhead";
 * import assert from "node:assert/strict";
 * const double = bulkhead({ max: 1 })((n: number) => Promise.resolve(n * 2));
 * const first = double(4, background());
 * await assert.rejects(double(5, background()), { code: "resource_exhausted" });
 * assert.equal(await first, 8);
 * ```
 */
export function bulkhead(options: BulkheadOptions = {}): AnyMiddleware {
  const { max = 10, maxQueue = 0, clock = systemClock } = options;
  checkPositiveInteger("max", max);
  checkNonNegativeInteger("maxQueue", maxQueue);
  const waiting = new Queue<() => void>();
  let running = 0;

  function release(): void {
    running--;
    while (running < max && waiting.size > 0) waiting.shift()!();
  }

  function run<Res>(ctx: Context, call: () => Promise<Res>): Promise<Res> {
    try {
      if (ctx.deadline !== undefined) throwIfDone(ctx, { clock });
    } catch (error) {
      return Promise.reject(error);
    }
    running++;
    return whenDone(call(), release);
  }

  function wait<Res>(ctx: Context, call: () => Promise<Res>): Promise<Res> {
    return new Promise((resolve, reject) => {
      const signal = ctx.canAbort ? ctx.signal : undefined;
      if (signal?.aborted) return reject(signal.reason);
      const place = waiting.push(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve(run(ctx, call));
      });
      function onAbort(): void {
        waiting.remove(place);
        reject(signal!.reason);
      }
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  return (next) => (request, ctx) => {
    const call = () => begin(next, request, ctx);
    if (running < max) return run(ctx, call);
    if (waiting.size < maxQueue) return wait(ctx, call);
    return Promise.reject(new BulkheadFullError(max));
  };
}
