/**
 * Takes turns.
 * @module
 */
import type { Endpointer } from "@kit/sd";
import { type Balancer, noEndpoints } from "./balancer.ts";
import { nextUntried } from "./_tried.ts";

/**
 * Picks each endpoint in turn, in the order of their addresses.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpointer Who knows the endpoints.
 * @returns The balancer.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { roundRobin } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using names = endpointer(
 *   fixed(["a:80", "b:80"]),
 *   ({ address }) => () => Promise.resolve(address),
 * );
 * const balancer = roundRobin(names);
 * const picks = [1, 2, 3].map(() => balancer.pick(undefined, background()).instance.address);
 * assert.deepEqual(picks, ["a:80", "b:80", "a:80"]);
 * ```
 */
export function roundRobin<Req, Res>(endpointer: Endpointer<Req, Res>): Balancer<Req, Res> {
  let next = 0;
  return {
    pick(_request, _ctx, options) {
      const entries = endpointer.endpoints();
      if (entries.length === 0) throw noEndpoints();
      const turn = next < entries.length ? next : 0;
      const at = nextUntried(entries, turn, options?.exclude);
      next = at + 1;
      return entries[at]!;
    },
  };
}
