/**
 * Leaves out the instances that fail more than the others.
 * @module
 */
import { type Clock, systemClock } from "@kit/endpoint";
import {
  checkNonNegative,
  checkPositive,
  checkPositiveInteger,
  checkRatio,
} from "@kit/endpoint/check";
import type { Endpointer, Instance } from "@kit/sd";
import { Ejector } from "./_ejector.ts";
import type { HealthEndpointer } from "./health.ts";
import { isHostFailure } from "./host_failure.ts";

/** Ejects who succeeds far less often than the others. */
export interface SuccessRateOptions {
  /**
   * How many standard deviations below the mean of all an instance has to be.
   * @default {1.9}
   */
  readonly stdevFactor?: number;
  /**
   * How many instances must have had enough calls.
   * @default {5}
   */
  readonly minHosts?: number;
  /**
   * How many calls in an interval are enough.
   * @default {100}
   */
  readonly minCalls?: number;
}

/** Ejects who fails nearly always. */
export interface FailureShareOptions {
  /**
   * Above which share of failures.
   * @default {0.85}
   */
  readonly threshold?: number;
  /**
   * How many instances there must be.
   * @default {5}
   */
  readonly minHosts?: number;
  /**
   * How many calls an instance must have had in an interval.
   * @default {50}
   */
  readonly minCalls?: number;
}

/** An instance that was ejected. */
export interface Ejection {
  /** Which. */
  readonly instance: Instance;
  /** Which rule it broke. */
  readonly reason: "consecutive-failures" | "success-rate" | "failure-share";
  /** For how long, in milliseconds. */
  readonly forMs: number;
}

/** Options for {@linkcode outlierEjection}. */
export interface OutlierEjectionOptions {
  /**
   * How long the calls are counted that `successRate` and `failureShare` judge by.
   * @default {10000}
   */
  readonly intervalMs?: number;
  /**
   * For how long an instance is ejected the first time; the next time for twice as long, and so on.
   * Each interval that it is not ejected takes one time off.
   * @default {30000}
   */
  readonly baseEjectionMs?: number;
  /**
   * The longest an instance is ejected, if that is more than `baseEjectionMs`.
   * @default {300000}
   */
  readonly maxEjectionMs?: number;
  /**
   * Which share of the instances may be ejected at once. One always may, the last one never.
   * @default {0.1}
   */
  readonly maxEjectedShare?: number;
  /**
   * Below which share of healthy instances the ejected ones are used too. Zero never does.
   * @default {0.5}
   */
  readonly panicShare?: number;
  /**
   * After how many failures in a row an instance is ejected at once. `Infinity` never does.
   * @default {5}
   */
  readonly consecutiveFailures?: number;
  /**
   * Ejects who succeeds far less often than the others; `false` does not.
   * @default {{}}
   */
  readonly successRate?: SuccessRateOptions | false;
  /**
   * Ejects who fails nearly always; `false` does not.
   * @default {{}}
   */
  readonly failureShare?: FailureShareOptions | false;
  /**
   * Tells whether a failure speaks against the instance. One that does not is not counted at all. It
   * is not asked about calls that the caller cancelled; those are not counted either.
   * @default {isHostFailure}
   */
  readonly isFailure?: (error: unknown) => boolean;
  /** Is told of each ejection. */
  readonly onEject?: (ejection: Ejection) => void;
  /** Is told of each instance that is used again: with the first call after its time is over. */
  readonly onReturn?: (instance: Instance) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Leaves out the instances that fail more than the others, for a while, by the rules and numbers of
 * gRPC's outlier detection (A50); and those that fail several times in a row, as Envoy does. When too
 * few are left, all are used.
 *
 * It has no timer: the time is looked at with each call.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpointer Who knows the endpoints.
 * @param options Who is left out, and how long.
 * @returns An endpointer that every balancer works over. Its entries watch the calls made on them.
 * @throws {RangeError} If a time, a count or a share is none.
 * @example Usage
 * ```ts
 * import { background, KitError } from "@kit/endpoint";
 * import { outlierEjection, roundRobin } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using names = endpointer(fixed(["bad:80", "good:80"]), ({ address }) => async () => {
 *   if (address === "bad:80") throw new KitError("unavailable", "down");
 *   return await Promise.resolve(address);
 * });
 * const balancer = roundRobin(outlierEjection(names));
 * const call = () => balancer.pick(undefined, background()).endpoint(undefined, background());
 * for (let i = 0; i < 10; i++) await call().catch(() => {});
 * for (let i = 0; i < 10; i++) assert.equal(await call(), "good:80");
 * ```
 */
export function outlierEjection<Req, Res>(
  endpointer: Endpointer<Req, Res>,
  options: OutlierEjectionOptions = {},
): HealthEndpointer<Req, Res> {
  const { intervalMs = 10_000, baseEjectionMs = 30_000, maxEjectionMs = 300_000 } = options;
  const { maxEjectedShare = 0.1, panicShare = 0.5, consecutiveFailures = 5 } = options;
  const { isFailure = isHostFailure, onEject, onReturn, clock = systemClock } = options;
  checkPositive("intervalMs", intervalMs);
  checkPositive("baseEjectionMs", baseEjectionMs);
  checkPositive("maxEjectionMs", maxEjectionMs);
  checkRatio("maxEjectedShare", maxEjectedShare);
  checkRatio("panicShare", panicShare);
  if (consecutiveFailures !== Infinity) {
    checkPositiveInteger("consecutiveFailures", consecutiveFailures);
  }
  return new Ejector(endpointer, {
    intervalMs,
    baseEjectionMs,
    maxEjectionMs: Math.max(baseEjectionMs, maxEjectionMs),
    maxEjectedShare,
    panicShare,
    consecutiveFailures,
    successRate: checkedSuccessRate(options.successRate ?? {}),
    failureShare: checkedFailureShare(options.failureShare ?? {}),
    isFailure,
    onEject,
    onReturn,
    clock,
  });
}

function checkedSuccessRate(
  options: SuccessRateOptions | false,
): Required<SuccessRateOptions> | undefined {
  if (options === false) return undefined;
  const { stdevFactor = 1.9, minHosts = 5, minCalls = 100 } = options;
  checkNonNegative("stdevFactor", stdevFactor);
  checkPositiveInteger("minHosts", minHosts);
  checkPositiveInteger("minCalls", minCalls);
  return { stdevFactor, minHosts, minCalls };
}

function checkedFailureShare(
  options: FailureShareOptions | false,
): Required<FailureShareOptions> | undefined {
  if (options === false) return undefined;
  const { threshold = 0.85, minHosts = 5, minCalls = 50 } = options;
  checkRatio("threshold", threshold);
  checkPositiveInteger("minHosts", minHosts);
  checkPositiveInteger("minCalls", minCalls);
  return { threshold, minHosts, minCalls };
}
