/**
 * Prefers instances by their priority.
 * @module
 */
import { checkRatio } from "@kit/endpoint/check";
import type { Endpointer } from "@kit/sd";
import type { Balancer } from "./balancer.ts";
import { peakEwma } from "./peak_ewma.ts";
import { tiers } from "./_tiers.ts";

/**
 * Options for {@linkcode priorityFirst}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface PriorityFirstOptions<Req, Res> {
  /**
   * Balances over the instances of one priority.
   * @default {peakEwma}
   */
  readonly balancer?: (endpointer: Endpointer<Req, Res>) => Balancer<Req, Res>;
  /**
   * Below which share of healthy instances a priority uses the others too, once all priorities
   * together cannot take the calls. Zero never does.
   * @default {0.5}
   */
  readonly panicShare?: number;
  /**
   * Gives a number from 0 on and below 1.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/**
 * Picks among the instances with the lowest `priority`, as DNS SRV asks for. Over an
 * {@linkcode outlierEjection} the next priority takes calls once less than 72 % of the first are
 * healthy, in proportion, as in Envoy.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpointer Who knows the endpoints.
 * @param options How to balance.
 * @returns The balancer.
 * @throws {RangeError} If `panicShare` is no share.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { priorityFirst } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using names = endpointer(
 *   fixed([{ address: "backup:80", priority: 20 }, { address: "main:80", priority: 10 }]),
 *   ({ address }) => () => Promise.resolve(address),
 * );
 * const balancer = priorityFirst(names);
 * assert.equal(balancer.pick(undefined, background()).instance.address, "main:80");
 * ```
 */
export function priorityFirst<Req, Res>(
  endpointer: Endpointer<Req, Res>,
  options: PriorityFirstOptions<Req, Res> = {},
): Balancer<Req, Res> {
  const { balancer = peakEwma, panicShare = 0.5, random = Math.random } = options;
  checkRatio("panicShare", panicShare);
  const ranks = () => ({ priority = 0 }) => priority;
  return tiers(endpointer, { ranks, balancer: (tier) => balancer(tier), panicShare, random });
}
