import assert from "node:assert/strict";
import { decode, encode } from "./_codec_testing.ts";
import { Fault } from "./_fault.ts";
import { Color, type Gauntlet, NotFound, PROTOCOLS, Size } from "./_support_test.ts";
import * as thrift from "./mod.ts";

const { field, list, map, set, string, struct } = thrift;

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

const Person = struct("Person", {
  name: field(1, string),
  age: field(2, thrift.i8, { optional: true }),
  tags: field(3, list(string), { default: ["none"] }),
});

Deno.test("struct() tells the type of its values", () => {
  const isPerson: Equals<thrift.Infer<typeof Person>, {
    readonly name: string;
    readonly tags: readonly string[];
    readonly age?: number | undefined;
  }> = true;
  const isColor: Equals<thrift.Infer<typeof Color>, "red" | "green"> = true;
  const isSize: Equals<
    thrift.Infer<typeof Size>,
    | { readonly type: "exact"; readonly value: number }
    | { readonly type: "named"; readonly value: string }
  > = true;
  assert(isPerson && isColor && isSize);
  // @ts-expect-error A name is text.
  const wrong: thrift.Infer<typeof Person> = { name: 1, tags: [] };
  // @ts-expect-error A name is needed.
  const less: thrift.Infer<typeof Person> = { tags: [] };
  assert(wrong && less);
});

Deno.test("service() tells the types of its endpoints", () => {
  type Find = thrift.Handlers<typeof Gauntlet.methods>["find"];
  const isFind: Equals<Parameters<Find>[0], { readonly id: string }> = true;
  const isFound: Equals<Awaited<ReturnType<Find>>, string> = true;
  type Ping = thrift.Handlers<typeof Gauntlet.methods>["ping"];
  const isVoid: Equals<Awaited<ReturnType<Ping>>, void> = true;
  assert(isFind && isFound && isVoid);
});

for (const protocol of PROTOCOLS) {
  Deno.test(`struct() fills in defaults and refuses what lacks a field, ${protocol}`, () => {
    const Loose = struct("Loose", {
      name: field(1, string, { optional: true }),
      age: field(2, thrift.i8, { optional: true }),
    });
    const bytes = encode(protocol, Loose, { name: "ada", age: 3 });
    assert.deepEqual(decode(protocol, Person, bytes), { name: "ada", age: 3, tags: ["none"] });
    assert.throws(
      () => decode(protocol, Person, encode(protocol, Loose, { age: 3 })),
      (error: Fault) => error.reason === 'field "name" is wrong: it is missing',
    );
  });

  Deno.test(`struct() skips fields that it does not know or that are of another kind, ${protocol}`, () => {
    const Other = struct("Other", {
      name: field(1, string),
      age: field(2, string),
      more: field(9, map(thrift.i32, list(struct("In", { a: field(1, set(thrift.bool)) })))),
      flag: field(10, thrift.bool),
    });
    const bytes = encode(protocol, Other, {
      name: "ada",
      age: "old",
      more: new Map([[1, [{ a: new Set([true, false]) }, { a: new Set<boolean>() }]]]),
      flag: false,
    });
    assert.deepEqual(decode(protocol, Person, bytes), { name: "ada", tags: ["none"] });
  });

  Deno.test(`list() refuses items of another kind, ${protocol}`, () => {
    const Texts = struct("A", { items: field(1, list(string)) });
    const Numbers = struct("A", { items: field(1, list(thrift.i32)) });
    const bytes = encode(protocol, Texts, { items: ["a"] });
    assert.throws(() => decode(protocol, Numbers, bytes), Fault);
    assert.deepEqual(decode(protocol, Numbers, encode(protocol, Texts, { items: [] })), {
      items: [],
    });
  });

  Deno.test(`union() refuses no field, two fields and unknown ones, ${protocol}`, () => {
    const Any = struct("Any", {
      exact: field(1, thrift.double, { optional: true }),
      named: field(2, string, { optional: true }),
      other: field(3, thrift.i8, { optional: true }),
    });
    const read = (value: thrift.Infer<typeof Any>) =>
      decode(protocol, Size, encode(protocol, Any, value));
    assert.deepEqual(read({ named: "a", other: 1 }), { type: "named", value: "a" });
    assert.throws(() => read({}), /no field that is known/);
    assert.throws(() => read({ other: 1 }), /no field that is known/);
    assert.throws(() => read({ exact: 1, named: "a" }), /two fields/);
  });

  Deno.test(`enumeration() refuses numbers without a name, ${protocol}`, () => {
    const Coloured = struct("Coloured", { color: field(1, Color) });
    const Numbered = struct("Coloured", { color: field(1, thrift.i32) });
    const read = (color: number) =>
      decode(protocol, Coloured, encode(protocol, Numbered, { color }));
    assert.deepEqual(read(2), { color: "green" });
    assert.throws(() => read(3), Fault);
  });
}

