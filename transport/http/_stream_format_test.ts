import assert from "node:assert/strict";
import fc from "fast-check";
import { isKitError, KitError } from "@kit/endpoint";
import type { Frame } from "./_frame.ts";
import { LineSplitter } from "./_lines.ts";
import { formatOf, frameReader, ndjsonWriter, sseWriter } from "./_stream_format.ts";

const FORMATS = ["ndjson", "sse"] as const;

/** Cuts bytes into pieces at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...at, bytes.length].map((end, i) => bytes.subarray(at[i - 1] ?? 0, end));
}

const places = fc.array(fc.nat(), { maxLength: 20 });

/** What of a frame counts. */
const shown = (frame: Frame): unknown =>
  frame.type === "item" ? JSON.stringify(frame.item) : frame.type;

for (const format of FORMATS) {
  const writer = format === "sse" ? sseWriter(undefined) : ndjsonWriter;

  Deno.test(`frameReader() reads what was written as ${format}, wherever it is cut`, () => {
    fc.assert(fc.property(fc.array(fc.jsonValue()), places, (items, places) => {
      const text = items.map((item) => writer.item(item) + writer.heartbeat).join("") + writer.end;
      const reader = frameReader(format, 1e6);
      const frames = cut(new TextEncoder().encode(text), places).flatMap((p) => reader.push(p));
      assert.deepEqual(frames.map(shown), [...items.map((item) => JSON.stringify(item)), "end"]);
    }));
  });

  Deno.test(`frameReader() answers any bytes as ${format} with frames or a KitError`, () => {
    const alphabet = [...'data: {}[]"\\\r\n\r\n:itemerrorendevent1,'].map((c) => c.charCodeAt(0));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.constantFrom(...alphabet), { maxLength: 300 }).map((a) => Uint8Array.from(a)),
    );
    fc.assert(fc.property(bytes, places, (bytes, places) => {
      const reader = frameReader(format, 100);
      try {
        for (const piece of cut(bytes, places)) reader.push(piece);
      } catch (error) {
        assert(isKitError(error), String(error));
      }
    }));
  });

  Deno.test(`frameReader() reads the errors that were written as ${format}`, () => {
    const error = new KitError("aborted", "a\nb\r\u2028", { retryAfterMs: 5 });
    const [frame] = frameReader(format, 1000).push(new TextEncoder().encode(writer.error(error)));
    assert(frame?.type === "error");
    assert.equal(frame.error.code, "aborted");
    assert.equal(frame.error.message, "a\nb\r\u2028");
    assert.equal(frame.error.retryAfterMs, 5);
  });

  // P12, P15: a limit that does not wait for the end of the line
  Deno.test(`frameReader() refuses what is too long as ${format} without an end`, () => {
    const reader = frameReader(format, 100);
    const piece = new TextEncoder().encode(format === "sse" ? "data: x" : `{"item":"x`);
    reader.push(piece);
    assert.throws(() => {
      for (let i = 0; i < 100; i++) reader.push(new Uint8Array([120]));
    }, { code: "resource_exhausted" });
  });

  Deno.test(`frameReader() takes an error of any shape as ${format} for one`, () => {
    for (const body of ["1", "null", "[]", `{"code":"ok"}`, `{"code":7,"message":{}}`]) {
      const text = format === "sse" ? `event: error\ndata: ${body}\n\n` : `{"error":${body}}\n`;
      const [frame] = frameReader(format, 1000).push(new TextEncoder().encode(text));
      assert(frame?.type === "error");
      assert.equal(frame.error.code, "unknown");
    }
  });

  Deno.test(`frameReader() refuses ${format} nested a million deep, or reads it`, () => {
    const deep = "[".repeat(1_000_000);
    const text = format === "sse" ? `data: ${deep}\n\n` : `{"item":${deep}\n`;
    assert.throws(() => frameReader(format, 4e6).push(new TextEncoder().encode(text)), {
      code: "invalid_argument",
    });
  });
}

// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
const events: [name: string, text: string, expected: unknown[]][] = [
  ["three line ends", "data: 1\n\ndata: 2\r\n\r\ndata: 3\r\r", ["1", "2", "3"]],
  ["data of several lines", "data: [1,\ndata: 2]\n\n", ["[1,2]"]],
  ["one space less", "data:1\n\ndata:  2\n\n", ["1", "2"]],
  ["no data", "event: end\n\ndata: 1\n\n", ["1"]],
  ["fields without a colon", "data: 1\nfoo\nid\n\n", ["1"]],
  ["comments", ": x\ndata: 1\n:\n\n", ["1"]],
  ["other events", "event: note\ndata: x\n\ndata: 1\n\n", ["1"]],
  ["the event named message", "event: message\ndata: 1\n\n", ["1"]],
  ["a byte order mark", "\uFEFFdata: 1\n\n", ["1"]],
  ["an event that is not over", "data: 1\n", []],
];
for (const [name, text, expected] of events) {
  Deno.test(`frameReader() reads events with ${name}`, () => {
    const bytes = new TextEncoder().encode(text);
    const whole = frameReader("sse", 1000).push(bytes);
    assert.deepEqual(whole.map(shown), expected);
    const reader = frameReader("sse", 1000);
    assert.deepEqual([...bytes].flatMap((b) => reader.push(Uint8Array.of(b))).map(shown), expected);
  });
}

Deno.test("LineSplitter cuts as String.split() does, wherever the pieces are cut", () => {
  const line = fc.string({ unit: fc.constantFrom("a", "é", "\u{1F600}", "\r", "\n", "\uFEFF") });
  fc.assert(fc.property(line, places, (text, places) => {
    for (const isCrAnEnd of [false, true]) {
      const splitter = new LineSplitter(1000, { isCrAnEnd });
      const pieces = cut(new TextEncoder().encode(text), places);
      const lines = pieces.flatMap((piece) => splitter.push(piece));
      const expected = text.split(isCrAnEnd ? /\r\n|\r|\n/ : /\r?\n/);
      assert.deepEqual(lines, expected.slice(0, -1));
    }
  }));
});

Deno.test("LineSplitter takes lines of the limit, and not of one more", () => {
  for (const isSplit of [false, true]) {
    for (const size of [10, 11]) {
      const splitter = new LineSplitter(10, { isCrAnEnd: true });
      const bytes = new TextEncoder().encode(`${"x".repeat(size)}\n`);
      const push = () => cut(bytes, isSplit ? [3, 7] : []).flatMap((piece) => splitter.push(piece));
      if (size === 10) assert.deepEqual(push(), ["x".repeat(10)]);
      else assert.throws(push, { code: "resource_exhausted" });
    }
  }
});

Deno.test("sseWriter() refuses an id that is not one line", () => {
  for (const id of ["a\nb", "a\rdata: 1", "a\0"]) {
    assert.throws(() => sseWriter(() => id).item(1), { code: "internal" });
  }
});

Deno.test("formatOf() tells formats by their content types", () => {
  assert.equal(formatOf("text/event-stream; charset=utf-8"), "sse");
  assert.equal(formatOf("Application/X-NDJSON"), "ndjson");
  assert.equal(formatOf("text/event-streams"), undefined);
  assert.equal(formatOf(null), undefined);
});
