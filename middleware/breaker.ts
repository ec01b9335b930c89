/**
 * A circuit breaker as an object.
 * @module
 */
import { type Clock, codeOf, type Context, systemClock, whenDone } from "@kit/endpoint";
import { checkNonNegativeInteger } from "@kit/endpoint/check";
import { CircuitOpenError, TooManyRequestsError } from "./circuit_errors.ts";
import { type Counts, RollingCounts } from "./_rolling_counts.ts";

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

interface Probe {
  readonly expiry: number;
}

class StateMachine implements Breaker {
  readonly name: string;
  readonly #options: Required<Omit<BreakerOptions, "name">>;
  readonly #counts: RollingCounts;
  readonly #isRolling: boolean;
  /** Probes under way, oldest first. */
  readonly #probes = new Set<Probe>();
  #state: BreakerState = "closed";
  #rejected = 0;
  /** A call that was begun in an older generation changes nothing when it ends. */
  #generation = 0;
  #start = 0;
  #expiry = Infinity;
  #readAt: number;
  #elapsed = 0;

  constructor(options: Required<BreakerOptions>) {
    const { intervalMs, bucketPeriodMs } = options;
    const buckets = bucketPeriodMs > 0 ? Math.max(1, Math.ceil(intervalMs / bucketPeriodMs)) : 1;
    this.name = options.name;
    this.#options = {
      ...options,
      intervalMs: bucketPeriodMs > 0 && intervalMs > 0 ? buckets * bucketPeriodMs : intervalMs,
    };
    this.#counts = new RollingCounts(buckets);
    this.#isRolling = buckets > 1;
    this.#readAt = options.clock.now();
    this.#renew();
  }

  get state(): BreakerState {
    return this.#current();
  }

  get counts(): Counts {
    this.#current();
    return { ...this.#counts.sum };
  }

  get rejected(): number {
    return this.#rejected;
  }

  execute<T>(call: () => Promise<T>, ctx?: Context): Promise<T> {
    const state = this.#current();
    if (state === "open") {
      this.#rejected++;
      return Promise.reject(new CircuitOpenError(this.#expiry - this.#elapsed));
    }
    if (state === "half_open" && this.#isFull()) {
      this.#rejected++;
      return Promise.reject(new TooManyRequestsError());
    }
    const probe = state === "half_open" ? this.#addProbe() : undefined;
    const generation = this.#generation;
    const age = this.#counts.age;
    this.#counts.begin();
    let result: Promise<T>;
    try {
      result = call();
    } catch (error) {
      result = Promise.reject(error);
    }
    return whenDone(result, (error) => {
      this.#current();
      if (generation !== this.#generation) return;
      if (probe !== undefined && !this.#probes.delete(probe)) return;
      if (error === undefined) this.#succeed(age);
      else this.#reject(age, error, ctx);
    });
  }

  open(): void {
    this.#current();
    this.#change("open");
  }

  isolate(): void {
    this.open();
    this.#expiry = Infinity;
  }

  close(): void {
    if (this.#current() === "closed") this.#renew();
    else this.#change("closed");
  }

  /** Time that never goes back: when the clock does, this one stands still. */
  #now(): number {
    const now = this.#options.clock.now();
    this.#elapsed += Math.max(0, now - this.#readAt);
    this.#readAt = now;
    return this.#elapsed;
  }

  /** Does what time has brought about since, and tells the state. It reads the clock only if need be. */
  #current(): BreakerState {
    if (this.#state === "open") {
      if (this.#now() >= this.#expiry) this.#change("half_open");
    } else if (this.#state === "closed") {
      if (this.#isRolling) {
        const elapsed = this.#now() - this.#start;
        this.#counts.grow(Math.floor(elapsed / this.#options.bucketPeriodMs));
      } else if (this.#expiry !== Infinity && this.#now() >= this.#expiry) this.#renew();
    }
    return this.#state;
  }

  #change(state: BreakerState): void {
    const from = this.#state;
    if (from === state) return;
    this.#state = state;
    this.#renew();
    this.#options.onStateChange(this.name, from, state);
  }

  #renew(): void {
    const { intervalMs, timeoutMs } = this.#options;
    this.#generation++;
    this.#counts.clear();
    this.#probes.clear();
    this.#start = this.#now();
    this.#expiry = Infinity;
    if (this.#state === "open") this.#expiry = this.#start + timeoutMs;
    else if (this.#state === "closed" && intervalMs > 0) this.#expiry = this.#start + intervalMs;
  }

  #isFull(): boolean {
    const { maxRequests } = this.#options;
    if (this.#counts.validRequests < maxRequests) return false;
    const now = this.#now();
    for (const probe of this.#probes) {
      if (now < probe.expiry) break;
      this.#probes.delete(probe);
      this.#counts.exclude(this.#counts.age);
    }
    return this.#counts.validRequests >= maxRequests;
  }

  #addProbe(): Probe {
    const probe = { expiry: this.#now() + this.#options.timeoutMs };
    this.#probes.add(probe);
    return probe;
  }

  #reject(age: number, error: unknown, ctx: Context | undefined): void {
    const { isExcluded, isSuccessful } = this.#options;
    if (isAbortedByCaller(ctx) || isExcluded(error)) this.#counts.exclude(age);
    else if (isSuccessful(error)) this.#succeed(age);
    else this.#fail(age);
  }

  #succeed(age: number): void {
    this.#counts.succeed(age);
    if (this.#state !== "half_open") return;
    if (this.#counts.sum.consecutiveSuccesses >= this.#options.maxRequests) this.#change("closed");
  }

  #fail(age: number): void {
    if (this.#state === "half_open") return this.#change("open");
    this.#counts.fail(age);
    if (this.#options.readyToTrip({ ...this.#counts.sum })) this.#change("open");
  }
}

/** A deadline that passed says that the callee is slow, so it does not count as an abort. */
function isAbortedByCaller(ctx: Context | undefined): boolean {
  return ctx !== undefined && ctx.canAbort && ctx.signal.aborted &&
    codeOf(ctx.signal.reason) !== "deadline_exceeded";
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