const refused: readonly (readonly [string, thrift.Type<unknown>, unknown])[] = [
  ["current value is 2147483648", thrift.i32, 2147483648],
  ["current value is -129", thrift.i8, -129],
  ["current value is 32768", thrift.i16, 32768],
  ["current value is 1.5", thrift.i32, 1.5],
  ["current value is NaN", thrift.i32, NaN],
  ["current value is of type string", thrift.i32, "1"],
  ["current value is 9223372036854775808", thrift.i64, 2n ** 63n],
  ["current value is 1", thrift.i64, 1],
  ["current value is 9007199254740992", thrift.i64Number, 2 ** 53],
  ["current value is of type string", thrift.double, "1"],
  ["current value is of type string", string, "\ud800"],
  ["current value is of type object", thrift.binary, [1]],
  ["current value is of type string", thrift.uuid, "7"],
  ["current value is 1", thrift.bool, 1],
  ["current value is of type object", list(string), new Set()],
  ["current value is of type object", set(string), []],
  ["current value is of type object", map(string, string), {}],
  ["current value is of type string", Color, "blue"],
  ["current value is of type string", Size, { type: "toString", value: 1 }],
];
for (const [text, type, value] of refused) {
  Deno.test(`${type.name} refuses to write ${String(JSON.stringify(String(value)))}`, () => {
    const Outer = struct("Outer", { inner: field(1, list(struct("I", { x: field(1, type) }))) });
    for (const protocol of PROTOCOLS) {
      assert.throws(
        () => encode(protocol, Outer, { inner: [{ x: value }] }),
        (error: Fault) => {
          assert(error.reason.startsWith('field "inner[0].x" is wrong: it must be'), error.reason);
          assert(error.reason.endsWith(text), error.reason);
          return true;
        },
      );
      // What was begun leaves nothing behind.
      assert.deepEqual(decode(protocol, Outer, encode(protocol, Outer, { inner: [] })), {
        inner: [],
      });
    }
  });
}

Deno.test("i64Number refuses to read what a number cannot hold", () => {
  const Wide = struct("S", { n: field(1, thrift.i64) });
  const Narrow = struct("S", { n: field(1, thrift.i64Number) });
  const read = (n: bigint) => decode("compact", Narrow, encode("compact", Wide, { n })).n;
  assert.equal(read(-(2n ** 53n) + 1n), Number.MIN_SAFE_INTEGER);
  assert.throws(() => read(2n ** 53n), Fault);
});

Deno.test("string refuses bytes that are not UTF-8", () => {
  const Bytes = struct("S", { s: field(1, thrift.binary) });
  const Text = struct("S", { s: field(1, string) });
  for (const protocol of ["binary", "compact"] as const) {
    const read = (...s: number[]) =>
      decode(protocol, Text, encode(protocol, Bytes, { s: Uint8Array.from(s) })).s;
    assert.equal(read(0xef, 0xbb, 0xbf, 0x61), "\ufeffa");
    assert.throws(() => read(0xff), Fault);
    assert.throws(() => read(0xed, 0xa0, 0x80), Fault);
  }
});

// S9
Deno.test("struct() refuses fields that cannot be told apart", () => {
  assert.throws(() => struct("S", { a: field(1, string), b: field(1, string) }), TypeError);
  assert.throws(() => struct("S", { a: field(32_768, string) }), RangeError);
  assert.throws(() => struct("S", { a: field(1.5, string) }), RangeError);
  for (const name of ["__proto__", "constructor", "toString"]) {
    assert.throws(() => struct("S", { [name]: field(1, string) }), TypeError);
  }
  assert.throws(() => thrift.enumeration("E", { a: 1, b: 1 }), TypeError);
  assert.throws(() => thrift.method({ oneway: true, result: string }), TypeError);
});

Deno.test("exception() makes classes that can be told", () => {
  const error = new NotFound({ id: "7", message: "no such thing" });
  assert(error instanceof NotFound);
  assert.equal(error.name, "NotFound");
  assert.equal(error.message, "no such thing");
  assert.equal(error.code, "not_found");
  const Other = thrift.exception("Other", { id: field(1, string) });
  assert(!(error instanceof Other));
  assert.equal(new Other({ id: "7" }).message, "Other");
  assert.equal(new Other({ id: "7" }).code, "failed_precondition");
  // @ts-expect-error The fields are typed.
  assert.equal(new Other({ id: 7 }).value.id, 7);
});
