import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeInstance, encodeInstance } from "../_instance_text.ts";
import { decodeNode } from "./_node_data.ts";

Deno.test("encodeInstance() writes an address alone as Go kit does", () => { // ZK3
  assert.equal(encodeInstance({ address: "[::1]:80" }), "[::1]:80");
});

Deno.test("decodeInstance() reads what encodeInstance() wrote", () => {
  const optional = { requiredKeys: ["address"] as ["address"], noNullPrototype: true };
  const texts = fc.string();
  const instances = fc.record({
    address: fc.constantFrom("a:1", "[::1]:80", "https://b.example/v1"),
    weight: fc.nat(),
    priority: fc.nat(),
    zone: texts,
    version: texts,
    tags: fc.array(texts),
    metadata: fc.dictionary(texts, texts, { noNullPrototype: true }),
  }, optional);
  fc.assert(fc.property(instances, (instance) => {
    assert.deepEqual(decodeInstance(encodeInstance(instance)), instance);
  }));
});

Deno.test("decodeInstance() leaves what it does not know", () => {
  const read = decodeInstance(` {"address":"a:1","zone":"z","pid":7,"__proto__":{"weight":0}}\n`);
  assert.deepEqual(read, { address: "a:1", zone: "z" });
});

for (
  const data of [
    "",
    "here",
    "a:0",
    "<html>",
    "{",
    "{}",
    '{"address":1}',
    '{"address":"a"}',
    '{"address":"a:1","weight":"2"}',
    '{"address":"a:1","tags":[1]}',
    '{"address":"a:1","metadata":{"a":1}}',
    '{"address":"a:1","metadata":[]}',
  ]
) {
  Deno.test(`decodeNode() tells what is wrong with ${JSON.stringify(data)}`, () => {
    const read = decodeNode("/s/n", new TextEncoder().encode(data), decodeInstance);
    assert(read instanceof Error);
    assert.match(read.message, /^Cannot read instance in "\/s\/n": /);
    assert.equal(read.code, "data_loss");
  });
}
