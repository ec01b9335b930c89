/**
 * The time of an event as a field.
 * @module
 */
import type { Valuer } from "./logger.ts";

/** Options for {@linkcode timestampFormat}. */
export interface TimestampOptions {
  /**
   * Tells the time, in milliseconds since the epoch.
   * @default {Date.now}
   */
  readonly now?: () => number;
}

/**
 * Gives a time in a format of your own as a value for a field. The text is made once for all the
 * events of one millisecond.
 * @param format Writes a time.
 * @param options Where the time comes from.
 * @returns A value that is the time of each event.
 * @example Usage
 * ```ts
 * import { logfmt, memorySink, timestampFormat, withFields } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * const day = timestampFormat((date) => date.toISOString().slice(0, 10), { now: () => 0 });
 * withFields(logfmt(sink), { day })({ msg: "hello" });
 * assert.deepEqual(sink.lines, ["day=1970-01-01 msg=hello"]);
 * ```
 */
export function timestampFormat(
  format: (date: Date) => string,
  options: TimestampOptions = {},
): Valuer {
  const { now = () => Date.now() } = options;
  let last = NaN;
  let text = "";
  return () => {
    const ms = now();
    if (ms !== last) {
      text = format(new Date(ms));
      last = ms;
    }
    return text;
  };
}

/** Leaves the zeros at the end of the fraction out, as Go does. */
function trimmed(iso: string): string {
  return iso.replace(/\.?0*Z$/, "");
}

/**
 * Writes a time in the zone of the process, as RFC 3339.
 * @param date The time.
 * @returns Such as `2026-01-01T01:00:00.12+01:00`; `Z` stands for the offset of UTC.
 * @example Usage
 * ```ts
 * import { formatTime } from "@kit/log";
 * import assert from "node:assert/strict";
 * assert.equal(Date.parse(formatTime(new Date(1234))), 1234);
 * ```
 */
export function formatTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  if (offset === 0) return formatTimeUTC(date);
  const local = new Date(date.getTime() + offset * 60_000).toISOString();
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
    .map((n) => String(n).padStart(2, "0"));
  return `${trimmed(local)}${offset < 0 ? "-" : "+"}${hours}:${minutes}`;
}

/**
 * Writes a time in UTC, as RFC 3339.
 * @param date The time.
 * @returns Such as `2026-01-01T00:00:00.12Z`.
 * @example Usage
 * ```ts
 * import { formatTimeUTC } from "@kit/log";
 * import assert from "node:assert/strict";
 * assert.equal(formatTimeUTC(new Date(1230)), "1970-01-01T00:00:01.23Z");
 * ```
 */
export function formatTimeUTC(date: Date): string {
  return `${trimmed(date.toISOString())}Z`;
}

/**
 * The time of each event in the zone of the process, as RFC 3339: a value for a field.
 * @example Usage
 * ```ts
 * import { memorySink, json, timestamp, withFields } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * withFields(json(sink), { ts: timestamp })({});
 * assert(Date.parse(JSON.parse(sink.lines[0]!).ts) <= Date.now());
 * ```
 */
export const timestamp: Valuer = /* @__PURE__ */ timestampFormat(formatTime);

/**
 * The time of each event in UTC, as RFC 3339: a value for a field.
 * @example Usage
 * ```ts
 * import { json, memorySink, timestampUTC, withFields } from "@kit/log";
 * import assert from "node:assert/strict";
 * const sink = memorySink();
 * withFields(json(sink), { ts: timestampUTC })({});
 * assert.match(JSON.parse(sink.lines[0]!).ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
 * ```
 */
export const timestampUTC: Valuer = /* @__PURE__ */ timestampFormat(formatTimeUTC);
