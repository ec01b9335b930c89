import assert from "node:assert/strict";
import fc from "fast-check";
import { numberIds } from "./_number_ids.ts";

const one = (text: string) => numberIds(text).get(0);

Deno.test("numberIds() tells a number as it was written", () => {
  assert.equal(one(`{"id":9007199254740993}`), "9007199254740993");
  assert.equal(one(` {"id" : -1.50e-3 }`), "-1.50e-3");
  assert.equal(one(`{"\\u0069d":7}`), "7");
  assert.equal(one(`{"id":1,"id":2}`), "2");
});

Deno.test("numberIds() looks at the members of the requests only", () => {
  assert.equal(one(`{"params":{"id":5},"a":[{"id":6}],"x":"\\"id\\":7"}`), undefined);
  assert.equal(one(`{"id":"5"}`), undefined);
  assert.equal(one(`{"id":5,"id":null}`), undefined);
  assert.equal(one(`{"a\\\\":"id","id":1}`), "1");
  assert.equal(one(`[[{"id":1}]]`), undefined);
});

Deno.test("numberIds() tells the ids of a batch by their places", () => {
  const text = `[{"id":1,"a":[1,2,{"b":1}]}, 5, [1,2], {"params":{"id":9}}, {"x":",","id":2.5}]`;
  assert.deepEqual([...numberIds(text)], [[0, "1"], [4, "2.5"]]);
});

const request = fc.record({
  jsonrpc: fc.constant("2.0"),
  id: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.string()),
  params: fc.jsonValue(),
}, { requiredKeys: [] });

Deno.test("numberIds() agrees with JSON.parse", () => {
  fc.assert(fc.property(
    fc.oneof(request, fc.array(fc.oneof(request, fc.jsonValue()))),
    fc.constantFrom(0, 2),
    (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const all: unknown[] = Array.isArray(value) ? value : [value];
      const ids = numberIds(text);
      all.forEach((entry, i) => {
        const isObject = typeof entry === "object" && entry !== null && !Array.isArray(entry);
        const id = isObject && Object.hasOwn(entry, "id") ? (entry as { id: unknown }).id : "";
        assert.equal(ids.get(i), typeof id === "number" ? JSON.stringify(id) : undefined);
      });
    },
  ));
});

// P15, P20
Deno.test("numberIds() takes time in proportion to the text", () => {
  const start = performance.now();
  for (const filler of [`"${"\\\\".repeat(1 << 19)}"`, "[".repeat(1 << 19) + "]".repeat(1 << 19)]) {
    assert.equal(one(`{"a":${filler},"id":0.5}`), "0.5");
  }
  assert(performance.now() - start < 2000);
});
