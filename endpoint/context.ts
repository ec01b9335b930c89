/**
 * What travels with a call besides its request: cancellation, a deadline, metadata and values.
 *
 * A context never changes; the functions of this module derive a new one. Making one costs one small
 * object: the signal, its controller and its timer come into being when `signal` is first read.
 * @module
 */
import type { Clock } from "./clock.ts";
import type { Metadata } from "./metadata.ts";

/**
 * Names a value in a context and its type. Two keys of one name are two keys.
 * @typeParam T The value.
 */
export interface ContextKey<T> {
  /** What the key is called in messages. */
  readonly name: string;
  /** Carries the type; it is never set. */
  readonly type?: T;
}

/** What travels with a call besides its request. */
export interface Context {
  /**
   * Aborted when the caller cancels, when the transport loses the caller, or when the deadline
   * passes; its reason is a `KitError` with code `cancelled` or `deadline_exceeded`, or the reason
   * that the caller gave. Made on first read.
   */
  readonly signal: AbortSignal;
  /** Whether `signal` can ever be aborted. Reading it makes nothing. */
  readonly canAbort: boolean;
  /** When the caller stops waiting, in milliseconds since the epoch; never later than a parent's. */
  readonly deadline: number | undefined;
  /** What came with the request. It is not sent on by itself. */
  readonly metadata: Metadata;
  /** What client transports send along with calls made in this context. */
  readonly outgoing: Metadata;
  /**
   * Looks a value up.
   * @typeParam T The value.
   * @param key The key it was stored under.
   * @returns The value, or `undefined` when there is none.
   */
  value<T>(key: ContextKey<T>): T | undefined;
}

/**
 * A context that holds something while it is in use: a timer for its deadline, a listener on its
 * parent's signal. Dispose it when the call is over. A deadline that is not disposed of goes away
 * when it passes, and does not keep the process alive.
 */
export interface DisposableContext extends Context, Disposable {}

/** Options for {@linkcode withTimeout} and {@linkcode withDeadline}. */
export interface DeadlineOptions {
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Makes a key for a value in a context.
 * @typeParam T The value.
 * @param name What the key is called in messages.
 * @returns A key that equals no other.
 * @example Usage
 * ```ts
 * import { background, contextKey, withValue } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const user = contextKey<string>("user");
 * assert.equal(withValue(background(), user, "ada").value(user), "ada");
 * ```
 */
export function contextKey<T>(name: string): ContextKey<T> {
  return Object.freeze({ name });
}
