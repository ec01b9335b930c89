import assert from "node:assert/strict";
import fc from "fast-check";
import { type KitError, toKitError } from "@kit/endpoint";
import { typed } from "./_arbitrary_test.ts";
import * as gob from "./mod.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(text.split(" "), (b) => parseInt(b, 16));

Deno.test("decode() gives back what encode() was given, for random types", () => {
  fc.assert(
    fc.property(typed, ({ type, value }) => {
      const bytes = gob.encode(type, value);
      assert.deepEqual(gob.decode(type, bytes), value);
      gob.decode(gob.dynamic, bytes);
    }),
    { numRuns: 500 },
  );
});

Deno.test("Decoder gives the same however a stream is cut", () => {
  fc.assert(
    fc.property(fc.array(typed, { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (all, size) => {
      const encoder = new gob.Encoder();
      for (const { type, value } of all) encoder.add(type, value);
      const bytes = encoder.take();
      const decoder = new gob.Decoder();
      const got: unknown[] = [];
      for (let start = 0; start < bytes.length; start += size) {
        decoder.push(bytes.slice(start, start + size));
        while (got.length < all.length) {
          const next = decoder.decode(all[got.length]!.type);
          if (next === undefined) break;
          got.push(next.value);
        }
      }
      assert.deepEqual(got, all.map(({ value }) => value));
      assert(!decoder.isPending);
    }),
  );
});

/** Runs what must either give something or fail as a stream does. */
function survives(
  bytes: Uint8Array,
  types: readonly (gob.GobType<unknown> | undefined)[],
): KitError | undefined {
  let failed: KitError | undefined;
  for (const type of types) {
    const decoder = new gob.Decoder({ maxBytes: 1 << 16 });
    decoder.push(bytes);
    for (let i = 0; i < 1000; i++) {
      try {
        const more = type === undefined ? decoder.skip() : decoder.decode(type) !== undefined;
        if (!more) break;
      } catch (error) {
        failed = toKitError(error);
        assert(["invalid_argument", "resource_exhausted"].includes(failed.code), String(error));
        if (decoder.error !== undefined) break;
      }
    }
  }
  return failed;
}

const Tree: gob.GobType<unknown> = gob.struct("Tree", {
  value: gob.int,
  name: gob.string,
  any: gob.anyOf({ int: gob.int }),
  left: gob.lazy(() => gob.pointer(Tree)),
  list: gob.slice(gob.lazy(() => Tree)),
});

Deno.test("Decoder never fails otherwise than with an error, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      survives(bytes, [Tree, gob.dynamic, gob.int, undefined]);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("Decoder never fails otherwise than with an error, whatever is changed in a stream", () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(typed, changes, fc.nat(), ({ type, value }, changes, cut) => {
      const bytes = gob.encode(type, value);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      survives(bytes, [type, gob.dynamic, undefined]);
      survives(bytes.subarray(0, cut % bytes.length), [type, gob.dynamic, undefined]);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decode() refuses every stream that is cut off", () => {
  fc.assert(fc.property(typed, fc.nat(), ({ type, value }, at) => {
    const bytes = gob.encode(type, value);
    assert.throws(() => gob.decode(type, bytes.subarray(0, at % bytes.length)), {
      code: "invalid_argument",
    });
  }));
});

/** The definition of type 65 by a wireType, and the length of the value that follows. */
const definition = (...wire: readonly number[]): number[] => [wire.length + 2, 0xff, 0x81, ...wire];
const SLICE_OF_65 = definition(2, 1, 2, 0xff, 0x82, 0, 1, 0xff, 0x82, 0, 0);
const SLICE_OF_INT = definition(2, 1, 2, 0xff, 0x82, 0, 1, 4, 0, 0);
const ARRAY_OF_65 = definition(
  1,
  1,
  2,
  0xff,
  0x82,
  0,
  1,
  0xff,
  0x82,
  1,
  0xfc,
  0xff,
  0xff,
  0xff,
  0xfe,
  0,
  0,
);
const EMPTY_STRUCT = definition(3, 1, 2, 0xff, 0x82, 0, 0, 0);
const MAP = definition(4, 1, 2, 0xff, 0x82, 0, 1, 4, 1, 4, 0, 0);
const ids = (...value: number[]): number[] => [value.length + 2, 0xff, 0x82, ...value];
const LARGE = [0xfc, 0x7f, 0xff, 0xff, 0xff];

const bombs: [string, number[], string][] = [
  ["a message of 2^31 - 1 bytes", [...LARGE, 1], "resource_exhausted"],
  ["a message of 2^63 bytes", [0xf8, 0x80, 0, 0, 0, 0, 0, 0, 0], "invalid_argument"],
  ["a number of 127 bytes", [0x81, 1], "invalid_argument"],
  ["a slice of 2^31 - 1", [...SLICE_OF_INT, ...ids(0, ...LARGE, 2)], "invalid_argument"],
  ["a slice of slices of itself", [...SLICE_OF_65, ...ids(0, ...LARGE)], "invalid_argument"],
  ["a map of 2^31 - 1", [...MAP, ...ids(0, ...LARGE, 2)], "invalid_argument"],
  ["an array of arrays of itself", [...ARRAY_OF_65, ...ids(0, ...LARGE)], "invalid_argument"],
  ["an empty struct with fields", [...EMPTY_STRUCT, ...ids(5, 0)], "invalid_argument"],
  ["a type that is not defined", ids(0, 1), "invalid_argument"],
  ["a type that is defined twice", [...SLICE_OF_INT, ...SLICE_OF_INT], "invalid_argument"],
  ["the definition of a basic type", [3, 3, 3, 0], "invalid_argument"],
  ["a definition of nothing", [3, 0xff, 0x81, 0], "invalid_argument"],
  ["a string beyond its message", [3, 12, 0, 0x7f], "invalid_argument"],
  ["a string that is not UTF-8", [4, 12, 0, 1, 0xff], "invalid_argument"],
  ["a value with more behind it", [4, 4, 0, 6, 6], "invalid_argument"],
  ["a value that does not begin with a zero", [3, 4, 1, 6], "invalid_argument"],
];
for (const [name, bytes, code] of bombs) {
  Deno.test(`decode() refuses ${name} at once and takes no memory for it`, () => {
    for (const type of [gob.dynamic, gob.slice(gob.slice(gob.int)), gob.slice(gob.int), Tree]) {
      const before = Deno.memoryUsage().heapUsed;
      const began = performance.now();
      assert.throws(
        () => gob.decode(type as gob.GobType<unknown>, Uint8Array.from(bytes)),
        (error) => {
          const found = toKitError(error).code;
          return found === code || (type !== gob.dynamic && found === "invalid_argument");
        },
      );
      assert(performance.now() - began < 50);
      assert(Deno.memoryUsage().heapUsed - before < 1 << 20);
    }
  });
}

Deno.test("decode() refuses what is nested deeper than it may be", () => {
  const depth = 100_000;
  const bytes = Uint8Array.from([
    ...SLICE_OF_65,
    0xfd,
    (depth + 4) >> 16,
    ((depth + 4) >> 8) & 255,
    (depth + 4) & 255,
    0xff,
    0x82,
    0,
    ...new Array(depth).fill(1),
    0,
  ]);
  assert.throws(() => gob.decode(gob.dynamic, bytes), { code: "resource_exhausted" });
  const List: gob.GobType<unknown> = gob.slice(gob.lazy(() => List));
  assert.throws(() => gob.decode(List, bytes), { code: "resource_exhausted" });
});

Deno.test("decode() refuses few bytes that stand for very many members", () => {
  const Wide = gob.struct("Wide", { id: gob.int, many: gob.array(1_000_000, gob.int) });
  const Narrow = gob.struct("Narrow", { id: gob.int });
  const bytes = gob.encode(gob.slice(Narrow), Array.from({ length: 100 }, () => ({ id: 1 })));
  assert.throws(() => gob.decode(gob.slice(Wide), bytes), { code: "resource_exhausted" });
});

Deno.test("Decoder refuses more types and more definitions than it may take", () => {
  const encoder = new gob.Encoder();
  const decoder = new gob.Decoder({ maxTypes: 3 });
  const add = (i: number) => {
    decoder.push(encoder.encode(gob.struct(`T${i}`, { a: gob.int }), { a: 1 }));
    return decoder.decode(gob.dynamic);
  };
  for (let i = 0; i < 3; i++) assert(add(i));
  assert.throws(() => add(3), { code: "invalid_argument", message: /defines over 3 types/ });
  assert.throws(() => decoder.decode(gob.dynamic), { message: /defines over 3 types/ });
  const wide = Object.fromEntries(
    Array.from({ length: 60_000 }, (_, i) => [`Field${i}_____________`, gob.int]),
  );
  assert.throws(
    () =>
      gob.decode(gob.dynamic, gob.encode(gob.struct("Wide", wide), {} as Record<string, number>)),
    { message: /definitions have over 1048576 bytes/ },
  );
});

Deno.test("Decoder goes on behind a value that does not fit", () => {
  const Point = gob.struct("Point", {
    x: gob.int,
    any: gob.anyOf({ int: gob.int, string: gob.string }),
  });
  const Other = gob.struct("Point", { x: gob.string });
  const Fewer = gob.struct("Point", { x: gob.int, any: gob.anyOf({ int: gob.int }) });
  const encoder = new gob.Encoder();
  const decoder = new gob.Decoder();
  const point = { x: 1, any: { name: "string", value: "a" } } as const;
  decoder.push(encoder.encode(Point, point));
  assert.throws(() => decoder.decode(Other), {
    code: "invalid_argument",
    message: 'Cannot decode gob as Point.X: string is expected where the peer sends "int"',
  });
  decoder.push(encoder.encode(Point, point));
  assert.throws(() => decoder.decode(Fewer), { message: /"string", which is not described/ });
  assert.equal(decoder.error, undefined);
  decoder.push(encoder.encode(Point, point));
  assert(decoder.skip());
  decoder.push(encoder.encode(Point, point));
  assert.deepEqual(decoder.decode(Point)?.value, point);
});

Deno.test("decode() passes over fields that it does not know, and makes zeros of those that are missing", () => {
  const Old = gob.struct("User", { id: gob.int, gone: gob.slice(gob.map(gob.string, gob.int)) });
  const New = gob.struct("User", {
    id: gob.int,
    name: gob.string,
    tags: gob.slice(gob.string),
    data: gob.bytes,
    ages: gob.map(gob.string, gob.int),
    next: gob.pointer(gob.int),
    big: gob.int64,
    pair: gob.array(2, gob.bool),
    at: gob.time,
  });
  const bytes = gob.encode(Old, { id: 7, gone: [new Map([["a", 1]])] });
  assert.deepEqual(gob.decode(New, bytes), {
    id: 7,
    name: "",
    tags: [],
    data: new Uint8Array(0),
    ages: new Map(),
    next: null,
    big: 0n,
    pair: [false, false],
    at: new Date("0001-01-01T00:00:00Z"),
  });
  gob.decode(New, bytes).tags.push("mine");
  assert.deepEqual(gob.decode(New, bytes).tags, []);
  const Stranger = gob.struct("Stranger", { other: gob.int });
  assert.throws(() => gob.decode(Stranger, bytes), { message: /no field of Stranger/ });
});

// The two examples of Go's own documentation.
Deno.test("decode() reads what Go's documentation shows, and encode() writes it", () => {
  const Point = gob.struct("Point", { x: gob.int, y: gob.int });
  const bytes = hex(
    "1f ff 81 03 01 01 05 50 6f 69 6e 74 01 ff 82 00 01 02 01 01 58 01 04 00 01 01 59 01 04 00 00 00 07 ff 82 01 2c 01 42 00",
  );
  assert.deepEqual(gob.decode(Point, bytes), { x: 22, y: 33 });
  assert.deepEqual(gob.encode(Point, { x: 22, y: 33 }), bytes);
  assert.equal(gob.decode(gob.int, hex("03 04 00 06")), 3);
  assert.deepEqual(gob.encode(gob.float, 17), hex("05 08 00 fe 31 40"));
});

Deno.test("decode() refuses an integer that a number cannot hold, and int64 holds it", () => {
  const bytes = gob.encode(gob.int64, 1n << 53n);
  assert.throws(() => gob.decode(gob.int, bytes), {
    code: "invalid_argument",
    message: /2\^53 - 1/,
  });
  assert.equal(gob.decode(gob.int64, bytes), 1n << 53n);
  assert.equal(gob.decode(gob.dynamic, bytes), 1n << 53n);
  const one = gob.struct("One", { a: gob.int });
  const large = gob.encode(gob.struct("One", { a: gob.int64 }), { a: -(1n << 63n) });
  assert.throws(() => gob.decode(one, large), { message: /One\.A is beyond/ });
  assert.throws(() => gob.decode(gob.int8, gob.encode(gob.int, 128)), { message: /range of int8/ });
});

Deno.test("decode() lets no name of a peer touch a prototype", () => {
  // Names are upper case in Go, but a peer may say what it likes.
  const bytes = gob.encode(gob.struct("Evil", { A________: gob.int, A__________: gob.int }), {
    A________: 1,
    A__________: 2,
  });
  const text = String.fromCharCode(...bytes)
    .replace("A__________", "constructor").replace("A________", "__proto__");
  const evil = gob.decode(gob.dynamic, Uint8Array.from(text, (c) => c.charCodeAt(0)));
  assert.deepEqual(Object.entries(evil as object), [["__proto__", 1], ["constructor", 2]]);
  assert.equal(Object.getPrototypeOf(evil), null);
});

Deno.test("Decoder takes bytes of a Buffer without holding on to it", async () => {
  const { Buffer } = await import("node:buffer");
  const source = Buffer.from(gob.encode(gob.bytes, new Uint8Array([1, 2, 3])));
  const got = gob.decode(gob.bytes, source);
  source.fill(0);
  assert.deepEqual(got, new Uint8Array([1, 2, 3]));
});

Deno.test("Decoder has limits that are positive", () => {
  for (const name of ["maxBytes", "maxDepth", "maxTypes"]) {
    assert.throws(() => new gob.Decoder({ [name]: 0 }), RangeError);
  }
});

// Go splits a value in two where an interface holds a type that is new to the stream.
Deno.test("Decoder reads a value of Go that comes in several messages, wherever it is cut", () => {
  const bytes = hex(
    "1f 7f 03 01 01 04 48 65 6c 64 01 ff 80 00 01 02 01 03 41 6e 79 01 10 00 01 01 4e 01 04 00 " +
      "00 00 38 ff 80 01 0b 6d 61 69 6e 2e 43 69 72 63 6c 65 ff 81 03 01 01 06 43 69 72 63 6c 65 " +
      "01 ff 82 00 01 02 01 06 52 61 64 69 75 73 01 08 00 01 05 49 6e 6e 65 72 01 10 00 00 00 23 " +
      "ff 82 15 01 40 01 05 5b 5d 69 6e 74 ff 83 02 01 02 ff 84 00 01 04 00 00 07 ff 84 03 00 01 " +
      "02 00 01 0e 00 16 ff 80 01 0a 6d 61 69 6e 2e 4c 61 62 65 6c 0c 03 00 01 61 01 10 00",
  );
  const Any: gob.GobType<unknown> = gob.anyOf({
    "main.Circle": gob.struct("Circle", { radius: gob.float, inner: gob.lazy(() => Any) }),
    "[]int": gob.slice(gob.int),
    "main.Label": gob.string,
  });
  const Held = gob.struct("Held", { any: Any, n: gob.int });
  const Fewer = gob.struct("Held", { any: gob.anyOf({ int: gob.int }), n: gob.int });
  const Number = gob.struct("Held", { n: gob.int });
  const circle = { radius: 2, inner: { name: "[]int", value: [1] } };
  for (let cut = 0; cut <= bytes.length; cut++) {
    for (const type of [Held, Number, gob.dynamic, Fewer]) {
      const decoder = new gob.Decoder();
      const got: unknown[] = [];
      for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
        decoder.push(piece);
        for (;;) {
          try {
            const next = decoder.decode(type as gob.GobType<unknown>);
            if (next === undefined) break;
            got.push(next.value);
          } catch (error) {
            got.push((error as KitError).code);
            assert.equal(decoder.error, undefined);
          }
        }
      }
      assert.equal(got.length, 2);
      if (type === Fewer) assert.deepEqual(got, ["invalid_argument", "invalid_argument"]);
      if (type === Number) assert.deepEqual(got, [{ n: 7 }, { n: 8 }]);
      if (type === Held) {
        const [first, second] = [
          { any: { name: "main.Circle", value: circle }, n: 7 },
          { any: { name: "main.Label", value: "a" }, n: 8 },
        ];
        assert.deepEqual(got, [first, second]);
      }
    }
  }
});
