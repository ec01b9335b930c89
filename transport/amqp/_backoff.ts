/**
 * How long to wait before something is tried again.
 * @module
 */
import { checkPositive } from "@kit/endpoint/check";

/** How long pauses are. */
export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
  readonly random: () => number;
}

/** Refuses what cannot be a backoff. */
export function checkBackoff({ minMs, maxMs }: Backoff): void {
  checkPositive("minBackoffMs", minMs);
  checkPositive("maxBackoffMs", maxMs);
}

/** Tells the pause after so many failures in a row: twice as long each time, half of it by chance. */
export function pauseMs({ minMs, maxMs, random }: Backoff, failures: number): number {
  const fullMs = Math.min(maxMs, minMs * 2 ** Math.min(failures, 30));
  return fullMs * (0.5 + random() / 2);
}
