import assert from "node:assert/strict";
import * as gob from "./mod.ts";

const Point = gob.struct("Point", { x: gob.int, y: gob.int });

Deno.test("Encoder defines a type once in a stream", () => {
  const encoder = new gob.Encoder();
  const first = encoder.encode(Point, { x: 1, y: 2 });
  const second = encoder.encode(Point, { x: 1, y: 2 });
  assert(first.length > 30);
  assert.deepEqual([...second], [7, 0xff, 0x82, 1, 2, 1, 4, 0]);
});

Deno.test("Encoder leaves the stream as it was when a value does not fit", () => {
  const encoder = new gob.Encoder();
  const decoder = new gob.Decoder();
  const wrong = { x: "1" } as unknown as { x: number; y: number };
  assert.throws(() => encoder.add(Point, wrong), {
    name: "TypeError",
    message:
      "Cannot encode Point.X as it must be a whole number from -9007199254740991 to 9007199254740991: current value is a string",
  });
  assert.throws(() => encoder.addPair([Point, { x: 1, y: 1 }], [Point, wrong]), TypeError);
  assert.equal(encoder.take().length, 0);
  encoder.addPair([Point, { x: 1, y: 1 }], [gob.int, 3]);
  decoder.push(encoder.take());
  assert.deepEqual(decoder.decode(Point)?.value, { x: 1, y: 1 });
  assert.equal(decoder.decode(gob.int)?.value, 3);
});

const wrong: [string, gob.GobType<unknown>, unknown][] = [
  ["a fraction as int", gob.int, 1.5],
  ["2^53 as int", gob.int, 2 ** 53],
  ["a negative as uint", gob.uint, -1],
  ["2^63 as int64", gob.int64, 1n << 63n],
  ["a number as int64", gob.int64, 1],
  ["128 as int8", gob.int8, 128],
  ["a text as float", gob.float, "1"],
  ["null as string", gob.string, null],
  ["an array as bytes", gob.bytes, [1]],
  ["null as complex", gob.complex, null],
  ["an object as map", gob.map(gob.string, gob.int), {}],
  ["too few as array", gob.array(2, gob.int), [1]],
  ["null in a slice", gob.slice(gob.pointer(gob.int)), [null]],
  ["nil at the top", gob.pointer(gob.int), null],
  ["another type in an interface", gob.slice(gob.anyOf({ int: gob.int })), [{
    name: "a",
    value: 1,
  }]],
  ["a name of the prototype in an interface", gob.slice(gob.anyOf({})), [{
    name: "toString",
    value: 1,
  }]],
  ["null as struct", Point, null],
  ["anything as dynamic", gob.slice(gob.dynamic), [1]],
];
for (const [name, type, value] of wrong) {
  Deno.test(`encode() refuses ${name}`, () => {
    assert.throws(() => gob.encode(type, value), TypeError);
  });
}

Deno.test("struct() takes names that Go exports only, each once", () => {
  assert.throws(() => gob.struct("S", { _a: gob.int }), TypeError);
  assert.throws(() => gob.struct("S", { "1": gob.int }), TypeError);
  assert.throws(() => gob.struct("S", { a: gob.int, A: gob.int }), TypeError);
  assert.throws(() => gob.slice(gob.uint8), TypeError);
  assert.throws(() => gob.array(-1, gob.int), RangeError);
});

Deno.test("pointer() to nothing but itself is refused", () => {
  const Self: gob.GobType<unknown> = gob.pointer(gob.lazy(() => Self));
  assert.throws(() => gob.encode(Self, 1), { message: /pointer to nothing but itself/ });
  const Endless: gob.GobType<unknown> = gob.struct("Endless", {
    a: gob.int,
    e: gob.lazy(() => Endless),
  });
  assert.throws(() => gob.decode(Endless, gob.encode(Point, { x: 1, y: 1 })), Error);
});

Deno.test("Infer tells the type of the values", () => {
  const User = gob.struct("User", {
    id: gob.int64,
    tags: gob.slice(gob.string),
    next: gob.pointer(gob.int),
    any: gob.anyOf({ int: gob.int, text: gob.string }),
  });
  const user: gob.Infer<typeof User> = {
    id: 1n,
    tags: [],
    next: null,
    any: { name: "int", value: 1 },
  };
  // @ts-expect-error An int64 is a bigint.
  const badId: gob.Infer<typeof User> = { ...user, id: 1 };
  // @ts-expect-error The value of an "int" is a number.
  const badAny: gob.Infer<typeof User> = { ...user, any: { name: "int", value: "a" } };
  // @ts-expect-error Fields cannot be left out.
  assert.throws(() => gob.encode(User, { id: "" }), TypeError);
  for (const bad of [badId, badAny]) assert.throws(() => gob.encode(User, bad), TypeError);
});

Deno.test("time and timeNs are Go's time.Time", () => {
  const zoned = Uint8Array.from([
    1,
    0,
    0,
    0,
    0x0e,
    0xd0,
    0x4a,
    0x9f,
    0x80,
    0x07,
    0x5b,
    0xcd,
    0x15,
    0,
    60,
  ]);
  const raw = gob.opaque<Uint8Array>("Time", {
    encode: (b) => b,
    decode: (b) => b,
    zero: () => zoned,
  });
  const nanos = gob.decode(gob.timeNs, gob.encode(raw, zoned));
  assert.equal(nanos % 1_000_000_000n, 123_456_789n);
  const date = gob.decode(gob.time, gob.encode(raw, zoned));
  assert.equal(date.getTime(), Number(nanos / 1_000_000n));
  assert.throws(() => gob.decode(gob.time, gob.encode(raw, zoned.subarray(1))), {
    code: "invalid_argument",
  });
  assert.throws(() => gob.encode(gob.time, new Date(NaN)), RangeError);
});
