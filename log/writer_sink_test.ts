import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { formatJson, logfmt, writerSink } from "@kit/log";
import { setup, type Target } from "./testdata/doubles.ts";

Deno.test("writerSink() writes the lines of a while in one batch", async () => {
  const { clock, target, sink } = setup();
  sink("a");
  await clock.advance(9);
  sink("b");
  assert.equal(target.text, "");
  await clock.advance(1);
  assert.equal(target.text, "a\nb\n");
  assert.equal(target.writes, 1);
  sink("c");
  await clock.advance(10);
  assert.deepEqual(target.lines, ["a", "b", "c"]);
  assert.equal(clock.timers.size, 0);
});

Deno.test("writerSink() goes on when a write takes a part", async () => {
  const { target, sink } = setup();
  target.most = 3;
  sink("hello, world");
  await sink.flush();
  assert.equal(target.text, "hello, world\n");
  assert.equal(target.writes, 5);
});

// P16: bounded in lines, drops counted exactly
Deno.test("writerSink() drops the newest lines beyond maxLines and counts them", async () => {
  const { clock, target, sink } = setup({ maxLines: 10 });
  target.mode = "stall";
  for (let i = 0; i < 5; i++) sink(`line ${i}`);
  await clock.advance(10);
  for (let i = 5; i < 25; i++) sink(`line ${i}`);
  assert.equal(sink.dropped, 15);
  target.release();
  await clock.advance(10);
  assert.deepEqual(target.lines, [
    ...Array.from({ length: 10 }, (_, i) => `line ${i}`),
    'level=warn msg="Log lines dropped" dropped=15',
  ]);
});

// P16: bounded in characters
Deno.test("writerSink() drops lines beyond maxLength, and takes more when there is room", async () => {
  const { target, sink } = setup({ maxLength: 10 });
  sink("1234");
  sink("12345"); // 5 + 6 are too many
  sink("1234");
  sink("");
  assert.equal(sink.dropped, 2);
  await sink.flush();
  sink("123456789");
  await sink.flush();
  assert.deepEqual(target.lines, [
    "1234",
    "1234",
    'level=warn msg="Log lines dropped" dropped=2',
    "123456789",
  ]);
});

Deno.test("writerSink() tells of drops at most once a second, and in the end of all", async () => {
  const { clock, target, sink } = setup({ maxLines: 1, format: formatJson });
  const notices = () => target.lines.filter((line) => line.includes("dropped"));
  const overflow = async () => {
    for (let i = 0; i < 4; i++) sink("x");
    await clock.advance(10);
  };
  for (let i = 0; i < 50; i++) await overflow(); // half a second
  assert.equal(sink.dropped, 150);
  assert.deepEqual(notices(), ['{"level":"warn","msg":"Log lines dropped","dropped":3}']);
  await clock.advance(510);
  assert.equal(notices()[1], '{"level":"warn","msg":"Log lines dropped","dropped":147}');
  assert.equal(clock.timers.size, 0);
  await overflow();
  await sink[Symbol.asyncDispose]();
  assert.equal(notices()[2], '{"level":"warn","msg":"Log lines dropped","dropped":3}');
  assert.equal(notices().length, 3);
  assert.equal(clock.timers.size, 0);
});

Deno.test("writerSink() tells of drops although no line comes after them", async () => {
  const { clock, target, sink } = setup({ maxLength: 3 });
  sink("too long");
  await clock.advance(10);
  assert.deepEqual(target.lines, ['level=warn msg="Log lines dropped" dropped=1']);
});

Deno.test("writerSink() writes a notice that was refused when it is disposed of", async () => {
  const { clock, target, sink } = setup({ maxLines: 1 });
  const overflow = () => [sink("x"), sink("y")];
  overflow();
  await clock.advance(10);
  overflow();
  await clock.advance(10);
  target.mode = "refuse";
  await clock.advance(1000); // the time of the second notice
  target.mode = "take";
  await sink[Symbol.asyncDispose]();
  const notice = 'level=warn msg="Log lines dropped" dropped=1';
  assert.deepEqual(target.lines, ["x", notice, "x", notice]);
});

Deno.test("writerSink() writes a long queue without waiting between its batches", async () => {
  const { clock, target, sink } = setup();
  for (let i = 0; i < 2500; i++) sink("x".repeat(99));
  await clock.advance(10);
  assert(target.writes > 2);
  assert(250_000 - target.text.length < 65_536);
  await clock.advance(10);
  assert.equal(target.text.length, 250_000);
});

// P16: EPIPE, ENOSPC
Deno.test("writerSink() tries a target that refuses again after a second", async () => {
  const { clock, target, sink } = setup();
  target.mode = "refuse";
  sink("a");
  await clock.advance(10);
  sink("b");
  await clock.advance(500);
  assert.equal(target.writes, 1);
  await clock.advance(500);
  assert.equal(target.writes, 2);
  target.mode = "take";
  await clock.advance(1100);
  assert.deepEqual(target.lines, ["a", "b"]);
  assert.equal(sink.dropped, 0);
});

