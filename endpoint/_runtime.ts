/**
 * The one place of this package that knows which runtime it is on.
 * @module
 */

/** What the global `setTimeout` returns: a number in browsers and old Denos, else an object. */
export type TimerId = ReturnType<typeof setTimeout>;

type Refable = { ref?(): void; unref?(): void };
type DenoTimers = { refTimer(id: number): void; unrefTimer(id: number): void };

/** Makes a pending timer keep the process alive, or not. */
export function holdProcess(timer: TimerId, hold: boolean): void {
  if (typeof timer === "object") {
    const refable = timer as Refable;
    if (hold) refable.ref?.();
    else refable.unref?.();
    return;
  }
  const { Deno } = globalThis as { Deno?: DenoTimers };
  if (hold) Deno?.refTimer(timer);
  else Deno?.unrefTimer(timer);
}
