import assert from "node:assert/strict";
import {
  causes,
  formatLogfmt,
  json,
  leveled,
  LEVELS,
  lineLogger,
  logfmt,
  memorySink,
  multiLogger,
  type Priority,
  redact,
  swapLogger,
  withFields,
  withPriority,
} from "@kit/log";

function fail(): never {
  throw new Error("boom");
}

// LS1
Deno.test("swapLogger() drops events until it is set, and when it is unset", () => {
  const sink = memorySink();
  const log = swapLogger();
  const child = withFields(log, { a: 1 });
  child({ n: 1 });
  log.swap(json(sink));
  child({ n: 2 });
  log.swap(logfmt(sink));
  child({ n: 3 });
  log.swap();
  child({ n: 4 });
  assert.deepEqual(sink.lines, ['{"a":1,"n":2}', "a=1 n=3"]);
});

Deno.test("multiLogger() keeps on when one of the loggers throws", () => {
  const sink = memorySink();
  multiLogger(fail, logfmt(sink), fail, json(sink))({ a: 1 });
  assert.deepEqual(sink.lines, ["a=1", '{"a":1}']);
  multiLogger()({ a: 1 });
});

// P16
Deno.test("lineLogger() keeps what a format and a sink throw from the caller", () => {
  const sink = memorySink();
  lineLogger(sink, fail)({ a: 1 });
  lineLogger(fail, formatLogfmt)({ a: 1 });
  let calls = 0;
  lineLogger(sink, (fields) => ++calls === 1 ? fail() : formatLogfmt(fields))({ a: 1 });
  assert.deepEqual(sink.lines, ['msg="Cannot write event" err="PANIC in field: boom"']);
});

Deno.test("redact() replaces secrets by name, at any depth", () => {
  const sink = memorySink();
  const log = withFields(redact(json(sink), ["Authorization", "password"]), {
    password: () => "x",
  });
  const event = {
    user: "ada",
    AUTHORIZATION: "Bearer x",
    headers: { authorization: ["Bearer x"], accept: "*/*" },
    list: [{ password: { deep: 1 } }, 1, null],
    when: new Date(0),
    level: LEVELS.info,
  };
  const before = structuredClone({ ...event, level: undefined });
  log(event);
  assert.equal(
    sink.lines[0],
    '{"password":"[redacted]","user":"ada","AUTHORIZATION":"[redacted]",' +
      '"headers":{"authorization":"[redacted]","accept":"*/*"},' +
      '"list":[{"password":"[redacted]"},1,null],"when":"1970-01-01T00:00:00.000Z","level":"info"}',
  );
  assert.deepEqual({ ...event, level: undefined }, before);
});

Deno.test("redact() shows nothing of what it cannot see through", () => {
  const sink = memorySink();
  const log = redact(json(sink), ["password"], { replacement: "***" });
  const loop: Record<string, unknown> = { password: "x" };
  loop.self = loop;
  log({ loop });
  log(Object.defineProperty({ password: "x" }, "a", { get: fail, enumerable: true }));
  assert(sink.lines.every((line) => !line.includes('"x"')));
  assert.match(sink.lines[0]!, /"self":"\*\*\*"/);
  assert.equal(sink.lines[1], '{"msg":"Cannot redact event"}');
});

Deno.test("causes() joins the messages of an error and its causes", () => {
  const root = new Error("refused");
  const error = new Error("Cannot load", { cause: new TypeError("", { cause: root }) });
  assert.equal(causes(error), "Cannot load: TypeError: refused");
  root.cause = error;
  assert.equal(causes(error), "Cannot load: TypeError: refused");
  root.cause = "text";
  assert.equal(causes(error), "Cannot load: TypeError: refused: text");
  root.cause = { toString: fail };
  assert.equal(causes(error), "Cannot load: TypeError: refused: PANIC in cause: boom");
  assert.equal(causes(null), "null");
  let long = new Error("0");
  for (let i = 1; i < 100; i++) long = new Error(String(i), { cause: long });
  assert.equal(causes(long).split(": ").length, 16);
});

// LO1: the priority is that of the level, wherever it is, and that of info without one
Deno.test("withPriority() puts the priority of the level in front", () => {
  const sink = memorySink();
  const log = lineLogger(sink, withPriority(formatLogfmt));
  for (const one of Object.values(leveled(log))) one({ a: 1 });
  log({ a: 1 });
  log({ a: 1, b: LEVELS.error });
  log({ level: "error" });
  assert.deepEqual(sink.lines, [
    "<7>level=debug a=1",
    "<6>level=info a=1",
    "<4>level=warn a=1",
    "<3>level=error a=1",
    "<6>a=1",
    "<3>a=1 b=error",
    "<6>level=error",
  ]);
});

// LO1
Deno.test("withPriority() asks the selector, and writes plainly without an answer", () => {
  const format = withPriority(formatLogfmt, { select: ({ p }) => p as Priority | undefined });
  for (const p of [0, 1, 2, 3, 4, 5, 6, 7]) assert.equal(format({ p }), `<${p}>p=${p}`);
  assert.equal(format({ a: 1 }), "a=1");
});
