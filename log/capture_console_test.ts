// deno-lint-ignore-file no-console -- this is about the console
import assert from "node:assert/strict";
import { captureConsole, consoleSink, json, logfmt, memorySink } from "@kit/log";

const METHODS = ["debug", "log", "info", "warn", "error"] as const;

// LS2: what its purpose is; the patterns of Go's standard logger have no like here
Deno.test("captureConsole() makes events with levels of what is written", () => {
  const sink = memorySink();
  {
    using _captured = captureConsole(logfmt(sink));
    for (const method of METHODS) console[method]("%s: %d", method, 1, { a: [2] });
    console.log("two\nlines");
    console.log();
  }
  assert.deepEqual(sink.lines, [
    'level=debug msg="debug: 1 { a: [ 2 ] }"',
    'level=info msg="log: 1 { a: [ 2 ] }"',
    'level=info msg="info: 1 { a: [ 2 ] }"',
    'level=warn msg="warn: 1 { a: [ 2 ] }"',
    'level=error msg="error: 1 { a: [ 2 ] }"',
    'level=info msg="two\\nlines"',
    "level=info msg=",
  ]);
});

Deno.test("captureConsole() takes the name of the field", () => {
  const sink = memorySink();
  using _captured = captureConsole(json(sink), { key: "text" });
  console.warn("slow");
  assert.deepEqual(sink.lines, ['{"level":"warn","text":"slow"}']);
});

Deno.test("captureConsole() restores the console", () => {
  const before = METHODS.map((method) => console[method]);
  const captured = captureConsole(() => {});
  assert(METHODS.every((method, i) => console[method] !== before[i]));
  captured[Symbol.dispose]();
  captured[Symbol.dispose]();
  assert(METHODS.every((method, i) => console[method] === before[i]));
});

Deno.test("captureConsole() leaves what was put over it, and lets that through", () => {
  const sink = memorySink();
  const original = console.info;
  const through: unknown[] = [];
  console.info = (...args: unknown[]) => void through.push(...args);
  const bottom = console.info;
  const captured = captureConsole(logfmt(sink));
  const ours = console.info;
  const over = (...args: unknown[]) => ours(...args);
  console.info = over;
  captured[Symbol.dispose]();
  assert.equal(console.info, over);
  over("x");
  console.info = original;
  assert.notEqual(bottom, ours);
  assert.deepEqual([through, sink.lines], [["x"], []]);
});

Deno.test("captureConsole() lets what the logger itself writes to the console through", () => {
  const original = console.warn;
  const written: unknown[][] = [];
  console.warn = (...args: unknown[]) => void written.push(args);
  try {
    using _captured = captureConsole(logfmt(consoleSink("warn")));
    console.warn("slow %");
  } finally {
    console.warn = original;
  }
  assert.deepEqual(written, [["%s", 'level=warn msg="slow %"']]);
});

Deno.test("captureConsole() survives what cannot be printed, and a logger that throws", () => {
  const sink = memorySink();
  const fail = () => {
    throw new Error("boom");
  };
  {
    using _captured = captureConsole(fail);
    console.log("x");
  }
  {
    using _captured = captureConsole(logfmt(sink));
    console.log({ [Symbol.for("nodejs.util.inspect.custom")]: fail });
    console.log("after");
  }
  assert.equal(sink.lines.at(-1), "level=info msg=after");
});
