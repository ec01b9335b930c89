/**
 * Turns instances into endpoints.
 * @module
 */
import type { Clock, Context, Endpoint } from "@kit/endpoint";
import { LiveEntries } from "./_live_endpointer.ts";
import type { Factory } from "./factory.ts";
import type { Instance } from "./instance.ts";
import type { Instancer } from "./instancer.ts";

/**
 * One instance with the endpoint that calls it. The object lives as long as the instance: what
 * belongs to the instance can be kept in a `WeakMap` by it.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface Entry<Req, Res> {
  /** The instance, as last described. */
  readonly instance: Instance;
  /** What calls it; the same function for the whole life of the entry. */
  readonly endpoint: Endpoint<Req, Res>;
}

/**
 * Knows the endpoints of a service.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface Endpointer<Req, Res> {
  /**
   * Tells the endpoints of the moment. It costs nothing: the same array is returned until something
   * changes, so that a balancer can keep what it made of it.
   * @returns The endpoints in the order of their addresses; none when no instance runs.
   * @throws {KitError} With code `unavailable` if the instances are not known.
   */
  endpoints(): readonly Entry<Req, Res>[];
}

/**
 * An endpointer that follows an instancer. Disposing of it unsubscribes and closes each endpoint,
 * after the calls under way.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface LiveEndpointer<Req, Res> extends Endpointer<Req, Res>, AsyncDisposable {
  /**
   * Waits for the first endpoint.
   * @param ctx How long to wait.
   * @returns A promise of the first set that is not empty. It rejects with the reason of the
   * context, or with code `unavailable` when the endpointer is disposed of.
   */
  ready(ctx: Context): Promise<readonly Entry<Req, Res>[]>;
}

/** Something that went wrong behind {@linkcode endpointer}, while it goes on with what it has. */
export interface EndpointerFailure {
  /** What went wrong. */
  readonly error: unknown;
  /** In doing what: hearing of instances, making an endpoint, or closing one. */
  readonly during: "discovery" | "factory" | "close";
  /** Which endpoint it is about. */
  readonly instance?: Instance;
  /** Which registry it is about. */
  readonly source?: string;
}

/** Options for {@linkcode endpointer}. */
export interface EndpointerOptions {
  /**
   * How long the endpoints of before an error are used while the instances are not known.
   * @default {Infinity}
   */
  readonly invalidateOnErrorMs?: number;
  /**
   * How long the endpoint of an instance that left is kept, in case it returns.
   * @default {0}
   */
  readonly closeDelayMs?: number;
  /**
   * How long, beyond that, an endpoint is not closed because calls are under way on it.
   * @default {30000}
   */
  readonly drainMs?: number;
  /**
   * After how long a factory that failed is tried again for the first time; then after twice as long
   * each time, up to a minute. An event tries it again at once. `Infinity` leaves it at that.
   * @default {1000}
   */
  readonly factoryRetryMs?: number;
  /** Is told what goes wrong: the place to log. */
  readonly onError?: (failure: EndpointerFailure) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Keeps one endpoint for each instance.
 *
 * An endpoint is made once and lives as long as its instance, so that the state of a breaker in it
 * survives every update. While the registry is down the last endpoints go on. Each is closed exactly
 * once: after its instance left, `closeDelayMs` are over and the calls on it have ended, or after
 * `drainMs` more. An instance that returns before that finds its endpoint again.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param instancer Who tells the instances. It is not closed with the endpointer.
 * @param factory Makes the endpoint of one. If it throws, the instance is left out and tried again.
 * @param options How long things are kept.
 * @returns The endpointer.
 * @throws {RangeError} If an option is negative.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * await using sums = endpointer(
 *   fixed(["a:80", "b:80"]),
 *   ({ address }) => (n: number) => Promise.resolve(`${address} got ${n}`),
 * );
 * const [first] = sums.endpoints();
 * assert.equal(await first?.endpoint(1, background()), "a:80 got 1");
 * ```
 */
export function endpointer<Req, Res>(
  instancer: Instancer,
  factory: Factory<Req, Res>,
  options: EndpointerOptions = {},
): LiveEndpointer<Req, Res> {
  return new LiveEntries(instancer, factory, options);
}
