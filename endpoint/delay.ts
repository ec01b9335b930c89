/**
 * A pause that a signal can end.
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";

/** Options for {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the pause early, by rejecting. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Waits.
 * @param delayMs How many milliseconds.
 * @param options What ends the pause early, and where the time comes from.
 * @returns A promise that resolves when the time is over, and rejects with the reason of the signal
 * when that is aborted before. Neither a timer nor a listener is left behind.
 * @example Usage
 * ```ts
 * import { delay } from "@kit/endpoint";
 * import { FakeClock } from "@kit/endpoint/testing";
 * const clock = new FakeClock();
 * const pause = delay(60_000, { clock });
 * await clock.advance(60_000);
 * await pause;
 * ```
 */
export function delay(delayMs: number, options: DelayOptions = {}): Promise<void> {
  const { signal, clock = systemClock } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    function onAbort(): void {
      timer[Symbol.dispose]();
      reject(signal!.reason);
    }
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
