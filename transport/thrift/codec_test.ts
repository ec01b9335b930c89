// P15, S3
import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, encode, hex } from "./_codec_testing.ts";
import { readerOf } from "./_codec.ts";
import { Fault } from "./_fault.ts";
import { skip } from "./_skip.ts";
import { Everything, everything, PROTOCOLS } from "./_support_test.ts";
import * as thrift from "./mod.ts";

const { field, list, map, set, string, struct } = thrift;

/** A type with values of it. */
interface Case {
  readonly type: thrift.Type<unknown>;
  readonly values: fc.Arbitrary<unknown>;
}

const plain = <T>(type: thrift.Type<T>, values: fc.Arbitrary<T>): Case => ({ type, values });

const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });

const PLAIN: readonly Case[] = [
  plain(thrift.bool, fc.boolean()),
  plain(thrift.i8, int(8)),
  plain(thrift.i16, int(16)),
  plain(thrift.i32, int(32)),
  plain(thrift.i64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  plain(thrift.i64Number, fc.maxSafeInteger()),
  plain(thrift.double, fc.double()),
  plain(thrift.string, fc.string({ unit: "binary", maxLength: 40 })),
  plain(thrift.binary, fc.uint8Array({ maxLength: 40 })),
  plain(thrift.uuid, fc.uuid()),
  plain(thrift.enumeration("E", { a: 1, b: -2 }), fc.constantFrom("a" as const, "b" as const)),
];

/** Types nested at random, with values of them. */
function cases(depth: number): fc.Arbitrary<Case> {
  if (depth === 0) return fc.constantFrom(...PLAIN);
  const inner = cases(depth - 1);
  const asList = inner.map(({ type, values }) =>
    plain(list(type), fc.array(values, { maxLength: 20 }))
  );
  // `Set` and `Map` tell bytes and structs apart by identity, so do not compare those.
  const key = fc.constantFrom(...PLAIN.filter(({ type }) => type !== thrift.binary));
  const asSet = key.map(({ type, values }) =>
    plain(set(type), fc.array(values, { maxLength: 20 }).map((items) => new Set(items)))
  );
  const asMap = fc.tuple(key, inner).map(([{ type, values }, value]) =>
    plain(
      map(type, value.type),
      fc.array(fc.tuple(values, value.values), { maxLength: 5 }).map((pairs) => new Map(pairs)),
    )
  );
  const asStruct = structs(inner);
  const asUnion = fc.tuple(inner, inner).map(([a, b]) =>
    plain(
      thrift.union("U", { a: field(1, a.type), b: field(-3, b.type) }) as thrift.Type<unknown>,
      fc.oneof(
        a.values.map((value) => ({ type: "a", value })),
        b.values.map((value) => ({ type: "b", value })),
      ),
    )
  );
  return fc.oneof(inner, asList, asSet, asMap, asStruct, asUnion);
}

function structs(inner: fc.Arbitrary<Case>): fc.Arbitrary<Case> {
  const ids = fc.uniqueArray(fc.oneof(fc.integer({ min: 1, max: 30 }), int(16)), {
    minLength: 1,
    maxLength: 5,
  });
  return ids.chain((ids) =>
    fc.array(fc.tuple(inner, fc.boolean()), { minLength: ids.length, maxLength: ids.length })
      .map((parts) => {
        const fields = Object.fromEntries(
          parts.map(([{ type }, optional], i) => [`f${i}`, field(ids[i]!, type, { optional })]),
        );
        const model = Object.fromEntries(parts.map(([{ values }], i) => [`f${i}`, values]));
        const requiredKeys = parts.flatMap(([, optional], i) => optional ? [] : [`f${i}`]);
        return plain(
          struct("S", fields) as thrift.Type<unknown>,
          fc.record(model, {
            requiredKeys,
          }),
        );
      })
  );
}

const described = structs(cases(2)).chain(({ type, values }) =>
  values.map((value) => ({ type, value }))
);

/** Records of fast-check have no prototype, doubles as keys know no -0. */
function same(actual: unknown, expected: unknown): void {
  assert.deepEqual(plainOf(actual), plainOf(expected));
}

function plainOf(value: unknown): unknown {
  if (value instanceof Map) return [...value].map(plainOf);
  if (value instanceof Set) return [...value].map(plainOf);
  if (Array.isArray(value)) return value.map(plainOf);
  if (value instanceof Uint8Array) return `bytes ${value}`;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, own]) => [key, plainOf(own)] as const)
      .sort(([a], [b]) => a < b ? -1 : 1),
  );
}

