/**
 * Tells calls that were given up from calls that failed.
 * @module
 */
import { codeOf, type Context } from "@kit/endpoint";

/** Tells whether the caller cancelled a call. That its time was over is another matter. */
export function wasCancelled(ctx: Context): boolean {
  return ctx.canAbort && ctx.signal.aborted && codeOf(ctx.signal.reason) !== "deadline_exceeded";
}
