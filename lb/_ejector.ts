/**
 * Counts how calls end, and leaves instances out for it.
 * @module
 */
import { type Clock, type Context, whenDone } from "@kit/endpoint";
import type { Endpointer, Entry, Instance } from "@kit/sd";
import { wasCancelled } from "./_cancelled.ts";
import { TrackedEntry, wrappedOnce } from "./_tracked.ts";
import type { Health, HealthEndpointer } from "./health.ts";
import type { Ejection, FailureShareOptions, SuccessRateOptions } from "./outlier_ejection.ts";

/** What {@linkcode outlierEjection} was told, with its defaults. */
export interface Rules {
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxEjectedShare: number;
  readonly panicShare: number;
  readonly consecutiveFailures: number;
  readonly successRate: Required<SuccessRateOptions> | undefined;
  readonly failureShare: Required<FailureShareOptions> | undefined;
  readonly isFailure: (error: unknown) => boolean;
  readonly onEject: ((ejection: Ejection) => void) | undefined;
  readonly onReturn: ((instance: Instance) => void) | undefined;
  readonly clock: Clock;
}

/** What products and sums of fractions may be off by. */
const EPSILON = 1e-9;

/** An instance with how its calls of the present interval ended. */
class Host<Req, Res> extends TrackedEntry<Req, Res> {
  successes = 0;
  failures = 0;
  failuresInRow = 0;
  /** How often it was ejected lately. */
  times = 0;
  /** Until when it is ejected; `undefined` when it is not. */
  ejectedUntil: number | undefined;
  /** The number of the set that it was last in. */
  set = 0;
  readonly #onEnd: (host: Host<Req, Res>, error: unknown, ctx: Context) => void;

  constructor(
    entry: Entry<Req, Res>,
    onEnd: (host: Host<Req, Res>, error: unknown, ctx: Context) => void,
  ) {
    super(entry);
    this.#onEnd = onEnd;
  }

  get calls(): number {
    return this.successes + this.failures;
  }

  get successRate(): number {
    return this.successes / this.calls;
  }

  protected override call(request: Req, ctx: Context): Promise<Res> {
    return whenDone(this.start(request, ctx), (error) => this.#onEnd(this, error, ctx));
  }
}

/** Works off its clock when it is asked for endpoints, and when a call ends. */
export class Ejector<Req, Res> implements HealthEndpointer<Req, Res> {
  readonly #source: Endpointer<Req, Res>;
  readonly #rules: Rules;
  readonly #hostsOf = wrappedOnce((entry: Entry<Req, Res>) => new Host(entry, this.#onEnd));
  #entries: readonly Entry<Req, Res>[] | undefined;
  #hosts: readonly Host<Req, Res>[] = [];
  #set = 0;
  #ejected = 0;
  #health: Health<Req, Res> | undefined;
  #inUse: readonly Entry<Req, Res>[] = [];
  #intervalEndsAt: number;
  /** The end of the interval, or of the first ejection. */
  #wakeAt: number;

  constructor(source: Endpointer<Req, Res>, rules: Rules) {
    this.#source = source;
    this.#rules = rules;
    this.#intervalEndsAt = this.#wakeAt = rules.clock.now() + rules.intervalMs;
  }

  endpoints(): readonly Entry<Req, Res>[] {
    this.health();
    return this.#inUse;
  }

  health(): Health<Req, Res> {
    const entries = this.#source.endpoints();
    if (entries !== this.#entries) this.#follow(entries);
    this.#work();
    return this.#health ?? this.#judge();
  }

  #follow(entries: readonly Entry<Req, Res>[]): void {
    this.#entries = entries;
    this.#hosts = Object.freeze(this.#hostsOf(entries));
    this.#set++;
    this.#ejected = 0;
    for (const host of this.#hosts) {
      host.set = this.#set;
      if (host.ejectedUntil !== undefined) this.#ejected++;
    }
    this.#health = undefined;
    this.#sleep();
  }

  #judge(): Health<Req, Res> {
    const all = this.#hosts;
    const healthy = this.#ejected === 0
      ? all
      : Object.freeze(all.filter(({ ejectedUntil }) => ejectedUntil === undefined));
    const panics = healthy.length < this.#rules.panicShare * all.length - EPSILON;
    this.#inUse = panics ? all : healthy;
    return this.#health = { all, healthy };
  }

