/**
 * Spans of time that print as Go prints them.
 * @module
 */

/** A span of time that prints as Go prints one: `2.455µs`, `1.5s`, `1m30s`. */
export class Duration {
  /** How long it is, in milliseconds. */
  readonly ms: number;

  /**
   * Creates a duration.
   * @param ms How long it is, in milliseconds.
   */
  constructor(ms: number) {
    this.ms = ms;
  }

  /**
   * Tells the duration in the units that fit, to the nanosecond.
   * @returns The text, as Go's `time.Duration` has it.
   */
  toString(): string {
    const ns = Math.round(Math.abs(this.ms) * 1e6);
    if (!Number.isFinite(ns)) return String(this.ms);
    if (ns === 0) return "0s";
    const sign = this.ms < 0 ? "-" : "";
    if (ns < 1e3) return `${sign}${ns}ns`;
    if (ns < 1e6) return `${sign}${ns / 1e3}µs`;
    if (ns < 1e9) return `${sign}${ns / 1e6}ms`;
    return sign + clock(ns);
  }

  /**
   * Writes the duration in JSON as it prints.
   * @returns The same text.
   */
  toJSON(): string {
    return this.toString();
  }
}

function clock(ns: number): string {
  const seconds = Math.floor(ns / 1e9);
  const fraction = String(ns % 1e9).padStart(9, "0").replace(/0+$/, "");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const text = `${seconds % 60}${fraction && `.${fraction}`}s`;
  if (hours > 0) return `${hours}h${minutes}m${text}`;
  return minutes > 0 ? `${minutes}m${text}` : text;
}

/**
 * Gives a span of time as a value for a field.
 * @param ms How long it is, in milliseconds, with fractions: a difference of `performance.now()`.
 * @returns A value that prints as Go prints durations.
 * @example Usage
 * ```ts
 * import { duration, formatLogfmt } from "@kit/log";
 * import assert from "node:assert/strict";
 * assert.equal(formatLogfmt({ took: duration(1.604958) }), "took=1.604958ms");
 * assert.equal(String(duration(90_000)), "1m30s");
 * ```
 */
export function duration(ms: number): Duration {
  return new Duration(ms);
}