for (const mode of ["refuse", "nothing"] as const) {
  Deno.test(`writerSink() is flushed and disposed of when the target does ${mode}`, async () => {
    const { clock, target, sink } = setup();
    target.mode = mode;
    sink("a");
    await sink.flush();
    sink("b");
    await sink[Symbol.asyncDispose]();
    assert.equal(sink.dropped, 2);
    assert.equal(clock.timers.size, 0);
  });
}

Deno.test("writerSink() survives a target that throws at once", async () => {
  const sink = writerSink({
    write: () => {
      throw new Error("no");
    },
  });
  logfmt(sink)({ a: 1 });
  await sink.flush();
  await sink[Symbol.asyncDispose]();
  assert.equal(sink.dropped, 1);
});

Deno.test("writerSink() gives up a target that stalls when it is disposed of", async () => {
  const { clock, target, sink } = setup({ closeMs: 300 });
  target.mode = "stall";
  sink("a");
  await clock.advance(10);
  sink("b");
  let isFlushed = false;
  void sink.flush().then(() => isFlushed = true);
  let isDisposed = false;
  const disposed = sink[Symbol.asyncDispose]().then(() => isDisposed = true);
  await clock.advance(299);
  assert(!isDisposed && !isFlushed);
  await clock.advance(1);
  await disposed;
  assert.equal(sink.dropped, 2);
  target.release();
  await setImmediate();
  assert(isFlushed);
  sink("c");
  assert.equal(sink.dropped, 3);
  assert.equal(clock.timers.size, 0);
  await sink[Symbol.asyncDispose]();
});

Deno.test("writerSink() counts only the lines that a stalled target did not take", async () => {
  const { clock, target, sink } = setup({ maxLines: 3 });
  target.most = 5; // two lines and a half
  for (const line of ["a", "b", "c", "d"]) sink(line);
  const write = target.write.bind(target);
  target.write = (bytes) => {
    if (target.writes === 1) target.mode = "refuse";
    return write(bytes);
  };
  await clock.advance(10);
  await sink[Symbol.asyncDispose]();
  assert.deepEqual(target.text, "a\nb\nc");
  assert.equal(sink.dropped, 2);
});

// G4
Deno.test("writerSink() writes the last lines when it is disposed of", async () => {
  const { clock, target, sink } = setup();
  {
    await using _disposed = sink;
    for (let i = 0; i < 10_000; i++) sink("x".repeat(99));
  }
  assert.equal(target.lines.length, 10_000);
  assert(target.writes >= 1_000_000 / 65_536);
  assert.equal(clock.timers.size, 0);
});

Deno.test("writerSink() flush() waits for the lines before it, not for those after", async () => {
  const { target, sink } = setup();
  target.mode = "stall";
  sink("a");
  let isFlushed = false;
  const flushed = sink.flush().then(() => isFlushed = true);
  await setImmediate();
  sink("b");
  assert(!isFlushed);
  target.release();
  await flushed;
  assert.equal(target.text, "a\n");
  await sink[Symbol.asyncDispose]();
  assert.equal(target.text, "a\nb\n");
});

// P16: whatever the target does, each line is written once and in order, or counted
Deno.test("writerSink() accounts for every line", async () => {
  const step = fc.oneof(
    fc.record({ lines: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ wait: fc.integer({ min: 0, max: 1500 }) }),
    fc.record({ mode: fc.constantFrom("take", "stall", "refuse", "nothing") }),
    fc.record({ most: fc.integer({ min: 1, max: 50 }) }),
    fc.constant({ flush: true }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { clock, target, sink } = setup({ maxLines: 20, maxLength: 200 });
      let n = 0;
      for (const step of steps) {
        if ("lines" in step) { for (let i = 0; i < step.lines; i++) sink(`${n++}`); }
        if ("wait" in step) await clock.advance(step.wait);
        if ("most" in step) target.most = step.most;
        if ("flush" in step) void sink.flush();
        if ("mode" in step) {
          if (step.mode !== "stall") target.release();
          target.mode = step.mode as Target["mode"];
        }
        await setImmediate();
      }
      target.release();
      await sink[Symbol.asyncDispose]();
      const numbers = target.lines.filter((line) => /^\d+$/.test(line)).map(Number);
      assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
      assert.equal(numbers.length + sink.dropped, n);
      const told = target.lines.map((line) => Number(/dropped=(\d+)$/.exec(line)?.[1] ?? 0));
      assert.equal(told.reduce((sum, count) => sum + count, 0), sink.dropped);
      assert.equal(clock.timers.size, 0);
    }),
    { numRuns: 1000 },
  );
});