  #work(): void {
    const now = this.#rules.clock.now();
    if (now < this.#wakeAt) return;
    if (now >= this.#intervalEndsAt) this.#endInterval(now);
    const returned = this.#hosts.filter(({ ejectedUntil }) => ejectedUntil! <= now);
    for (const host of returned) {
      host.ejectedUntil = undefined;
      // Calls that were under way when it was ejected may have failed after that.
      host.failuresInRow = 0;
    }
    if (returned.length > 0) this.#health = undefined;
    this.#ejected -= returned.length;
    this.#sleep();
    for (const { instance } of returned) this.#rules.onReturn?.(instance);
  }

  #sleep(): void {
    this.#wakeAt = this.#intervalEndsAt;
    if (this.#ejected === 0) return;
    for (const { ejectedUntil } of this.#hosts) {
      if (ejectedUntil! < this.#wakeAt) this.#wakeAt = ejectedUntil!;
    }
  }

  #endInterval(now: number): void {
    const { intervalMs, successRate, failureShare } = this.#rules;
    const lateMs = now - this.#intervalEndsAt;
    this.#intervalEndsAt = now + intervalMs;
    // What was counted long ago, before nobody called for a while, says nothing of today.
    if (lateMs < intervalMs) {
      if (successRate !== undefined) this.#judgeSuccessRate(successRate, now);
      if (failureShare !== undefined) this.#judgeFailureShare(failureShare, now);
    }
    const intervals = 1 + Math.floor(lateMs / intervalMs);
    for (const host of this.#hosts) {
      host.successes = host.failures = 0;
      if (host.ejectedUntil === undefined) host.times = Math.max(0, host.times - intervals);
    }
  }

  #judgeSuccessRate(rule: Required<SuccessRateOptions>, now: number): void {
    const judged = this.#hosts.filter(({ calls }) => calls >= rule.minCalls);
    if (judged.length < rule.minHosts) return;
    const mean = average(judged.map(({ successRate }) => successRate));
    const variance = average(judged.map(({ successRate }) => (successRate - mean) ** 2));
    const least = mean - rule.stdevFactor * Math.sqrt(variance) - EPSILON;
    this.#ejectWorst(judged.filter(({ successRate }) => successRate < least), "success-rate", now);
  }

  #judgeFailureShare(rule: Required<FailureShareOptions>, now: number): void {
    if (this.#hosts.length < rule.minHosts) return;
    const failing = this.#hosts.filter(({ calls, failures }) =>
      calls >= rule.minCalls && failures / calls > rule.threshold
    );
    this.#ejectWorst(failing, "failure-share", now);
  }

  #ejectWorst(
    hosts: readonly Host<Req, Res>[],
    reason: Ejection["reason"],
    now: number,
  ): void {
    const worstFirst = [...hosts].sort((a, b) => a.successRate - b.successRate);
    for (const host of worstFirst) this.#eject(host, reason, now);
  }

  #eject(host: Host<Req, Res>, reason: Ejection["reason"], now: number): void {
    const { baseEjectionMs, maxEjectionMs, maxEjectedShare, onEject } = this.#rules;
    const total = this.#hosts.length;
    const most = Math.min(Math.max(1, Math.floor(maxEjectedShare * total + EPSILON)), total - 1);
    if (host.ejectedUntil !== undefined || host.set !== this.#set || this.#ejected >= most) return;
    const forMs = Math.min(++host.times * baseEjectionMs, maxEjectionMs);
    host.ejectedUntil = now + forMs;
    this.#ejected++;
    this.#health = undefined;
    this.#wakeAt = Math.min(this.#wakeAt, host.ejectedUntil);
    onEject?.({ instance: host.instance, reason, forMs });
  }

  readonly #onEnd = (host: Host<Req, Res>, error: unknown, ctx: Context): void => {
    this.#work();
    if (error === undefined) {
      host.successes++;
      host.failuresInRow = 0;
      return;
    }
    if (wasCancelled(ctx) || !this.#rules.isFailure(error)) return;
    host.failures++;
    if (++host.failuresInRow < this.#rules.consecutiveFailures) return;
    this.#eject(host, "consecutive-failures", this.#rules.clock.now());
  };
}

function average(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
