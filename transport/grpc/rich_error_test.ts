import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { background, type ErrorDetail, KitError } from "@kit/endpoint";
import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { errorOfStatus, statusOfError } from "./_rich_error.ts";
import { decodeStatus, encodeStatus } from "./_rpc_status.ts";
import { methods, serving } from "./_support_test.ts";

const fromPeer = true;

/** What an error becomes on its way over the wire. */
function over(error: unknown): KitError {
  return errorOfStatus(statusOfError(error, new Metadata()) as StatusObject, fromPeer);
}

const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";
const HELP = "type.googleapis.com/google.rpc.Help";

// A11
Deno.test("server() and client() keep details of every shape", async () => {
  const details: ErrorDetail[] = [
    { pointer: "/items/0/name", detail: "must be set" },
    { pointer: "", detail: "must be an object" },
    { pointer: "/a~1b/c.d", detail: "odd" },
    { "@type": ERROR_INFO, reason: "QUOTA", domain: "kit.test", metadata: { limit: "5" } },
    { "@type": HELP, value: Buffer.from([1, 2, 255]).toString("base64") },
    { any: [1, -0.5, "x", true, null, { deep: [] }] },
  ];
  await using there = await serving(
    methods.unary,
    () => Promise.reject(new KitError("invalid_argument", "bad", { details, retryAfterMs: 1500 })),
  );
  await assert.rejects(there.call(1, background()), {
    code: "invalid_argument",
    details,
    retryAfterMs: 1500,
  });
});

Deno.test("server() tells field violations as google.rpc.BadRequest has them", () => {
  const bytes = encodeStatus({
    code: 3,
    message: "m",
    details: [{ pointer: "/items/0/name", detail: "d" }],
    retryAfterMs: undefined,
  });
  const violation = new BinaryWriter()
    .tag(1, WireType.LengthDelimited).string("items[0].name")
    .tag(2, WireType.LengthDelimited).string("d").finish();
  const request = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(violation).finish();
  const any = new BinaryWriter()
    .tag(1, WireType.LengthDelimited).string("type.googleapis.com/google.rpc.BadRequest")
    .tag(2, WireType.LengthDelimited).bytes(request).finish();
  const expected = new BinaryWriter()
    .tag(1, WireType.Varint).int32(3)
    .tag(2, WireType.LengthDelimited).string("m")
    .tag(3, WireType.LengthDelimited).bytes(any).finish();
  assert.deepEqual(Buffer.from(bytes), Buffer.from(expected));
});

Deno.test("errors keep any JSON that they have as details", () => {
  const key = fc.string({ unit: "grapheme", maxLength: 8 }).filter((key) => key !== "@type");
  const detail = fc.dictionary(key, fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), {
    maxKeys: 4,
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(fc.array(detail, { maxLength: 3 }), (details) => {
      const plain = JSON.parse(JSON.stringify(details)) as ErrorDetail[];
      if (JSON.stringify(plain).length > 1500) return;
      // Field violations come first and in one list.
      const found = over(new KitError("aborted", "", { details: plain })).details;
      const sorted = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).sort();
      assert.deepEqual(sorted(found), sorted(plain));
    }),
  );
});

Deno.test("a pointer survives being a field path", () => {
  const step = fc.oneof(
    fc.constantFrom("a", "b_1", "0", "12", "007", "x.y", "[0]", "~", ""),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const text = steps.map((one) => `/${one.replaceAll("~", "~0").replaceAll("/", "~1")}`);
      const details = [{ pointer: text.join("").toWellFormed(), detail: "d" }];
      const bytes = encodeStatus({ code: 3, message: "", details, retryAfterMs: undefined });
      assert.deepEqual(decodeStatus(bytes).details, details);
    }),
  );
});

// P15
Deno.test("client() is not hurt by any bytes in grpc-status-details-bin", () => {
  const good = encodeStatus({
    code: 3,
    message: "m",
    details: [{ pointer: "/a", detail: "b" }, { x: { y: [1, 2] } }],
    retryAfterMs: 5,
  });
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => {
      const bytes = good.slice();
      bytes[at] = value;
      return bytes;
    }),
    fc.nat(good.length).map((length) => good.slice(0, length)),
  );
  fc.assert(
    fc.property(hostile, (bytes) => {
      const metadata = new Metadata();
      metadata.set("grpc-status-details-bin", Buffer.from(bytes));
      const error = errorOfStatus({ code: 3, details: "text", metadata }, fromPeer);
      assert.equal(error.code, "invalid_argument");
      assert.equal(typeof error.message, "string");
    }),
    { numRuns: 2000 },
  );
});

// P15, S9
Deno.test("client() bounds what it reads in details: depth, number, and names of objects", () => {
  let value = new BinaryWriter().tag(3, WireType.LengthDelimited).string("x").finish();
  for (let i = 0; i < 200; i++) {
    const entry = new BinaryWriter()
      .tag(1, WireType.LengthDelimited).string("__proto__")
      .tag(2, WireType.LengthDelimited).bytes(value).finish();
    const struct = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(entry).finish();
    value = new BinaryWriter().tag(5, WireType.LengthDelimited).bytes(struct).finish();
    if (i !== 1 && i !== 199) continue;
    const any = new BinaryWriter()
      .tag(1, WireType.LengthDelimited).string("type.googleapis.com/google.protobuf.Struct")
      .tag(2, WireType.LengthDelimited).bytes(struct).finish();
    const status = new BinaryWriter().tag(3, WireType.LengthDelimited).bytes(any).finish();
    const [detail] = decodeStatus(status).details;
    if (i === 1) assert.deepEqual(Object.keys(detail!), ["__proto__"]);
    else assert.equal(detail!["@type"], "type.googleapis.com/google.protobuf.Struct");
    assert.equal(({} as Record<string, unknown>).x, undefined);
  }
  const many = new BinaryWriter();
  for (let i = 0; i < 5000; i++) many.tag(3, WireType.LengthDelimited).bytes(new Uint8Array());
  assert.throws(() => decodeStatus(many.finish()), RangeError);
});

Deno.test("client() believes details only if they are of the same code", () => {
  const bytes = encodeStatus({ code: 5, message: "m", details: [{ a: 1 }], retryAfterMs: 1 });
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  const error = errorOfStatus({ code: 3, details: "text", metadata }, fromPeer);
  assert.deepEqual([error.message, error.details, error.retryAfterMs], ["text", [], undefined]);
});

Deno.test("push-back is told to peers that know only one of its two forms", () => {
  for (const retryAfterMs of [0, 1, 1500, 86_400_000]) {
    const { metadata } = statusOfError(
      new KitError("aborted", "", { retryAfterMs }),
      new Metadata(),
    );
    assert.deepEqual(metadata.get("grpc-retry-pushback-ms"), [String(retryAfterMs)]);
    metadata.remove("grpc-retry-pushback-ms");
    assert.equal(
      errorOfStatus({ code: 10, details: "", metadata }, fromPeer).retryAfterMs,
      retryAfterMs,
    );
  }
  assert.equal(over(new KitError("aborted", "", { retryAfterMs: -1 })).retryAfterMs, -1);
  assert.equal(over(new KitError("aborted", "")).retryAfterMs, undefined);
});
