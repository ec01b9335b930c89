import assert from "node:assert/strict";
import {
  allow,
  caller,
  callerAt,
  captureConsole,
  injectLevel,
  json,
  level,
  leveled,
  LEVELS,
  logfmt,
  type Logger,
  memorySink,
  multiLogger,
  redact,
  swapLogger,
  toStdLog,
  withFields,
  withPrefix,
  withSuffix,
} from "@kit/log";

/** The line on which the function that calls this stands. */
function here(): string {
  return `caller_test.ts:${/caller_test\.ts:(\d+)/.exec(new Error().stack!.split("\n")[2]!)![1]}`;
}

function swapped(log: Logger): Logger {
  const swap = swapLogger();
  swap.swap(log);
  return swap;
}

// LG7, LV4, R12: the upstream filter needs another depth, here it is the same everywhere
const WRAPS: readonly [name: string, wrap: (log: Logger) => Logger][] = [
  ["nothing", (log) => log],
  ["withFields()", (log) => withFields(log, { a: 1 })],
  ["withPrefix() and withSuffix()", (log) => withSuffix(withPrefix(log, { a: 1 }), { b: 2 })],
  ["level.info()", level.info],
  ["leveled()", (log) => leveled(log).warn],
  ["allow()", (log) => allow(log, "all")],
  ["allow() under fields", (log) => withFields(allow(log, "all"), { a: 1 })],
  ["injectLevel()", (log) => injectLevel(log, LEVELS.info)],
  ["multiLogger()", (log) => multiLogger(log, log)],
  ["swapLogger()", swapped],
  ["redact()", (log) => redact(log, ["a"])],
];

for (const [name, wrap] of WRAPS) {
  Deno.test(`caller() is the place of the call through ${name}`, () => {
    const sink = memorySink();
    const log = wrap(withFields(json(sink), { caller }));
    log({ place: here() });
    const { caller: told, place } = JSON.parse(sink.lines[0]!);
    assert.equal(told, place);
  });
}

Deno.test("caller() is the place of the call through all loggers at once", () => {
  const sink = memorySink();
  const all = [...WRAPS, ...WRAPS, ...WRAPS].map(([_name, wrap]) => wrap);
  const log = all.reduce((log, wrap) => wrap(log), withFields(json(sink), { caller }));
  log({ place: here() });
  const { caller: told, place } = JSON.parse(sink.lines[0]!);
  assert.equal(told, place);
});

// LJ1
Deno.test("caller() works with an event without fields, and as a method", () => {
  const sink = memorySink();
  const log = withFields(json(sink), { caller });
  log({}), sink(here());
  const object = { info: log };
  object.info({}), sink(here());
  assert.equal(JSON.parse(sink.lines[0]!).caller, sink.lines[1]);
  assert.equal(JSON.parse(sink.lines[2]!).caller, sink.lines[3]);
});

Deno.test("caller() is the place of the call when it is called itself", () => {
  const [told, place] = [caller(), here()];
  assert.equal(told, place);
});

Deno.test("caller() is the line that wrote to a captured console", () => {
  const sink = memorySink();
  using _captured = captureConsole(withFields(json(sink), { caller }));
  const { log } = console;
  log(here());
  const { caller: told, msg } = JSON.parse(sink.lines[0]!);
  assert.equal(told, msg);
});

// LG7
Deno.test("callerAt() skips functions of one's own", () => {
  const sink = memorySink();
  const log = withFields(logfmt(sink), { caller: callerAt(2) });
  const inner = (): void => {
    log({});
  };
  const audit = (): void => {
    inner();
  };
  audit(), sink(`caller=${here()}`);
  assert.equal(sink.lines[0], sink.lines[1]);
});

Deno.test("caller() leaves the settings of stacks as they were", () => {
  const { stackTraceLimit } = Error;
  const { prepareStackTrace } = Error as { prepareStackTrace?: unknown };
  withFields(toStdLog(console), { caller });
  caller();
  assert.equal(Error.stackTraceLimit, stackTraceLimit);
  assert.equal((Error as { prepareStackTrace?: unknown }).prepareStackTrace, prepareStackTrace);
  assert.match(new Error().stack!, /caller_test\.ts/);
});

Deno.test("caller() is there when stacks are switched off", () => {
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 0;
    assert.match(caller(), /^caller_test\.ts:\d+$/);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
});
