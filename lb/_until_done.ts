/**
 * Gives a call up when nobody waits for it any more.
 * @module
 */
import type { Context } from "@kit/endpoint";

/**
 * Makes a call and waits for it, but no longer than the context allows. What a call that was given
 * up comes to is dropped.
 * @returns The outcome of the call, or the reason of the context, whichever comes first.
 */
export function untilDone<T>(call: () => Promise<T> | T, ctx: Context): Promise<T> {
  if (!ctx.canAbort) return started(call);
  const { signal } = ctx;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => reject(signal.reason);
    // Before the call, so that this is heard before whatever the call makes of the same signal.
    signal.addEventListener("abort", onAbort, { once: true });
    started(call).then(
      (value) => {
        signal.removeEventListener("abort", onAbort);
        resolve(value);
      },
      (error) => {
        signal.removeEventListener("abort", onAbort);
        reject(error);
      },
    );
  });
}

/** Makes a call; what it throws becomes a rejection. */
export function started<T>(call: () => Promise<T> | T): Promise<T> {
  try {
    return Promise.resolve(call());
  } catch (error) {
    return Promise.reject(error);
  }
}
