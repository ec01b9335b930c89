import assert from "node:assert/strict";
import {
  type Fields,
  json,
  logfmt,
  type Logger,
  memorySink,
  nopLogger,
  withFields,
  withPrefix,
  withSuffix,
} from "@kit/log";

// LG2
Deno.test("withFields() copies its fields and stacks them from left to right", () => {
  const sink = memorySink();
  const fields: Record<string, unknown> = { a: 123 };
  let log = withFields(logfmt(sink), fields);
  fields.a = 0;
  fields.added = 1;
  log = withFields(log, { b: "c" });
  log({ msg: "message" });
  assert.deepEqual(sink.lines, ["a=123 b=c msg=message"]);
});

// LG2
Deno.test("withPrefix() puts fields to the very front, and copies them", () => {
  const sink = memorySink();
  const fields: Record<string, unknown> = { b: 1 };
  const log = withPrefix(withPrefix(withFields(logfmt(sink), { c: 2 }), fields), { a: 0 });
  fields.b = 9;
  log({ msg: "message" });
  assert.deepEqual(sink.lines, ["a=0 b=1 c=2 msg=message"]);
});

// LG2: a, b, c, msg, z, aa
Deno.test("withFields(), withPrefix() and withSuffix() keep Go kit's order", () => {
  for (
    const wraps of [
      [
        (log: Logger) => withFields(log, { b: 2 }),
        (log: Logger) => withPrefix(log, { a: 1 }),
        (log: Logger) => withFields(log, { c: 3 }),
        (log: Logger) => withSuffix(log, { z: 26 }),
        (log: Logger) => withSuffix(log, { aa: 27 }),
      ],
      [
        (log: Logger) => withSuffix(log, { z: 26 }),
        (log: Logger) => withPrefix(log, { a: 1, b: 2 }),
        (log: Logger) => withSuffix(log, { aa: 27 }),
        (log: Logger) => withFields(log, { c: 3 }),
      ],
    ]
  ) {
    const sink = memorySink();
    wraps.reduce((log, wrap) => wrap(log), logfmt(sink))({ msg: 0 });
    assert.deepEqual(sink.lines, ["a=1 b=2 c=3 msg=0 z=26 aa=27"]);
  }
});

// LG4, R12
Deno.test("withFields() is flat however many are stacked", () => {
  let depth = 0;
  const seen: number[] = [];
  const base: Logger = () => seen.push(depth);
  const measure = () => {
    Error.stackTraceLimit = 100;
    depth = new Error().stack!.split("\n").length;
    Error.stackTraceLimit = 10;
  };
  let log = withFields(base, { measure });
  for (let i = 0; i < 30; i++) {
    log({});
    log = withSuffix(withPrefix(withFields(log, { [`a${i}`]: i }), { [`b${i}`]: i }), {});
    log = withFields(withSuffix(log, { [`c${i}`]: i }), {});
  }
  assert.equal(new Set(seen).size, 1);
});

// LG5
Deno.test("withFields() evaluates functions for every event, from left to right", () => {
  const sink = memorySink();
  let n = 0;
  const next = () => ++n;
  const log = withSuffix(withPrefix(withFields(logfmt(sink), { b: next }), { a: next }), {
    z: next,
  });
  log({});
  log({ msg: "x" });
  log({ msg: next });
  assert.deepEqual(sink.lines, [
    "a=1 b=2 z=3",
    "a=4 b=5 msg=x z=6",
    'a=7 b=8 msg="unsupported value type" z=9',
  ]);
});

Deno.test("withFields() tells of a function that throws", () => {
  const sink = memorySink();
  const fail = () => {
    throw new Error("boom");
  };
  withFields(logfmt(sink), { a: fail })({ b: 1 });
  assert.deepEqual(sink.lines, ['a="PANIC in valuer: boom" b=1']);
});

// LJ1: the last of two wins; W11, fixed: a name stands once in a line
Deno.test("withFields() lets the newest of two values of one name count, at the first place", () => {
  const sink = memorySink();
  let evaluated = 0;
  const log = withFields(withFields(json(sink), { a: 1, b: 1, c: () => evaluated++ }), { a: 2 });
  log({ b: 3, c: 4 });
  withPrefix(log, { b: 5 })({ c: 6 });
  withSuffix(log, { a: 7 })({ c: 8 });
  assert.deepEqual(sink.lines, [
    '{"a":2,"b":3,"c":4}',
    '{"b":5,"a":2,"c":6}',
    '{"a":7,"b":1,"c":8}',
  ]);
  assert.equal(evaluated, 0);
});

Deno.test("withFields() gives the logger itself when there is nothing to add", () => {
  for (const add of [withFields, withPrefix, withSuffix]) {
    assert.equal(add(nopLogger, {}), nopLogger);
  }
});

Deno.test("withFields() leaves the prototype of an event alone", () => {
  const events: Fields[] = [];
  const log = withFields((fields) => events.push(fields), { ["__proto__"]: { polluted: true } });
  log(JSON.parse('{"__proto__":{"polluted":true}}'));
  assert.equal((events[0] as { polluted?: boolean }).polluted, undefined);
  assert.equal(Object.getPrototypeOf(events[0]), Object.prototype);
});

// LG8, LJ2: a call of a logger runs to its end before the next; what can mix is what loggers share
Deno.test("withFields() keeps the events of loggers that share a parent apart", async () => {
  const sink = memorySink();
  const parent = withFields(logfmt(sink), { service: "s" });
  await Promise.all(Array.from({ length: 8 }, async (_, worker) => {
    const log = withSuffix(withFields(parent, { worker }), { end: worker });
    for (let n = 0; n < 1000; n++) {
      log({ n });
      await Promise.resolve();
    }
  }));
  const expected = Array.from(
    { length: 8000 },
    (_, i) => `service=s worker=${i % 8} n=${Math.floor(i / 8)} end=${i % 8}`,
  );
  assert.deepEqual(sink.lines.toSorted(), expected.toSorted());
});

// LG9
Deno.test("nopLogger() drops events, also under added fields", () => {
  assert.equal(nopLogger({ a: 1 }), undefined);
  assert.equal(withFields(nopLogger, { a: 1 })({ b: 2 }), undefined);
});
