/**
 * The header that carries how long a caller still waits.
 * @module
 */
import { KitError, systemClock } from "@kit/endpoint";

/** The header's name: milliseconds left, a whole number of at most ten digits. */
export const DEADLINE_HEADER = "x-request-timeout-ms";

/** Refuses what cannot be the name of a header. */
export function checkHeaderName(name: string | false): void {
  if (name !== false) new Headers([[name, "1"]]);
}

/** Tells the deadline that a header's value sets. */
export function parseDeadline(name: string, value: string): number {
  if (!/^\d{1,10}$/.test(value)) {
    throw new KitError(
      "invalid_argument",
      `Cannot use header "${name}" as it must be milliseconds, of at most ten digits`,
    );
  }
  const timeoutMs = Number(value);
  if (timeoutMs === 0) throw new KitError("deadline_exceeded", "Deadline exceeded");
  return systemClock.now() + timeoutMs;
}

/** Tells the header's value for a remaining time; never "0", which says that nobody waits. */
export function formatRemaining(remainingMs: number): string {
  return String(Math.min(Math.max(1, Math.floor(remainingMs)), 9_999_999_999));
}
