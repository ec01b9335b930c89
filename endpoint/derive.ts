/**
 * Derives a context from another.
 * @module
 */
import { systemClock } from "./clock.ts";
import type { Context, ContextKey, DeadlineOptions, DisposableContext } from "./context.ts";
import {
  DeadlineContext,
  DetachedContext,
  MetadataContext,
  OutgoingContext,
  SameDeadlineContext,
  SignalContext,
  ValueContext,
} from "./_contexts.ts";
import type { Metadata } from "./metadata.ts";

/**
 * Adds a value.
 * @typeParam T The value.
 * @param parent The context to derive from.
 * @param key The key.
 * @param value The value.
 * @returns The context with the value.
 */
export function withValue<T>(parent: Context, key: ContextKey<T>, value: T): Context {
  return new ValueContext(parent, key, value);
}

/**
 * Sets what came with the request. Transports use it, and tests in their place.
 * @param parent The context to derive from.
 * @param metadata The metadata; it replaces the parent's.
 * @returns The context with the metadata.
 */
export function withMetadata(parent: Context, metadata: Metadata): Context {
  return new MetadataContext(parent, metadata);
}

/**
 * Sets what client transports send along with calls. To add to what is set already, pass
 * `metadata(parent.outgoing, more)`.
 * @param parent The context to derive from.
 * @param outgoing The metadata; it replaces the parent's.
 * @returns The context with the outgoing metadata.
 * @example Usage
 * ```ts
 * import { background, metadata, withOutgoing } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const ctx = withOutgoing(background(), metadata({ "x-request-id": "7" }));
 * assert.equal(ctx.outgoing.get("X-Request-Id"), "7");
 * ```
 */
export function withOutgoing(parent: Context, outgoing: Metadata): Context {
  return new OutgoingContext(parent, outgoing);
}

/**
 * Lets a signal cancel the context, besides whatever cancels its parent.
 * @param parent The context to derive from.
 * @param signal The signal; its reason becomes the reason of the context.
 * @returns The context. Dispose it when the call is over, or it keeps a listener on a signal that
 * outlives it.
 * @example Usage
 * ```ts
 * import { background, withSignal } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const controller = new AbortController();
 * using ctx = withSignal(background(), controller.signal);
 * controller.abort();
 * assert(ctx.signal.aborted);
 * ```
 */
export function withSignal(parent: Context, signal: AbortSignal): DisposableContext {
  return new SignalContext(parent, signal);
}

/**
 * Sets a deadline, unless the parent has an earlier one.
 * @param parent The context to derive from.
 * @param deadline When the caller stops waiting, in milliseconds since the epoch; `Infinity` sets
 * none.
 * @param options Where the time comes from.
 * @returns The context. Dispose it when the call is over, to free its timer.
 * @throws {RangeError} If `deadline` is not a number.
 */
export function withDeadline(
  parent: Context,
  deadline: number,
  options: DeadlineOptions = {},
): DisposableContext {
  if (Number.isNaN(deadline)) {
    throw new RangeError(`Cannot set deadline as it is not a time: current value is ${deadline}`);
  }
  if (deadline >= (parent.deadline ?? Infinity)) {
    return new SameDeadlineContext(parent);
  }
  return new DeadlineContext(parent, deadline, options.clock ?? systemClock);
}

/**
 * Sets a deadline some milliseconds from now, unless the parent has an earlier one.
 * @param parent The context to derive from.
 * @param timeoutMs How long from now; `Infinity` sets no deadline.
 * @param options Where the time comes from.
 * @returns The context. Dispose it when the call is over, to free its timer.
 * @throws {RangeError} If `timeoutMs` is not a number.
 * @example Usage
 * ```ts
 * import { background, withTimeout } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * using outer = withTimeout(background(), 100);
 * using inner = withTimeout(outer, 5000);
 * assert.equal(inner.deadline, outer.deadline);
 * ```
 */
export function withTimeout(
  parent: Context,
  timeoutMs: number,
  options: DeadlineOptions = {},
): DisposableContext {
  return withDeadline(parent, (options.clock ?? systemClock).now() + timeoutMs, options);
}

/**
 * Cuts a context loose for work that outlives its call: the values and the metadata stay, the
 * signal and the deadline go.
 * @param parent The context to derive from.
 * @returns The context that is never aborted.
 * @example Usage
 * ```ts
 * import { background, detach, withTimeout } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * using ctx = withTimeout(background(), 100);
 * assert.equal(detach(ctx).canAbort, false);
 * ```
 */
export function detach(parent: Context): Context {
  return new DetachedContext(parent);
}
