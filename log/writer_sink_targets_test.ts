import assert from "node:assert/strict";
import { logfmt, writerSink } from "@kit/log";
import { setup, Target } from "./testdata/doubles.ts";

Deno.test("writerSink() flushSync() writes at once what waits", () => {
  const { target, sink } = setup({ maxLines: 2 });
  target.most = 2;
  for (const line of ["a", "b", "c"]) sink(line);
  sink.flushSync();
  assert.deepEqual(target.lines, ["a", "b", 'level=warn msg="Log lines dropped" dropped=1']);
  sink.flushSync();
  assert.equal(target.lines.length, 3);
});

Deno.test("writerSink() flushSync() leaves what is on its way, and a target that stalls", async () => {
  const { clock, target, sink } = setup();
  target.mode = "stall";
  sink("a");
  await clock.advance(10);
  sink("b");
  sink.flushSync();
  assert.equal(target.text, "b\n"); // the runtime has the a
  sink("c");
  await clock.advance(1000);
  sink.flushSync();
  assert.equal(target.text, "b\n");
  target.release();
  await clock.advance(10);
  assert.deepEqual(target.lines, ["b", "a", "c"]);
});

Deno.test("writerSink() flushSync() counts what a target refuses", () => {
  const { target, sink } = setup();
  target.mode = "refuse";
  sink("a");
  sink.flushSync();
  assert.equal(sink.dropped, 1);
});

Deno.test("writerSink() writes to a WritableStream and gives it back", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const text = new Response(readable).text();
  {
    await using sink = writerSink(writable);
    assert(writable.locked);
    logfmt(sink)({ msg: "héllo 😀" });
  }
  assert(!writable.locked);
  await writable.close();
  assert.equal(await text, 'msg="héllo 😀"\n');
});

Deno.test("writerSink() survives a stream that broke", async () => {
  const writable = new WritableStream<Uint8Array>({
    write: () => {
      throw new Error("gone");
    },
  });
  await using sink = writerSink(writable);
  sink("a");
  await sink.flush();
  sink("b");
  await sink.flush();
});

for (
  const options of [
    { maxLines: 0 },
    { maxLines: 1.5 },
    { maxLength: -1 },
    { delayMs: -1 },
    { closeMs: NaN },
    { closeMs: Infinity },
  ]
) {
  Deno.test(`writerSink() refuses ${Object.entries(options).join()}`, () => {
    assert.throws(() => writerSink(new Target(), options), RangeError);
  });
}
