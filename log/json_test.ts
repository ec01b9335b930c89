import assert from "node:assert/strict";
import fc from "fast-check";
import { duration, formatJson, json, LEVELS, memorySink } from "@kit/log";

class Both {
  toString(): string {
    return "text";
  }
  toJSON(): unknown {
    return { json: true };
  }
}

// LJ1, W11; the order is that of the fields, where Go sorts
const TABLE: readonly [name: string, fields: Record<string, unknown>, line: string][] = [
  [
    "errors and objects",
    { err: new Error("err"), m: { 0: 0 }, a: [1, 2, 3] },
    '{"err":"err","m":{"0":0},"a":[1,2,3]}',
  ],
  ["no fields", {}, "{}"],
  ["HTML as it is", { a: "<&>" }, '{"a":"<&>"}'],
  ["null and undefined", { a: null, b: undefined }, '{"a":null,"b":null}'],
  ["what toJSON says before toString", { a: new Both() }, '{"a":{"json":true}}'],
  ["what toString says", { a: new URLSearchParams("b=c"), r: /x/ }, '{"a":"b=c","r":"/x/"}'],
  ["an error with toJSON by that", {
    a: Object.assign(new Error("no"), { toJSON: () => "yes" }),
  }, '{"a":"yes"}'],
  ["numbers", { a: 1.5, b: NaN, c: -Infinity, d: -0 }, '{"a":1.5,"b":"NaN","c":"-Infinity","d":0}'],
  ["a bigint", { a: 2n ** 64n, b: [1n] }, '{"a":"18446744073709551616","b":["1"]}'],
  ["booleans", { a: true, b: false }, '{"a":true,"b":false}'],
  [
    "a function and a symbol",
    { f: () => 1, s: Symbol("x") },
    '{"f":"unsupported value type","s":"Symbol(x)"}',
  ],
  ["a Map and a Set", { m: new Map([["a", new Set([1])]]) }, '{"m":{"a":[1]}}'],
  ["errors inside", { a: { errs: [new Error("x")] } }, '{"a":{"errs":["x"]}}'],
  ["numbers inside", { a: [NaN, 1] }, '{"a":["NaN",1]}'],
  [
    "a level and a duration",
    { level: LEVELS.info, took: duration(1.5), all: [duration(0)] },
    '{"level":"info","took":"1.5ms","all":["0s"]}',
  ],
  ["a date", { t: new Date(0), u: new Date(NaN) }, '{"t":"1970-01-01T00:00:00.000Z","u":null}'],
  ["the name of a prototype", { ["__proto__"]: 1 }, '{"__proto__":1}'],
  [
    "what ends lines elsewhere",
    { "\u2028": "\u0085\u2029\x7f\u202e\ud800" },
    '{"\\u2028":"\\u0085\\u2029\\u007f\\u202e\\ud800"}',
  ],
];

for (const [name, fields, line] of TABLE) {
  Deno.test(`formatJson() writes ${name}`, () => assert.equal(formatJson(fields), line));
}

// LJ1
Deno.test("json() writes values whose text cannot be had", () => {
  const sink = memorySink();
  const log = json(sink);
  const fail = () => {
    throw new Error("error");
  };
  log({ v: { toString: fail } });
  log({ v: { toJSON: fail } });
  log({ v: { inner: { toJSON: fail } } });
  log({ v: Object.defineProperty(new Error(), "message", { get: fail }) });
  assert.deepEqual(sink.lines, [
    '{"v":"PANIC in toString method: error"}',
    '{"v":"PANIC in toJSON method: error"}',
    '{"v":"PANIC in toJSON method: error"}',
    '{"v":"PANIC in message getter: error"}',
  ]);
});

Deno.test("formatJson() cuts cycles, and only those", () => {
  const shared = { n: 1 };
  const loop: Record<string, unknown> = { twice: [shared, shared] };
  loop.self = loop;
  const map = new Map<string, unknown>();
  map.set("self", map);
  assert.equal(
    formatJson({ loop, map }),
    '{"loop":{"twice":[{"n":1},{"n":1}],"self":"[Circular]"},"map":{"self":"[Circular]"}}',
  );
});

Deno.test("formatJson() survives what is nested without end", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assert.match(formatJson({ deep, end: 1 }), /^\{"deep":"PANIC in toJSON method: .*","end":1\}$/);
});

// P16
Deno.test("formatJson() writes one line that JSON.parse() reads back", () => {
  // deno-lint-ignore no-control-regex -- this is about control characters
  const unsafe = /[\0-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
  const text = fc.string({ unit: "binary" });
  fc.assert(fc.property(fc.dictionary(text, text), (fields) => {
    const line = formatJson(fields);
    assert(!unsafe.test(line) && line.isWellFormed());
    assert.deepEqual(JSON.parse(line), { ...fields });
  }));
  fc.assert(fc.property(fc.dictionary(text, fc.anything()), (fields) => {
    const sink = memorySink();
    json(sink)(fields);
    assert.equal(sink.lines.length, 1);
    JSON.parse(sink.lines[0]!);
  }));
});