for (const protocol of PROTOCOLS) {
  Deno.test(`every described value survives the ${protocol} protocol, and can be skipped`, () => {
    fc.assert(
      fc.property(described, ({ type, value }) => {
        const bytes = encode(protocol, type, value);
        same(decode(protocol, type, bytes), value);
        const input = readerOf(protocol, { maxDepth: 64, maxItems: 1e6 }).attach(bytes);
        assert.deepEqual(input.messageBegin(), { name: "m", type: 1, seqid: 7 });
        skip(input, type.wire);
        input.messageEnd();
        assert(input.isAtEnd);
      }),
      { numRuns: 300 },
    );
  });

  Deno.test(`the ${protocol} protocol refuses each message that is cut short`, () => {
    const bytes = encode(protocol, Everything, everything);
    for (let end = 0; end < bytes.length; end++) {
      assert.throws(() => decode(protocol, Everything, bytes.subarray(0, end)), Fault);
    }
  });

  Deno.test(`the ${protocol} protocol refuses or reads damaged messages, and no more`, () => {
    const good = encode(protocol, Everything, everything);
    const attempt = (bytes: Uint8Array): void => {
      try {
        decode(protocol, Everything, bytes);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
    };
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = good.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        attempt(bytes);
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt), { numRuns: 2000 });
  });

  Deno.test(`the ${protocol} protocol refuses what is nested too deep`, () => {
    interface Tree {
      readonly child?: Tree | undefined;
    }
    const Tree: thrift.Type<Tree> = struct("Tree", {
      child: field(1, thrift.lazy(() => Tree), { optional: true }),
    });
    const nested = (levels: number): Tree => levels === 1 ? {} : { child: nested(levels - 1) };
    same(decode(protocol, Tree, encode(protocol, Tree, nested(64))), nested(64));
    const deeper = encode(protocol, Tree, nested(65));
    assert.throws(() => decode(protocol, Tree, deeper), /nested more than 64 deep/);
    // So is what nobody has described.
    assert.throws(() => decode(protocol, struct("Empty", {}), deeper), /nested more than 64/);
    const deepest = encode(protocol, Tree, nested(1000));
    assert.throws(() => decode(protocol, Tree, deepest), /nested more than 64 deep/);
  });

  Deno.test(`the ${protocol} protocol refuses more items than are allowed in all`, () => {
    const Rows = struct("Rows", { rows: field(1, list(list(thrift.i8))) });
    const bytes = encode(protocol, Rows, { rows: [[1, 2], [3, 4]] });
    assert.equal(decode(protocol, Rows, bytes, { maxItems: 6 }).rows.length, 2);
    assert.throws(() => decode(protocol, Rows, bytes, { maxItems: 5 }), /more than 5 items/);
  });
}

/** Twenty bytes or so that promise the world. */
const HOSTILE: readonly (readonly [thrift.Protocol, string, string])[] = [
  ["binary", "a list of 2^31-1", "80010001 00000001 6d 00000000 0f0009 08 7fffffff"],
  ["binary", "a list of -1", "80010001 00000001 6d 00000000 0f0009 08 ffffffff"],
  ["binary", "a map of 2^31-1", "80010001 00000001 6d 00000000 0d000b 0b0a 7fffffff"],
  ["binary", "a text of 2^31-1", "80010001 00000001 6d 00000000 0b0007 7fffffff"],
  ["binary", "a text of -1", "80010001 00000001 6d 00000000 0b0007 ffffffff"],
  ["binary", "a name of 2^31-1", "80010001 7fffffff 6d"],
  ["binary", "an old name of 2^31-1", "7fffffff 6d"],
  ["binary", "unknown kinds", "80010001 00000001 6d 00000000 630001"],
  ["binary", "a list of unknown kinds", "80010001 00000001 6d 00000000 0f0063 05 00000001 00"],
  ["compact", "a list of 2^31-1", "8221 00 016d 99 f5 ffffffff07"],
  ["compact", "a map of 2^31-1", "8221 00 016d bb ffffffff07 86"],
  ["compact", "a text of 2^32-1", "8221 00 016d 78 ffffffff0f"],
  ["compact", "a varint of 11 bytes", "8221 00 016d 56 ffffffffffffffffffff01"],
  ["compact", "a varint of 66 bits", "8221 00 016d 56 ffffffffffffffffff03"],
  ["compact", "a length of 36 bits", "8221 00 016d 78 ffffffff1f"],
  ["compact", "unknown kinds", "8221 00 016d 1e"],
  ["compact", "a field beyond 32767", "8221 00 016d 05 feff03 00 11 00"],
];
for (const [protocol, name, bytes] of HOSTILE) {
  Deno.test(`the ${protocol} protocol refuses ${name} at once, and takes no memory`, () => {
    const before = Deno.memoryUsage().heapUsed + Deno.memoryUsage().external;
    const start = performance.now();
    assert.throws(() => decode(protocol, Loose, hex(bytes)), Fault);
    assert(performance.now() - start < 20);
    assert(Deno.memoryUsage().heapUsed + Deno.memoryUsage().external - before < 1 << 20);
  });
}

/** Some of it, and nothing that must be there. */
const Loose = struct("Loose", {
  yes: field(1, thrift.bool, { optional: true }),
  medium: field(4, thrift.i32, { optional: true }),
  large: field(5, thrift.i64, { optional: true }),
  real: field(6, thrift.double, { optional: true }),
  text: field(7, string, { optional: true }),
  bytes: field(8, thrift.binary, { optional: true }),
  numbers: field(9, list(thrift.i32), { optional: true }),
  counts: field(11, map(string, thrift.i64), { optional: true }),
});

