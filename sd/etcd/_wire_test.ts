import { decodeText, encodeText, prefixRange, toBase64 } from "./_wire.ts";
import { backoffMs } from "./_backoff.ts";
import { readLines, TooLongError } from "./_body.ts";
import { decodeInstance, encodeInstance } from "../_instance_text.ts";
import type { Instance } from "@kit/sd";
import fc from "fast-check";
import assert from "node:assert/strict";

Deno.test("decodeText() undoes encodeText()", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    assert.equal(decodeText(encodeText(text)), text);
  }));
});

const bytes = (base64: string) => atob(base64); // As one compares them: char by char.

Deno.test("prefixRange() holds just the keys that begin so", () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 4 });
  fc.assert(fc.property(text, text, fc.boolean(), (prefix, rest, isBelow) => {
    const name = isBelow ? prefix + rest : rest;
    const { key, range_end } = prefixRange(prefix);
    const raw = bytes(encodeText(name));
    const isIn = raw >= bytes(key) && raw < bytes(range_end);
    assert.equal(isIn, raw.startsWith(bytes(key)));
  }));
  assert.equal(toBase64(new Uint8Array([0, 255])), "AP8=");
});

Deno.test("readLines() gives the same lines whichever way they are cut", async () => {
  const lines = fc.array(
    fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/\s/g, "_")),
  );
  const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  await fc.assert(fc.asyncProperty(lines, cuts, async (lines, cuts) => {
    const all = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < all.length;) {
      const length = cuts[chunks.length % cuts.length]!;
      chunks.push(all.slice(at, at += length));
    }
    const read: string[] = [];
    for await (const batch of readLines(ReadableStream.from(chunks))) read.push(...batch);
    assert.deepEqual(read, lines.filter((line) => line !== ""));
  }));
});

Deno.test("readLines() refuses a line that is too long, not a body that is", async () => {
  const read = async (...texts: string[]) => {
    let count = 0;
    const body = ReadableStream.from(texts.map((text) => new TextEncoder().encode(text)));
    for await (const batch of readLines(body, 10)) count += batch.length;
    return count;
  };
  assert.equal(await read("12345\n", "6789\n1", "2345\n"), 3);
  await assert.rejects(read("12345", "67890", "1\n"), TooLongError);
});

Deno.test("decodeInstance() undoes encodeInstance()", () => {
  const text = fc.string({ unit: "grapheme" });
  const instance: fc.Arbitrary<Instance> = fc.record({
    address: fc.constantFrom("10.0.0.1:80", "[::1]:8080", "https://api.example/v1"),
    weight: fc.nat(),
    priority: fc.nat(),
    zone: text,
    version: text,
    tags: fc.array(text),
    metadata: fc.dictionary(text, text, { noNullPrototype: true }),
  }, { requiredKeys: ["address"], noNullPrototype: true });
  fc.assert(fc.property(instance, (instance) => {
    assert.deepEqual(decodeInstance(encodeInstance(instance)), instance);
  }));
});

const VALUES: Readonly<Record<string, Instance | undefined>> = {
  "10.0.0.1:80": { address: "10.0.0.1:80" },
  " [::1]:80\n": { address: "[::1]:80" },
  '{"address":"a:80","weight":2,"other":true}': { address: "a:80", weight: 2 },
  '{"Op":0,"Addr":"a:80"}': { address: "a:80" },
  '{"Op":0,"Addr":"a:80","Metadata":{"zone":"z","n":1}}': {
    address: "a:80",
    metadata: { zone: "z" },
  },
  '{"Op":0,"Addr":"a:80","Metadata":"x"}': { address: "a:80" },
  "": undefined,
  "a": undefined,
  "{": undefined,
  "{}": undefined,
  '{"address":1}': undefined,
  '{"address":"a"}': undefined,
  '{"address":"a:80","weight":-1}': undefined,
  '{"address":"a:80","metadata":{"a":1}}': undefined,
  '{"address":"a:80","tags":[1]}': undefined,
};
for (const [value, expected] of Object.entries(VALUES)) {
  Deno.test(`decodeInstance() ${expected ? "reads" : "refuses"} ${JSON.stringify(value)}`, () => {
    if (expected) assert.deepEqual(decodeInstance(value), expected);
    else assert.throws(() => decodeInstance(value));
  });
}

Deno.test("backoffMs() doubles up to its bound and varies by a fifth", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, r) => {
        const middle = Math.min(15_000, 100 * 2 ** (n - 1));
        const pause = backoffMs(n, 15_000, () => r);
        assert(pause >= 0.8 * middle - 1e-6 && pause <= 1.2 * middle + 1e-6);
      },
    ),
  );
});
