/**
 * Tells how long the caller of a call still waits.
 * @module
 */
import { systemClock } from "./clock.ts";
import type { Context, DeadlineOptions } from "./context.ts";
import { deadlineExceeded } from "./_contexts.ts";

/**
 * Tells how long the caller still waits.
 * @param ctx The context.
 * @param options Where the time comes from.
 * @returns Milliseconds, zero or less when the deadline has passed, `Infinity` without one.
 */
export function remainingMs(ctx: Context, options: DeadlineOptions = {}): number {
  return ctx.deadline === undefined
    ? Infinity
    : ctx.deadline - (options.clock ?? systemClock).now();
}

/**
 * Throws if nobody waits for the call any more, so that no work is begun in vain.
 * @param ctx The context.
 * @param options Where the time comes from.
 * @throws {KitError} With code `deadline_exceeded` if the deadline has passed.
 * @throws The reason of the signal if it is aborted.
 * @example Usage
 * ```ts
 * import { background, throwIfDone, withDeadline } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * throwIfDone(background());
 * using late = withDeadline(background(), Date.now() - 1);
 * assert.throws(() => throwIfDone(late), { code: "deadline_exceeded" });
 * ```
 */
export function throwIfDone(ctx: Context, options: DeadlineOptions = {}): void {
  if (!ctx.canAbort && ctx.deadline === undefined) return;
  if (remainingMs(ctx, options) <= 0) throw deadlineExceeded();
  if (ctx.canAbort) ctx.signal.throwIfAborted();
}
