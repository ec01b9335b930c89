/**
 * The states of a circuit breaker.
 * @module
 */
import { codeOf, type Context, whenDone } from "@kit/endpoint";
import type { Breaker, BreakerOptions, BreakerState } from "./breaker.ts";
import { CircuitOpenError, TooManyRequestsError } from "./circuit_errors.ts";
import { type Counts, RollingCounts } from "./_rolling_counts.ts";

interface Probe {
  readonly expiry: number;
}

/** gobreaker, with an end to probes that never settle. */
export class StateMachine implements Breaker {
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
