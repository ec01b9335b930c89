import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatTime,
  formatTimeUTC,
  json,
  logfmt,
  memorySink,
  timestamp,
  timestampFormat,
  timestampUTC,
  withFields,
} from "@kit/log";

// LG6, W6
const TABLE: readonly [ms: number, text: string][] = [
  [0, "1970-01-01T00:00:00Z"],
  [1, "1970-01-01T00:00:00.001Z"],
  [10, "1970-01-01T00:00:00.01Z"],
  [100, "1970-01-01T00:00:00.1Z"],
  [120, "1970-01-01T00:00:00.12Z"],
  [10_000, "1970-01-01T00:00:10Z"],
  [Date.UTC(2026, 9, 20, 10, 20, 30, 400), "2026-10-20T10:20:30.4Z"],
];

for (const [ms, text] of TABLE) {
  Deno.test(`formatTimeUTC() writes ${text}`, () =>
    assert.equal(formatTimeUTC(new Date(ms)), text));
}

// LG6
Deno.test("formatTime() writes the same moment in the zone of the process", () => {
  fc.assert(fc.property(fc.date({ noInvalidDate: true, min: new Date(0) }), (date) => {
    assert.equal(Date.parse(formatTime(date)), date.getTime());
    const hour = String(date.getHours()).padStart(2, "0");
    assert.equal(/T(\d\d):/.exec(formatTime(date))![1], hour);
  }));
});

for (const [minutes, offset] of [[-330, "+05:30"], [210, "-03:30"], [0, "Z"]] as const) {
  Deno.test(`formatTime() ends in ${offset} in such a zone`, () => {
    const date = new Date(Date.UTC(2026, 0, 1, 12));
    date.getTimezoneOffset = () => minutes;
    const text = formatTime(date);
    assert(text.endsWith(offset), text);
    assert.equal(Date.parse(text), date.getTime());
  });
}

// LG6: evaluated for every event, formatted once a millisecond
Deno.test("timestampFormat() writes the time of each event", () => {
  const sink = memorySink();
  let now = 1000;
  let formatted = 0;
  const format = (date: Date) => `${++formatted}:${date.getTime()}`;
  const log = withFields(logfmt(sink), { ts: timestampFormat(format, { now: () => now }) });
  log({});
  log({});
  now = 1001;
  log({});
  now = 1000;
  log({});
  assert.deepEqual(sink.lines, ["ts=1:1000", "ts=1:1000", "ts=2:1001", "ts=3:1000"]);
});

Deno.test("timestamp and timestampUTC are the time of the system", () => {
  const sink = memorySink();
  const before = Date.now();
  withFields(json(sink), { local: timestamp, utc: timestampUTC })({});
  const { local, utc } = JSON.parse(sink.lines[0]!);
  for (const text of [local, utc]) {
    assert(Date.parse(text) >= before && Date.parse(text) <= Date.now());
  }
  assert(utc.endsWith("Z"));
});
