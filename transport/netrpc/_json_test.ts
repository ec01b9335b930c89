import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonFrames } from "./_json_frames.ts";
import { fromJson, parseExact, toJson } from "./_json_value.ts";
import * as gob from "./gob/mod.ts";
import { nodeOf } from "./gob/_node.ts";

const utf8 = new TextEncoder();
const write = (type: gob.GobType<unknown>, value: unknown) =>
  JSON.stringify(toJson(nodeOf(type), value));
const read = (type: gob.GobType<unknown>, text: string) => fromJson(nodeOf(type), parseExact(text));

Deno.test("JsonFrames gives the objects of a stream, however it is cut", () => {
  const separators = fc.constantFrom("", "\n", " \r\n\t");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), separators)),
      fc.integer({ min: 1, max: 9 }),
      (all, size) => {
        const bytes = utf8.encode(
          all.map(([value, after]) => JSON.stringify(value) + after).join(""),
        );
        const frames = new JsonFrames(1 << 20, 500);
        const got: unknown[] = [];
        for (let start = 0; start < bytes.length; start += size) {
          frames.push(bytes.slice(start, start + size));
          for (let text = frames.shift(); text !== undefined; text = frames.shift()) {
            got.push(
              JSON.parse(text),
            );
          }
        }
        assert.deepEqual(got, all.map(([value]) => JSON.parse(JSON.stringify(value))));
        assert(!frames.isPending);
      },
    ),
  );
});

const bad: [string, string | Uint8Array<ArrayBuffer>, string][] = [
  ["too long a message", `{"a":"${"a".repeat(1000)}`, "resource_exhausted"],
  ["too deep a message", "[".repeat(51), "resource_exhausted"],
  ["a number", "7", "invalid_argument"],
  ["a text", `"a"`, "invalid_argument"],
  ["a bracket that was not opened", "}", "invalid_argument"],
  ["what is not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), "invalid_argument"],
];
for (const [name, text, code] of bad) {
  Deno.test(`JsonFrames refuses ${name}`, () => {
    const bytes = typeof text === "string" ? utf8.encode(text) : text;
    assert.throws(() => new JsonFrames(500, 50).push(bytes), { code });
    const frames = new JsonFrames(500, 50);
    assert.throws(() => bytes.forEach((byte) => frames.push(Uint8Array.of(byte))), { code });
  });
}

// W2
Deno.test("toJson() and fromJson() keep 64 bits", () => {
  const T = gob.struct("T", { a: gob.int64, b: gob.uint64 });
  const value = { a: -(1n << 63n), b: (1n << 64n) - 1n };
  const text = `{"A":-9223372036854775808,"B":18446744073709551615}`;
  assert.equal(write(T, value), text);
  assert.deepEqual(read(T, text), value);
  assert.throws(() => read(gob.int, "9007199254740993"), { code: "invalid_argument" });
  assert.throws(() => read(gob.int64, "9223372036854775808"), { code: "invalid_argument" });
});

// W2, W6
// P12, P15
Deno.test("fromJson() refuses integers of millions of digits, at once", () => {
  const begin = performance.now();
  const text = "9".repeat(4_000_000);
  for (const type of [gob.uint64, gob.int64, gob.int]) {
    assert.throws(() => read(type, text), { code: "invalid_argument" });
  }
  // To make a bigint of it alone takes most of a second.
  assert(performance.now() - begin < 500);
});

Deno.test("fromJson() reads as Go does", () => {
  const T = gob.struct("T", {
    name: gob.string,
    list: gob.slice(gob.int),
    next: gob.pointer(gob.int),
    data: gob.bytes,
    at: gob.timeNs,
    pair: gob.array(2, gob.int),
    ages: gob.map(gob.int, gob.string),
  });
  const zero = {
    name: "",
    list: [],
    next: null,
    data: new Uint8Array(0),
    at: -62135596800000000000n,
    pair: [0, 0],
    ages: new Map(),
  };
  assert.deepEqual(read(T, `{"other":1,"name":null}`), zero);
  assert.deepEqual(
    read(
      T,
      `{"NAME":"a","liST":[1],"next":0,"data":"AQI=","at":"1970-01-01T01:00:00.000000001+01:00","pair":[1,2,3],"ages":{"7":"x"}}`,
    ),
    {
      name: "a",
      list: [1],
      next: 0,
      data: new Uint8Array([1, 2]),
      at: 1n,
      pair: [1, 2],
      ages: new Map([[7, "x"]]),
    },
  );
  assert.equal(write(gob.timeNs, -62135596800000000000n), `"0001-01-01T00:00:00Z"`);
  assert.equal(write(gob.timeNs, 1_500_000_000n), `"1970-01-01T00:00:01.5Z"`);
  assert.equal(write(gob.map(gob.string, gob.int), new Map([["__proto__", 1]])), `{"__proto__":1}`);
});

const wrong: [gob.GobType<unknown>, string][] = [
  [gob.int, "1.5"],
  [gob.int, `"1"`],
  [gob.uint8, "256"],
  [gob.string, "1"],
  [gob.bool, "1"],
  [gob.bytes, `"*"`],
  [gob.slice(gob.int), "{}"],
  [gob.map(gob.int, gob.int), `{"a":1}`],
  [gob.struct("T", {}), "[]"],
  [gob.time, `"yesterday"`],
  [gob.complex, "1"],
];
for (const [type, text] of wrong) {
  Deno.test(`fromJson() refuses ${text} as ${type.name}`, () => {
    assert.throws(() => read(type, text), { code: "invalid_argument" });
  });
}

Deno.test("toJson() refuses what JSON does not have", () => {
  for (
    const [type, value] of [
      [gob.complex, { re: 1, im: 1 }],
      [gob.float, NaN],
      [gob.map(gob.bool, gob.int), new Map()],
      [gob.int, 0.5],
      [gob.slice(gob.int), null],
    ] as const
  ) {
    assert.throws(() => write(type, value), TypeError);
  }
});

Deno.test("parseExact() gives what JSON.parse() gives, and long integers whole", () => {
  const json = fc.jsonValue();
  const long = fc.bigInt({ min: 2n ** 53n, max: 10n ** 99n }).chain((n) => fc.constantFrom(n, -n));
  fc.assert(fc.property(json, long, (value, n) => {
    const text = JSON.stringify(value);
    fc.pre(!/\d{16}/.test(text));
    assert.deepEqual(parseExact(`[${text},${n},"${n}"]`), [JSON.parse(text), n, `${n}`]);
  }));
});

// P15
for (
  const text of [
    "{12345678901234567890:1}",
    "[00000000000000000001]",
    "[012345678901234567890]",
    "12345678901234567890 1",
    `"12345678901234567890`,
  ]
) {
  Deno.test(`parseExact() refuses ${text} as JSON.parse() does`, () => {
    assert.throws(() => JSON.parse(text), SyntaxError);
    assert.throws(() => parseExact(text), SyntaxError);
  });
}
