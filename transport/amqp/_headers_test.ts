import assert from "node:assert/strict";
import { metadata } from "@kit/endpoint";
import fc from "fast-check";
import { checkHeaders, newHeaders, readMetadata, writeMetadata } from "./_headers.ts";

const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
  fc.constantFrom("__proto__", "constructor", "tostring"),
);

Deno.test("readMetadata() reads what writeMetadata() writes", () => {
  fc.assert(fc.property(fc.array(fc.tuple(name, fc.string())), (pairs) => {
    const md = metadata(pairs);
    const headers = newHeaders();
    writeMetadata(md, headers);
    assert.deepEqual([...readMetadata(headers)], [...md]);
  }));
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

Deno.test("checkHeaders() refuses what does not fit in a frame", () => {
  checkHeaders({ a: "x".repeat(39_000), b: 1, c: undefined, d: ["x"], e: { f: true } });
  for (const value of ["x".repeat(40_001), Array(20_001).fill(1), { a: "x".repeat(40_001) }]) {
    assert.throws(() => checkHeaders({ a: value }), { code: "resource_exhausted" });
  }
});
