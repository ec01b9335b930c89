import assert from "node:assert/strict";
import fc from "fast-check";
import { FrameSplitter, JuteReader, JuteWriter } from "./_jute.ts";

const values = fc.record({
  int: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  bool: fc.boolean(),
  buffer: fc.uint8Array({ maxLength: 300 }),
  string: fc.string({ unit: "binary", maxLength: 100 }),
  vector: fc.array(fc.string({ unit: "binary" })),
}, { noNullPrototype: true });
type Values = typeof values extends fc.Arbitrary<infer T> ? T : never;

function write({ int, long, bool, buffer, string, vector }: Values): Uint8Array {
  const writer = new JuteWriter().int(int).long(long).bool(bool).buffer(buffer).string(string);
  return writer.vector(vector, (one) => writer.string(one)).frame();
}

function read(reader: JuteReader): Values {
  return {
    int: reader.int(),
    long: reader.long(),
    bool: reader.bool(),
    buffer: new Uint8Array(reader.buffer()),
    string: reader.string(),
    vector: reader.vector(4, () => reader.string()),
  };
}

Deno.test("JuteReader reads what JuteWriter wrote", () => {
  fc.assert(fc.property(values, (record) => {
    const frame = write(record);
    assert.equal(new DataView(frame.buffer).getInt32(0), frame.length - 4);
    const reader = new JuteReader(frame.subarray(4));
    assert.deepEqual(read(reader), record);
    assert.equal(reader.left, 0);
  }));
});

Deno.test("JuteReader refuses every frame that ends too early", () => { // P15
  fc.assert(fc.property(values, fc.nat(), (record, cut) => {
    const frame = write(record).subarray(4);
    const short = frame.subarray(0, cut % frame.length);
    assert.throws(() => read(new JuteReader(short)), RangeError);
  }));
});

Deno.test("JuteReader survives any bytes", () => { // P15
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      read(new JuteReader(bytes));
    } catch (error) {
      assert(error instanceof RangeError, `${error}`);
    }
  }));
});

for (const length of [2 ** 31 - 1, 100, -2, -(2 ** 31)]) {
  Deno.test(`JuteReader refuses the length ${length} in a short frame`, () => { // P15
    const frame = new JuteWriter().int(length).int(0).frame().subarray(4);
    assert.throws(() => new JuteReader(frame).buffer(), RangeError);
    assert.throws(() => new JuteReader(frame).string(), RangeError);
    assert.throws(() => new JuteReader(frame).vector(4, () => 0), RangeError);
  });
}

Deno.test("JuteReader reads the length -1 as nothing", () => {
  const frame = new JuteWriter().int(-1).int(-1).int(-1).frame().subarray(4);
  const reader = new JuteReader(frame);
  assert.deepEqual(
    [reader.buffer().length, reader.string(), reader.vector(4, () => 0)],
    [0, "", []],
  );
});

Deno.test("FrameSplitter gives the same frames however the bytes are cut", () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1 });
  fc.assert(fc.property(frames, fc.array(fc.integer({ min: 1, max: 20 })), (all, sizes) => {
    const bytes = new Uint8Array(all.flatMap((one) => [0, 0, 0, one.length, ...one]));
    const splitter = new FrameSplitter(50);
    const seen: number[][] = [];
    let at = 0;
    while (at < bytes.length) {
      const size = sizes.pop() ?? 7;
      for (const frame of splitter.push(bytes.subarray(at, at + size))) seen.push([...frame]);
      at += size;
    }
    assert.deepEqual(seen, all.map((one) => [...one]));
  }));
});

for (const length of [2 ** 31 - 1, 51, -1, -(2 ** 31)]) {
  Deno.test(`FrameSplitter refuses a frame of ${length} bytes before it has come`, () => { // P15
    const head = new JuteWriter().int(length).frame().subarray(4);
    assert.throws(() => [...new FrameSplitter(50).push(head)], RangeError);
  });
}

Deno.test("FrameSplitter takes a long frame byte by byte in a time that grows with it", () => {
  const splitter = new FrameSplitter(1 << 20);
  const size = 1 << 18;
  const frames = [...splitter.push(new JuteWriter().int(size).frame().subarray(4))];
  const byte = new Uint8Array(1);
  const start = performance.now();
  for (let i = 0; i < size; i++) frames.push(...splitter.push(byte));
  assert.deepEqual(frames.map((frame) => frame.length), [size]);
  assert(performance.now() - start < 2000);
});
