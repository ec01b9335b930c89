/**
 * Picks by chance.
 * @module
 */
import type { Endpointer } from "@kit/sd";
import { type Balancer, noEndpoints } from "./balancer.ts";
import { nextUntried } from "./_tried.ts";

/** Options for {@linkcode random}. */
export interface RandomOptions {
  /**
   * Gives a number from 0 on and below 1.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** How often chance is given another try before the neighbour of an excluded endpoint is taken. */
const DRAWS = 8;

/**
 * Picks any endpoint, each as likely as the others.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpointer Who knows the endpoints.
 * @param options Where the chance comes from.
 * @returns The balancer.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { random } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using names = endpointer(
 *   fixed(["a:80", "b:80"]),
 *   ({ address }) => () => Promise.resolve(address),
 * );
 * const balancer = random(names, { random: () => 0.7 });
 * assert.equal(balancer.pick(undefined, background()).instance.address, "b:80");
 * ```
 */
export function random<Req, Res>(
  endpointer: Endpointer<Req, Res>,
  options: RandomOptions = {},
): Balancer<Req, Res> {
  const { random = Math.random } = options;
  return {
    pick(_request, _ctx, options) {
      const entries = endpointer.endpoints();
      const { length } = entries;
      if (length === 0) throw noEndpoints();
      const exclude = options?.exclude;
      let at = Math.floor(random() * length);
      for (let draw = 1; draw < DRAWS; draw++) {
        if (!exclude?.has(entries[at]!.instance.address)) return entries[at]!;
        at = Math.floor(random() * length);
      }
      return entries[nextUntried(entries, at, exclude)]!;
    },
  };
}
