/**
 * The time that Lambda gives an invocation.
 * @module
 */
import { type Clock, type Context, type DisposableContext, withTimeout } from "@kit/endpoint";
import type { LambdaContext } from "./handler.ts";

/** Sets the deadline of an invocation, and keeps the process alive until then. */
export function withRemaining(
  parent: Context,
  context: LambdaContext,
  marginMs: number,
  clock: Clock,
): { readonly ctx: DisposableContext; readonly end: () => void } {
  const leftMs = (context.getRemainingTimeInMillis?.() ?? Infinity) - marginMs;
  const ctx = withTimeout(parent, leftMs, { clock });
  // The timer of a context lets the process end, and Node ends where nothing else is waited for.
  const hold = leftMs === Infinity ? undefined : clock.after(leftMs, () => {});
  return {
    ctx,
    end() {
      ctx[Symbol.dispose]();
      hold?.[Symbol.dispose]();
    },
  };
}
