/**
 * Tries a call on one instance after the other.
 * @module
 */
import {
  type Clock,
  codeOf,
  type Context,
  delay,
  type Endpoint,
  isKitError,
  KitError,
  remainingMs,
  systemClock,
  throwIfDone,
  whenDone,
  withTimeout,
} from "@kit/endpoint";
import { checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import type { Entry } from "@kit/sd";
import { untilDone } from "./_until_done.ts";
import { type Backoff, exponentialBackoff } from "./backoff.ts";
import type { Balancer } from "./balancer.ts";
import { type RetryBudget, retryBudget } from "./retry_budget.ts";
import { type Attempt, RetryError } from "./retry_error.ts";
import { isRetryable } from "./retryable.ts";

/** An attempt that failed and is followed by another. */
export interface RetryEvent extends Attempt {
  /** How long is waited before the next attempt, in milliseconds. */
  readonly waitMs: number;
}

/** Options for {@linkcode retry}. */
export interface RetryOptions {
  /**
   * The most attempts of a call, the first included. `Infinity` goes on until the call succeeds, the
   * caller gives up or the budget is spent.
   * @default {3}
   */
  readonly maxAttempts?: number;
  /**
   * How long a call may take with all its attempts and waits.
   * @default {Infinity}
   */
  readonly timeoutMs?: number;
  /**
   * How long each attempt may take. One that takes longer is aborted and counts as failed.
   * @default {Infinity}
   */
  readonly perAttemptMs?: number;
  /**
   * How long to wait before each retry, unless the failure tells so itself (`retryAfterMs`). What
   * an `unavailable` instance tells, such as an open breaker, binds that instance only: another that
   * is untried is called after this wait.
   * @default {exponentialBackoff()}
   */
  readonly backoff?: Backoff;
  /**
   * Bounds the retries of all that share it; `false` bounds nothing. Share one between the methods
   * of a target.
   * @default {retryBudget()}
   */
  readonly budget?: RetryBudget | false;
  /**
   * Says after each failed attempt whether another may be made: `true`, `false`, or an error with
   * which the call fails in place of this one. It is not asked when the caller has given up. What it
   * allows is still subject to all the limits.
   * @default {(error, { timedOut }) => timedOut || isRetryable(error)}
   */
  readonly retryable?: (
    error: unknown,
    attempt: Attempt,
  ) => boolean | Error | Promise<boolean | Error>;
  /** Is told of each retry, before the wait. */
  readonly onRetry?: (event: RetryEvent) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
  /**
   * Gives a number from 0 on and below 1, for the default `backoff`.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** The failures kept of one call; only a call without any limit ever makes more. */
const MAX_HISTORY = 1000;

/**
 * Makes an endpoint that calls what a balancer picks, and after a failure what it picks next: never
 * the same instance again while another is untried.
 *
 * Wrap only calls that may safely be made twice. A streamed response counts as a success once the
 * stream is there; `timeoutMs` and `perAttemptMs` go on to bind it until its end.
 *
 * The endpoint rejects with:
 * - the error of the first attempt, as it is, when that is not worth a retry;
 * - a {@linkcode RetryError} when the attempts, the budget or the time for another one are used up,
 *   or when a later attempt fails for good;
 * - code `deadline_exceeded` when the time is over, with a `RetryError` as its cause;
 * - the caller's reason when the caller cancels.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param balancer Who picks.
 * @param options The limits.
 * @returns The endpoint.
 * @throws {RangeError} If `maxAttempts` is neither a positive integer nor `Infinity`, or a time is
 * not above zero.
 * @throws {TypeError} If there is no balancer.
 * @example Usage
 * ```ts
 * import { background, KitError } from "@kit/endpoint";
 * import { retry, roundRobin } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using names = endpointer(fixed(["a:80", "b:80"]), ({ address }) => async () => {
 *   if (address === "a:80") throw new KitError("unavailable", "Service is shutting down");
 *   return await Promise.resolve(address);
 * });
 * const name = retry(roundRobin(names), { timeoutMs: 1000 });
 * assert.equal(await name(undefined, background()), "b:80");
 * ```
 */
export function retry<Req, Res>(
  balancer: Balancer<Req, Res>,
  options: RetryOptions = {},
): Endpoint<Req, Res> {
  const { maxAttempts = 3, timeoutMs = Infinity, perAttemptMs = Infinity, onRetry } = options;
  const { clock = systemClock, random, retryable = defaultRetryable } = options;
  const { backoff = exponentialBackoff({ ...(random && { random }) }) } = options;
  const { budget = retryBudget({ clock }) } = options;
  if (typeof balancer?.pick !== "function") {
    throw new TypeError(`Cannot retry as there is no balancer: current value is ${balancer}`);
  }
  if (maxAttempts !== Infinity) checkPositiveInteger("maxAttempts", maxAttempts);
  checkPositive("timeoutMs", timeoutMs);
  checkPositive("perAttemptMs", perAttemptMs);

  return (request, ctx) => {
    if (budget) budget.deposit();
    if (timeoutMs === Infinity) return run(request, ctx);
    const limited = withTimeout(ctx, timeoutMs, { clock });
    return whenDone(run(request, limited), () => limited[Symbol.dispose]());
  };

  async function run(request: Req, ctx: Context): Promise<Res> {
    throwIfDone(ctx, { clock });
    const failed: Attempt[] = [];
    let tried: Set<string> | undefined;
    let next: Entry<Req, Res> | undefined;

    /** Picks the next instance before the wait, and tells whether it is one not tried yet. */
    function isElsewhere(): boolean {
      try {
        next = balancer.pick(request, ctx, tried && { exclude: tried });
      } catch {
        return false; // the attempt tells
      }
      return tried?.has(next.instance.address) === false;
    }

    for (let number = 1;; number++) {
      let entry = next;
      next = undefined;
      try {
        entry ??= balancer.pick(request, ctx, tried && { exclude: tried });
        return await attempt(entry, request, ctx);
      } catch (error) {
        const timedOut = perAttemptMs < Infinity && codeOf(error) === "deadline_exceeded";
        failed.push({ number, instance: entry?.instance, error, timedOut });
        if (failed.length > MAX_HISTORY) failed.shift();
        if (entry !== undefined) tried = withTried(tried, entry.instance.address);
        const waitMs = await waitBeforeRetry(failed, ctx, isElsewhere);
        if (waitMs > 0) await pause(waitMs, failed, ctx);
      }
    }
  }

  function attempt(entry: Entry<Req, Res>, request: Req, ctx: Context): Promise<Res> {
    if (perAttemptMs === Infinity) return untilDone(() => entry.endpoint(request, ctx), ctx);
    const limited = withTimeout(ctx, perAttemptMs, { clock });
    const call = untilDone(() => entry.endpoint(request, limited), limited);
    return whenDone(call, () => limited[Symbol.dispose]());
  }

  /** Throws what the call fails with if there is to be no retry. */
  async function waitBeforeRetry(
    failed: readonly Attempt[],
    ctx: Context,
    isElsewhere: () => boolean,
  ): Promise<number> {
    const last = failed.at(-1)!;
    const verdict = await whileWaitedFor(() => retryable(last.error, last), failed, ctx);
    if (typeof verdict === "object") throw new RetryError(failed, verdict);
    if (!verdict) throw last.number === 1 ? last.error : new RetryError(failed);
    if (last.number >= maxAttempts) throw new RetryError(failed);
    const pushBackMs = isKitError(last.error) ? last.error.retryAfterMs : undefined;
    // Without a limit of attempts, not even a push-back of zero may keep the event loop busy.
    const leastMs = maxAttempts === Infinity ? 1 : 0;
    // That one instance is unavailable for a while says nothing of the others.
    const isOfOne = codeOf(last.error) === "unavailable" && pushBackMs !== undefined &&
      pushBackMs > 0 && isElsewhere();
    const waitMs = isOfOne ? backoff(last.number) : pushBackMs ?? backoff(last.number);
    const isInTime = waitMs >= 0 && waitMs < remainingMs(ctx, { clock });
    if (!isInTime || budget && !budget.withdraw()) throw new RetryError(failed);
    onRetry?.({ ...last, waitMs });
    return Math.max(leastMs, waitMs);
  }

  function pause(waitMs: number, failed: readonly Attempt[], ctx: Context): Promise<void> {
    const signal = ctx.canAbort ? ctx.signal : undefined;
    return whileWaitedFor(() => delay(waitMs, { clock, signal }), failed, ctx);
  }

  /** Throws what the call fails with if the caller gives up meanwhile, or has given up. */
  async function whileWaitedFor<T>(
    step: () => Promise<T> | T,
    failed: readonly Attempt[],
    ctx: Context,
  ): Promise<T> {
    try {
      const result = await untilDone(step, ctx);
      // A busy event loop runs the timer of the deadline late.
      throwIfDone(ctx, { clock });
      return result;
    } catch (error) {
      throw isDone(ctx) ? givenUp(ctx, failed) : error;
    }
  }

  function isDone(ctx: Context): boolean {
    return remainingMs(ctx, { clock }) <= 0 || ctx.canAbort && ctx.signal.aborted;
  }
}

function defaultRetryable(error: unknown, attempt: Attempt): boolean {
  return attempt.timedOut || isRetryable(error);
}

function givenUp(ctx: Context, failed: readonly Attempt[]): unknown {
  const reason = ctx.canAbort && ctx.signal.aborted ? ctx.signal.reason : undefined;
  if (reason !== undefined && codeOf(reason) !== "deadline_exceeded") return reason;
  return new KitError("deadline_exceeded", "Deadline exceeded", { cause: new RetryError(failed) });
}

/** Once a balancer picks what it was asked to leave out, all were tried, and a new round begins. */
function withTried(tried: Set<string> | undefined, address: string): Set<string> {
  return tried === undefined || tried.has(address) ? new Set([address]) : tried.add(address);
}
