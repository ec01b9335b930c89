/** How long to wait after failures. */

const FIRST_MS = 100;
/** The pauses differ by a fifth, so that those who failed together do not come back together. */
const JITTER = 0.2;

/** Varies a time by up to a fifth. */
export function jittered(ms: number, random: () => number): number {
  return ms * (1 - JITTER + 2 * JITTER * random());
}

/** How long to wait after so many failures in a row: twice as long each time, up to `mostMs`. */
export function backoffMs(failures: number, mostMs: number, random: () => number): number {
  return jittered(Math.min(mostMs, FIRST_MS * 2 ** Math.min(failures - 1, 30)), random);
}
