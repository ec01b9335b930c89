/**
 * Turns instances into endpoints.
 * @module
 */
import type { Clock, Context, Endpoint } from "@kit/endpoint";
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

/** What has to be closed with an endpoint, in any of three ways; the first that is there is taken. */
export interface Closable extends Partial<AsyncDisposable>, Partial<Disposable> {
  /** Closes. */
  readonly close?: () => void | Promise<void>;
}

/**
 * Makes the endpoint of an instance: the endpoint alone, or with what has to be closed with it.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export type Factory<Req, Res> = (
  instance: Instance,
) =>
  | (Endpoint<Req, Res> & Partial<AsyncDisposable> & Partial<Disposable>)
  | (Closable & { readonly endpoint: Endpoint<Req, Res> });

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
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param instancer Who tells the instances.
 * @param factory Makes the endpoint of one.
 * @param options How long things are kept.
 * @returns The endpointer.
 */
export function endpointer<Req, Res>(
  _instancer: Instancer,
  _factory: Factory<Req, Res>,
  _options: EndpointerOptions = {},
): LiveEndpointer<Req, Res> {
  throw new Error("Not yet");
}
