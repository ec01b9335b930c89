/**
 * Picks by weight.
 * @module
 */
import type { Endpointer, Instance } from "@kit/sd";
import type { Balancer } from "./balancer.ts";
import { perSet } from "./_per_set.ts";
import { Shares } from "./_shares.ts";

/** Options for {@linkcode weighted}. */
export interface WeightedOptions {
  /**
   * Tells the share of an instance, relative to the others. With zero it is picked only when no
   * other is left. What is negative or not finite counts as one.
   * @default {({ weight = 1 }) => weight}
   */
  readonly weight?: (instance: Instance) => number;
  /**
   * Gives a number from 0 on and below 1, for where to begin: clients that start together are not to
   * pick together.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** Steps of this length come by every part of a circle as evenly as can be, however many they are. */
const STEP = (Math.sqrt(5) - 1) / 2;

/**
 * Picks each endpoint as often as its weight says, spread evenly: the picks of one never come in a
 * burst. A weight that changes in the registry counts from the next pick on.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpointer Who knows the endpoints.
 * @param options What the weights are.
 * @returns The balancer.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { weighted } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using names = endpointer(
 *   fixed([{ address: "a:80", weight: 3 }, { address: "b:80", weight: 1 }]),
 *   ({ address }) => () => Promise.resolve(address),
 * );
 * const balancer = weighted(names, { random: () => 0 });
 * const picks = Array.from({ length: 8 }, () =>
 *   balancer.pick(undefined, background()).instance.address[0]);
 * assert.equal(picks.join(""), "aabaaaab");
 * ```
 */
export function weighted<Req, Res>(
  endpointer: Endpointer<Req, Res>,
  options: WeightedOptions = {},
): Balancer<Req, Res> {
  const { weight = weightOf, random = Math.random } = options;
  const shares = perSet(endpointer, (entries) => new Shares(entries, weight));
  let place = random();
  const next = (): number => {
    place += STEP;
    if (place >= 1) place -= 1;
    return place;
  };
  return { pick: (_request, _ctx, options) => shares().draw(next, options?.exclude) };
}

function weightOf({ weight = 1 }: Instance): number {
  return weight;
}
