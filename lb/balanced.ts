/**
 * The usual stack between a registry and an endpoint, in one call.
 * @module
 */
import { type Clock, type Context, type Endpoint, systemClock } from "@kit/endpoint";
import {
  type Endpointer,
  endpointer,
  type EndpointerOptions,
  type Factory,
  type Instancer,
} from "@kit/sd";
import type { Balancer } from "./balancer.ts";
import { outlierEjection, type OutlierEjectionOptions } from "./outlier_ejection.ts";
import { peakEwma } from "./peak_ewma.ts";
import { priorityFirst } from "./priority_first.ts";
import { retry, type RetryOptions } from "./retry.ts";

/**
 * Options for {@linkcode balanced}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface BalancedOptions<Req, Res> {
  /**
   * Who picks the instance for a call, among those of the lowest priority.
   * @default {peakEwma}
   */
  readonly balancer?: (endpointer: Endpointer<Req, Res>) => Balancer<Req, Res>;
  /**
   * Tries again on another instance; `{}` does so with the defaults. Only for calls that may safely
   * be made twice. The methods of one target should share a `budget`.
   * @default {false}
   */
  readonly retry?: RetryOptions | false;
  /**
   * Leaves out the instances that fail more than the others; `false` does not.
   * @default {{}}
   */
  readonly ejection?: OutlierEjectionOptions | false;
  /** How long endpoints are kept, and who is told of what goes wrong behind them. */
  readonly endpointer?: EndpointerOptions;
  /**
   * Where the time comes from, for everything.
   * @default {systemClock}
   */
  readonly clock?: Clock;
  /**
   * Gives a number from 0 on and below 1, for everything but a `balancer` of your own.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/**
 * An endpoint over all the instances of a service. Disposing of it unsubscribes and closes the
 * endpoint of each instance, after the calls under way.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface Balanced<Req, Res> extends AsyncDisposable {
  /** Calls an instance. */
  (request: Req, ctx: Context): Promise<Res>;
  /**
   * Waits for the first instance.
   * @param ctx How long to wait.
   * @returns A promise that rejects with the reason of the context, or with code `unavailable` when
   * the endpoint is disposed of.
   */
  ready(ctx: Context): Promise<void>;
}

/**
 * Makes an endpoint that calls one instance of a service for each call: it follows the instancer,
 * keeps one endpoint for each instance, leaves out those that fail, balances, and tries again if it
 * is told to.
 *
 * It does not close the instancer, so that all methods of a service can share one; they can share
 * one connection to each instance too, with {@linkcode sharedFactory}, and one `retryBudget()`.
 * @typeParam Req The request, taken from the factory.
 * @typeParam Res The response, taken from the factory.
 * @param instancer Who tells the instances.
 * @param factory Makes the endpoint of one.
 * @param options What to put between.
 * @returns The endpoint.
 * @throws {RangeError} If an option is out of its range.
 * @example Two methods that share the instancer and the budget
 * ```ts
 * import { background, KitError } from "@kit/endpoint";
 * import { balanced, leastRequest, retryBudget } from "@kit/lb";
 * import { fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * const instances = fixed(["bad:80", "good:80"]);
 * const retry = { maxAttempts: 2, timeoutMs: 250, budget: retryBudget() };
 * await using double = balanced(instances, ({ address }) => async (n: number) => {
 *   if (address === "bad:80") throw new KitError("unavailable", "down");
 *   return await Promise.resolve(2 * n);
 * }, { retry });
 * await using shout = balanced(
 *   instances,
 *   () => (text: string) => Promise.resolve(text.toUpperCase()),
 *   { retry, balancer: leastRequest },
 * );
 * assert.equal(await double(2, background()), 4);
 * assert.equal(await shout("hello", background()), "HELLO");
 * ```
 */
export function balanced<Req, Res>(
  instancer: Instancer,
  factory: Factory<Req, Res>,
  options: BalancedOptions<NoInfer<Req>, NoInfer<Res>> = {},
): Balanced<Req, Res> {
  const { clock = systemClock, random = Math.random, ejection = {} } = options;
  const { balancer = (tier) => peakEwma(tier, { clock, random }) } = options;
  // Subscribes last, since a bad option throws before that.
  const late: Endpointer<Req, Res> = { endpoints: () => live.endpoints() };
  const healthy = ejection === false ? late : outlierEjection(late, { clock, ...ejection });
  const picker = priorityFirst(healthy, {
    balancer,
    random,
    ...(ejection && ejection.panicShare !== undefined && { panicShare: ejection.panicShare }),
  });
  const call = options.retry ? retry(picker, { clock, random, ...options.retry }) : once(picker);
  const live = endpointer(instancer, factory, { clock, ...options.endpointer });
  return Object.assign((request: Req, ctx: Context) => call(request, ctx), {
    ready: async (ctx: Context) => void await live.ready(ctx),
    [Symbol.asyncDispose]: () => live[Symbol.asyncDispose](),
  });
}

function once<Req, Res>(balancer: Balancer<Req, Res>): Endpoint<Req, Res> {
  return async (request, ctx) => await balancer.pick(request, ctx).endpoint(request, ctx);
}
