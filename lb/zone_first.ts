/**
 * Prefers instances nearby.
 * @module
 */
import { checkPositiveInteger, checkRatio } from "@kit/endpoint/check";
import type { Endpointer } from "@kit/sd";
import type { Balancer } from "./balancer.ts";
import { peakEwma } from "./peak_ewma.ts";
import { tiers } from "./_tiers.ts";

/**
 * Options for {@linkcode zoneFirst}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ZoneFirstOptions<Req, Res> {
  /**
   * Balances over the instances of the zone, and another over those of all other zones.
   * @default {peakEwma}
   */
  readonly balancer?: (endpointer: Endpointer<Req, Res>) => Balancer<Req, Res>;
  /**
   * How many healthy instances the zone must have to be preferred; with fewer, all zones are one.
   * @default {1}
   */
  readonly minInstances?: number;
  /**
   * Below which share of healthy instances a side uses the others too, once both together cannot
   * take the calls. Zero never does.
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
 * Picks among the instances of a zone. Over an {@linkcode outlierEjection} the other zones take calls
 * once less than 72 % of the zone are healthy, in proportion, as in Envoy; and they take all when
 * the zone has none, or too few. A retry leaves the zone once all in it were tried.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpointer Who knows the endpoints.
 * @param zone The zone, as instances name it.
 * @param options When to leave it.
 * @returns The balancer.
 * @throws {RangeError} If `minInstances` is no positive integer or `panicShare` no share.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { roundRobin, zoneFirst } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using names = endpointer(
 *   fixed([{ address: "far:80", zone: "eu-2" }, { address: "near:80", zone: "eu-1" }]),
 *   ({ address }) => () => Promise.resolve(address),
 * );
 * const balancer = zoneFirst(names, "eu-1", { balancer: roundRobin });
 * assert.equal(balancer.pick(undefined, background()).instance.address, "near:80");
 * const exclude = new Set(["near:80"]);
 * assert.equal(balancer.pick(undefined, background(), { exclude }).instance.address, "far:80");
 * ```
 */
export function zoneFirst<Req, Res>(
  endpointer: Endpointer<Req, Res>,
  zone: string,
  options: ZoneFirstOptions<Req, Res> = {},
): Balancer<Req, Res> {
  const { balancer = peakEwma, minInstances = 1, panicShare = 0.5 } = options;
  const { random = Math.random } = options;
  checkPositiveInteger("minInstances", minInstances);
  checkRatio("panicShare", panicShare);
  return tiers(endpointer, {
    ranks(healthy) {
      let inZone = 0;
      for (const { instance } of healthy) if (instance.zone === zone) inZone++;
      return inZone < minInstances ? () => 0 : (instance) => instance.zone === zone ? 0 : 1;
    },
    balancer: (tier) => balancer(tier),
    panicShare,
    random,
  });
}
