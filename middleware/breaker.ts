/**
 * A circuit breaker as an object.
 * @module
 */
import { type Clock, codeOf, type Context, systemClock } from "@kit/endpoint";
import { checkNonNegativeInteger } from "@kit/endpoint/check";
import type { Counts } from "./_rolling_counts.ts";
import { StateMachine } from "./_state_machine.ts";

export type { Counts };

/** What a breaker does: let all calls through, none, or a few to find out. */
export type BreakerState = "closed" | "half_open" | "open";

/** Options for {@linkcode breaker}. A number of zero or less means the default. */
export interface BreakerOptions {
  /**
   * What the breaker is called in `onStateChange`.
   * @default {""}
   */
  readonly name?: string;
  /**
   * How many calls a half-open breaker lets through; that many successes in a row close it.
   * @default {1}
   */
  readonly maxRequests?: number;
  /**
   * After how many milliseconds a closed breaker forgets its counts; zero means never.
   * @default {0}
   */
  readonly intervalMs?: number;
  /**
   * Forgets a piece at a time: counts older than `intervalMs` drop out in steps of this many
   * milliseconds. `intervalMs` is rounded up to a multiple of it. Zero means all at once.
   * @default {0}
   */
  readonly bucketPeriodMs?: number;
  /**
   * How many milliseconds the breaker stays open, and how long a half-open one waits for a probe
   * that does not settle.
   * @default {60_000}
   */
  readonly timeoutMs?: number;
  /**
   * Tells, after each failure in the closed state, whether to open. {@linkcode failureRatio} makes
   * one.
   * @default {(counts) => counts.consecutiveFailures > 5}
   */
  readonly readyToTrip?: (counts: Counts) => boolean;
  /**
   * Tells whether a call that rejected went well all the same.
   * @default {() => false}
   */
  readonly isSuccessful?: (error: unknown) => boolean;
  /**
   * Tells whether a call that rejected counts neither way. A call that its caller aborted never
   * counts, whatever this says.
   * @default {(error) => codeOf(error) === "cancelled"}
   */
  readonly isExcluded?: (error: unknown) => boolean;
  /** Called after each change of state. It must not throw. */
  readonly onStateChange?: (name: string, from: BreakerState, to: BreakerState) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Stops calling what keeps failing. It answers as sony/gobreaker does, but cannot be wedged: a probe
 * that never settles frees its place after `timeoutMs`.
 */
export interface Breaker {
  /** What it is called. */
  readonly name: string;
  /** Its state now; worked out when it is read, by no timer. */
  readonly state: BreakerState;
  /** How the calls of the current window went. */
  readonly counts: Counts;
  /** How many calls it has refused so far. */
  readonly rejected: number;
  /**
   * Makes a call if the state allows it. A streamed result counts when its iteration ends.
   * @typeParam T The result.
   * @param call What to call.
   * @param ctx The context of the call, by which an aborted caller is told from a failure.
   * @returns What the call resolves or rejects with.
   * @throws {CircuitOpenError} If the breaker is open.
   * @throws {TooManyRequestsError} If it is half-open and its probes are under way.
   */
  execute<T>(call: () => Promise<T>, ctx?: Context): Promise<T>;
  /** Opens it for `timeoutMs`, as too many failures would. */
  open(): void;
  /** Opens it until {@linkcode Breaker.close}. */
  isolate(): void;
  /** Closes it and forgets the counts. */
  close(): void;
}

function orDefault(name: string, value: number | undefined, byDefault: number): number {
  if (Number.isNaN(value)) {
    throw new RangeError(`Cannot use "${name}" as it must be a number: current value is ${value}`);
  }
  return value === undefined || value <= 0 ? byDefault : value;
}

/**
 * Makes a circuit breaker, to be shared among endpoints, watched, or opened and closed by hand.
 * @param options When it opens, for how long, and what counts as a failure.
 * @returns The breaker, closed.
 * @throws {RangeError} If `maxRequests` is not an integer or a duration is not a number.
 * @example Usage
 * ```ts
 * import { breaker } from "@kit/middleware/breaker";
 * import assert from "node:assert/strict";
 * const guard = breaker({ readyToTrip: (counts) => counts.consecutiveFailures >= 2 });
 * for (let i = 0; i < 2; i++) {
 *   await assert.rejects(guard.execute(() => Promise.reject(new Error("down"))));
 * }
 * assert.equal(guard.state, "open");
 * guard.close();
 * assert.equal(await guard.execute(() => Promise.resolve(1)), 1);
 * ```
 */
export function breaker(options: BreakerOptions = {}): Breaker {
  const maxRequests = orDefault("maxRequests", options.maxRequests, 1);
  checkNonNegativeInteger("maxRequests", maxRequests);
  return new StateMachine({
    name: options.name ?? "",
    maxRequests,
    intervalMs: orDefault("intervalMs", options.intervalMs, 0),
    bucketPeriodMs: orDefault("bucketPeriodMs", options.bucketPeriodMs, 0),
    timeoutMs: orDefault("timeoutMs", options.timeoutMs, 60_000),
    readyToTrip: options.readyToTrip ?? ((counts) => counts.consecutiveFailures > 5),
    isSuccessful: options.isSuccessful ?? (() => false),
    isExcluded: options.isExcluded ?? ((error) => codeOf(error) === "cancelled"),
    onStateChange: options.onStateChange ?? (() => {}),
    clock: options.clock ?? systemClock,
  });
}