const HOSTILE_JSON = [
  `[1,"m",1,0,{"9":{"lst":["i32",2147483647,1]}}]`,
  `[1,"m",1,0,{"9":{"lst":["i32",-1]}}]`,
  `[1,"m",1,0,{"11":{"map":["str","i64",2147483647,{}]}}]`,
  `[1,"m",1,0,{"5":{"i64":9223372036854775808}}]`,
  `[1,"m",1,0,{"4":{"i32":2147483648}}]`,
  `[1,"m",1,0,{"4":{"i32":1.5}}]`,
  `[1,"m",1,0,{"7":{"str":"\\ud800"}}]`,
  `[1,"m",1,0,{"7":{"str":"\\x"}}]`,
  `[1,"m",1,0,{"8":{"str":"?"}}]`,
  `[1,"m",1,0,{"6":{"dbl":"x"}}]`,
  `[1,"m",1,0,{"6":{"dbl":${"1".repeat(1000)}}}]`,
  `[1,"m",1,0,{"1":{"nope":1}}]`,
  `[2,"m",1,0,{}]`,
  `[1,"m",1,0,{},`,
  `{"a":1}`,
  ``,
];
for (const text of HOSTILE_JSON) {
  Deno.test(`the json protocol refuses ${text.slice(0, 60)}`, () => {
    const bytes = new TextEncoder().encode(text);
    assert.throws(() => decode("json", Loose, bytes), Fault);
  });
}

Deno.test("the compact protocol refuses integers of more bits than theirs", () => {
  const One = struct("One", { n: field(5, thrift.i64), s: field(7, string, { optional: true }) });
  const read = (varint: string) => decode("compact", One, hex(`8221 00 016d 56 ${varint} 00`)).n;
  assert.equal(read("ffffffffffffffffff01"), -(2n ** 63n));
  assert.throws(() => read("ffffffffffffffffff03"), /more than 64 bits/);
  assert.throws(() => read("00 28 808080801000"), /more than 32 bits/);
});

Deno.test("the compact protocol forgets a boolean field that could not be written", () => {
  const Flag = struct("Flag", { on: field(1, thrift.bool) });
  const before = encode("compact", list(thrift.bool), [true]);
  assert.throws(() => encode("compact", Flag, { on: 1 as never }), Fault);
  assert.deepEqual(encode("compact", list(thrift.bool), [true]), before);
});

const Vector = struct("Vector", {
  a: field(1, thrift.bool),
  b: field(2, thrift.i32),
  c: field(20, thrift.string),
  d: field(21, list(thrift.i16)),
});
const vector = { a: true, b: -1, c: "hé", d: [1, -2] };
/** Written down by hand from the specifications. */
const VECTORS = {
  binary: `80010001 00000001 6d 00000007 02 0001 01  08 0002 ffffffff
    0b 0014 00000003 68c3a9  0f 0015 06 00000002 0001 fffe  00`,
  compact: `8221 07 016d 11  15 01  08 28 03 68c3a9  19 24 02 03  00`,
};
for (const protocol of ["binary", "compact"] as const) {
  Deno.test(`the ${protocol} protocol writes and reads the bytes of its specification`, () => {
    const bytes = hex(VECTORS[protocol]);
    assert.equal(encode(protocol, Vector, vector).toHex(), bytes.toHex());
    assert.deepEqual(decode(protocol, Vector, bytes), vector);
  });
}

Deno.test("the json protocol writes and reads the text of TJSONProtocol", () => {
  const text = `[1,"m",1,7,{"1":{"tf":1},"2":{"i32":-1},"20":{"str":"hé"},` +
    `"21":{"lst":["i16",2,1,-2]}}]`;
  assert.equal(new TextDecoder().decode(encode("json", Vector, vector)), text);
  const spaced = ` ${text.replaceAll(/([,:{}[\]])/g, " $1\n")} `;
  assert.deepEqual(decode("json", Vector, new TextEncoder().encode(spaced)), vector);
});

Deno.test("the json protocol reads structs as keys, as Apache writes them", () => {
  const Keyed = struct("Keyed", {
    m: field(1, map(struct("Key", { a: field(1, thrift.i32) }), thrift.i32)),
  });
  const text = `[1,"m",1,0,{"1":{"map":["rec","i32",2,{{"1":{"i32":1}}:2,{"1":{"i32":3}}:4}]}}]`;
  const { m } = decode("json", Keyed, new TextEncoder().encode(text));
  assert.deepEqual([...m], [[{ a: 1 }, 2], [{ a: 3 }, 4]]);
});

Deno.test("the binary protocol reads messages without a version", () => {
  const bytes = hex("00000001 6d 01 00000007 02 0001 01 00");
  const One = struct("One", { a: field(1, thrift.bool) });
  assert.deepEqual(decode("binary", One, bytes), { a: true });
});

Deno.test("parseProtocol() refuses simplejson and what is none", () => {
  for (const name of PROTOCOLS) assert.equal(thrift.parseProtocol(name), name);
  assert.throws(() => thrift.parseProtocol("simplejson"), /never read/);
  assert.throws(() => thrift.parseProtocol("xml"), /current value is "xml"/);
});
