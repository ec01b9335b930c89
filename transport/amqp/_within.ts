/**
 * Waits for goodbyes that may never be answered.
 * @module
 */
import { delay } from "@kit/endpoint";

/** Waits for some work, but not longer than so many milliseconds; never rejects. */
export async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  if (work === undefined) return;
  const pause = new AbortController();
  const late = delay(ms, { signal: pause.signal }).catch(() => {});
  await Promise.race([work.catch(() => {}), late]);
  pause.abort();
}
