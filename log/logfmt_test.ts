import assert from "node:assert/strict";
import fc from "fast-check";
import { duration, formatLogfmt, LEVELS, logfmt, memorySink, withFields } from "@kit/log";

class Account {
  constructor(readonly id: number) {}
  toString(): string {
    return `account ${this.id}`;
  }
}

// LF1, LF2, W11: what go-logfmt v0.5.1 writes for the like
const TABLE: readonly [name: string, fields: Record<string, unknown>, line: string][] = [
  ["a word", { hello: "world" }, "hello=world"],
  ["an error", { a: 1, err: new Error("error") }, "a=1 err=error"],
  ["an object", { std_map: { 1: 2 } }, 'std_map="unsupported value type"'],
  ["a Map", { std_map: new Map() }, 'std_map="unsupported value type"'],
  ["an array", { a: [1, 2] }, 'a="unsupported value type"'],
  ["a function", { f: () => 1 }, 'f="unsupported value type"'],
  ["a typed array", { f: new Uint16Array(2) }, 'f="unsupported value type"'],
  ["an object without prototype", { o: Object.create(null) }, 'o="unsupported value type"'],
  ["an object with a text", { my: new Account(7) }, 'my="account 7"'],
  ["bytes", { b: new TextEncoder().encode("hé") }, "b=hé"],
  ["bytes that are no text", { b: Uint8Array.of(97, 255) }, 'b="a\\ufffd"'],
  ["null", { a: null, b: undefined }, "a=null b=null"],
  ["the word null", { a: "null" }, 'a="null"'],
  ["an error called null", { a: new Error("null") }, 'a="null"'],
  ["nothing", { a: "", b: "" }, "a= b="],
  [
    "booleans and numbers",
    { a: true, b: 1.5, c: -2, d: 3n, e: NaN },
    "a=true b=1.5 c=-2 d=3 e=NaN",
  ],
  ["durations", { a: duration(1000), b: duration(0.000775) }, "a=1s b=775ns"],
  ["a date", { t: new Date(0) }, "t=1970-01-01T00:00:00.000Z"],
  ["a date that is none", { t: new Date(NaN) }, 't="Invalid Date"'],
  ["a URL", { u: new URL("http://a/?b=c") }, 'u="http://a/?b=c"'],
  ["a symbol", { s: Symbol("x y") }, 's="Symbol(x y)"'],
  ["a level", { level: LEVELS.warn }, "level=warn"],
  ["a space", { a: "b c" }, 'a="b c"'],
  ["an equals sign", { a: "b=c" }, 'a="b=c"'],
  ["a quote", { a: 'b"c' }, 'a="b\\"c"'],
  ["a backslash", { a: "b\\c" }, "a=b\\c"],
  ["a backslash in quotes", { a: "b \\c" }, 'a="b \\\\c"'],
  ["line ends", { a: "b\n\r\tc" }, 'a="b\\n\\r\\tc"'],
  ["a control character", { a: "\x01\x1b[31m" }, 'a="\\u0001\\u001b[31m"'],
  ["half a surrogate pair", { a: "\ud800" }, 'a="\\ufffd"'],
  ["a whole surrogate pair", { a: "😀" }, "a=😀"],
  ["a key with what is not allowed", { 'a b="\n\u2028c': 1 }, "abc=1"],
  ["a key of nothing", { "": 1, " ": 2 }, "_=1 _=2"],
  ["an error without a message", { err: new TypeError() }, "err=TypeError"],
  ["a name that objects have", { toString: 1, ["__proto__"]: 2 }, "toString=1 __proto__=2"],
  ["no fields", {}, ""],
];

for (const [name, fields, line] of TABLE) {
  Deno.test(`formatLogfmt() writes ${name}`, () => assert.equal(formatLogfmt(fields), line));
}

// P16, CWE-117
Deno.test("formatLogfmt() lets no field forge a line", () => {
  // deno-lint-ignore no-control-regex -- this is about control characters
  const unsafe = /[\0-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
  for (let unit = 0; unit < 0x10000; unit++) {
    const text = String.fromCharCode(unit);
    const line = formatLogfmt({ [text]: text, [`a${text}`]: `a ${text}` });
    assert(!unsafe.test(line) && line.isWellFormed(), unit.toString(16));
  }
  fc.assert(fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.anything()), (fields) => {
    const sink = memorySink();
    logfmt(sink)(fields);
    assert.equal(sink.lines.length, 1);
    assert(!unsafe.test(sink.lines[0]!) && sink.lines[0]!.isWellFormed());
  }));
});

// The lines of the stringsvc tutorial
Deno.test("logfmt() writes the lines of the tutorial", () => {
  const sink = memorySink();
  const log = withFields(logfmt(sink), { listen: ":8001", caller: () => "proxying.ts:25" });
  const call = {
    method: "uppercase",
    input: "hello, world",
    output: "HELLO, WORLD",
    err: null,
    took: duration(0.002455),
  };
  logfmt(sink)(call);
  log(call);
  const line = 'method=uppercase input="hello, world" output="HELLO, WORLD" err=null took=2.455µs';
  assert.deepEqual(sink.lines, [line, `listen=:8001 caller=proxying.ts:25 ${line}`]);
});

Deno.test("logfmt() writes values whose text cannot be had", () => {
  const sink = memorySink();
  const log = logfmt(sink);
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const fail = () => {
    throw new Error("boom");
  };
  log({ v: { toString: fail }, end: 1 });
  log({ v: Object.defineProperty(new Error(), "message", { get: fail }), end: 1 });
  log({ v: revoked.proxy, end: 1 });
  log({
    v: {
      toString: () => {
        throw { toString: fail };
      },
    },
  });
  log(Object.defineProperty({}, "v", { get: fail, enumerable: true }));
  assert.deepEqual(sink.lines, [
    'v="PANIC in toString method: boom" end=1',
    'v="PANIC in message getter: boom" end=1',
    `v="PANIC in toString method: Cannot perform 'getPrototypeOf' on a proxy that has been revoked" end=1`,
    'v="PANIC in toString method: unknown error"',
    'msg="Cannot write event" err="PANIC in field: boom"',
  ]);
});

Deno.test("formatLogfmt() is right with more keys than it remembers", () => {
  for (let i = 0; i < 3000; i++) {
    assert.equal(formatLogfmt({ [`key ${i}`]: i, [`k=${i}`]: 1 }), `key${i}=${i} k${i}=1`);
  }
});
