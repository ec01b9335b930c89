/**
 * Time as a seam, so that tests run in virtual time.
 * @module
 */
import { systemTimers } from "./_timers.ts";

/** Options for {@linkcode Clock.after}. */
export interface AfterOptions {
  /**
   * Whether the pending timer keeps the process alive.
   * @default {true}
   */
  readonly keepAlive?: boolean;
}

/** Where the time comes from. */
export interface Clock {
  /**
   * Tells the time.
   * @returns Milliseconds since the epoch, with fractions.
   */
  now(): number;
  /**
   * Calls back once.
   * @param delayMs After how many milliseconds; zero, less or `NaN` means as soon as possible.
   * @param callback What to call; it must not throw.
   * @param options Whether the process waits for it.
   * @returns The timer; disposing it before the call prevents the call.
   */
  after(delayMs: number, callback: () => void, options?: AfterOptions): Disposable;
}

/**
 * The clock of the system. Its time never goes back, since it counts from the start of the process
 * on (`performance.now`); so it does not follow when the system's time is corrected later, or after
 * a suspension. Its timers share one timer of the runtime, so that one more costs no system call.
 */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (delayMs, callback, options) =>
    systemTimers.add(delayMs, callback, options?.keepAlive ?? true),
};
