/**
 * Picks who has the fewest calls under way.
 * @module
 */
import { checkPositiveInteger } from "@kit/endpoint/check";
import type { Endpointer, Entry, Instance } from "@kit/sd";
import type { Balancer } from "./balancer.ts";
import { leastOf } from "./_least.ts";
import { perSet } from "./_per_set.ts";
import { Shares } from "./_shares.ts";
import { CountedEntry, wrappedOnce } from "./_tracked.ts";

/** Options for {@linkcode leastRequest}. */
export interface LeastRequestOptions {
  /**
   * How many endpoints are drawn and compared: 2 to 10; more counts as 10, as in gRPC.
   * @default {2}
   */
  readonly choices?: number;
  /**
   * Tells the share of an instance, relative to the others, such as `({ weight = 1 }) => weight`:
   * it is drawn as often, and may have as many calls under way, as its share says. Without it all
   * count alike.
   */
  readonly weight?: (instance: Instance) => number;
  /**
   * Gives a number from 0 on and below 1.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

const MAX_CHOICES = 10;

/**
 * Draws two endpoints and picks the one with fewer calls under way. A call counts until it is over,
 * a streamed response until its last item.
 *
 * An endpoint that fails fast has few calls under way, and so gets more of them: use it together
 * with {@linkcode outlierEjection}, or take {@linkcode peakEwma}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpointer Who knows the endpoints.
 * @param options How they are drawn.
 * @returns The balancer. Its entries count the calls made on them.
 * @throws {RangeError} If `choices` is no integer of 2 or more.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { leastRequest } from "@kit/lb";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using names = endpointer(fixed(["a:80", "b:80"]), () => () => new Promise(() => {}));
 * const balancer = leastRequest(names);
 * const first = balancer.pick(undefined, background());
 * first.endpoint(undefined, background());
 * const second = balancer.pick(undefined, background());
 * assert.notEqual(second.instance.address, first.instance.address);
 * ```
 */
export function leastRequest<Req, Res>(
  endpointer: Endpointer<Req, Res>,
  options: LeastRequestOptions = {},
): Balancer<Req, Res> {
  const { choices = 2, weight, random = Math.random } = options;
  checkPositiveInteger("choices", choices);
  if (choices < 2) {
    throw new RangeError(
      `Cannot use "choices" as it must be at least 2: current value is ${choices}`,
    );
  }
  const compared = Math.min(choices, MAX_CHOICES);
  const tally = { running: 0 };
  const counted = wrappedOnce((entry: Entry<Req, Res>) => new CountedEntry(entry, tally));
  if (weight !== undefined) return byWeight(weight);

  const entries = perSet(endpointer, counted);
  const draw = {
    choices: compared,
    cost: ({ running }: CountedEntry<Req, Res>) => running,
    random,
  };
  return { pick: (_request, _ctx, options) => leastOf(entries(), draw, options?.exclude) };

  function byWeight(weight: (instance: Instance) => number): Balancer<Req, Res> {
    const shares = perSet(endpointer, (entries) => new Shares(counted(entries), weight));
    const cost = ({ running, instance }: CountedEntry<Req, Res>) =>
      running === 0 ? 0 : running / Math.max(weight(instance), Number.MIN_VALUE);
    return {
      pick(_request, _ctx, options) {
        const set = shares();
        let best = set.draw(random, options?.exclude);
        for (let choice = 1; choice < compared; choice++) {
          const other = set.draw(random, options?.exclude);
          if (cost(other) < cost(best)) best = other;
        }
        return best;
      },
    };
  }
}
