import { background } from "@kit/endpoint";
import assert from "node:assert/strict";
import { stringService } from "./service.ts";

const { uppercase, count } = stringService();

for (
  const [s, v] of [
    ["hello, world", "HELLO, WORLD"],
    ["straße ŉ", "STRAßE ŉ"],
    ["ǆ ǅ Ǆ", "Ǆ Ǆ Ǆ"],
    ["ς σ", "Σ Σ"],
    ["i ı", "I I"],
    ["ſ µ ǰ ﬁ", "S Μ ǰ ﬁ"],
    ["ᾀ ᾗ ᾳ ῃ ῳ ᾈ", "ᾈ ᾟ ᾼ ῌ ῼ ᾈ"],
    ["𐐨 😀", "𐐀 😀"],
    ["\0\ud800a", "\0\ud800A"],
  ] as const
) {
  Deno.test(`uppercase() maps ${JSON.stringify(s)} character by character`, async () => { // W4
    assert.equal(await uppercase(s, background()), v);
    // The way for characters that grow must not matter to the others.
    assert.equal(await uppercase(`${s}ß`, background()), `${v}ß`);
  });
}

Deno.test("uppercase() maps every character to exactly one", async () => { // W4
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const char = String.fromCodePoint(code);
    const upper = await uppercase(char, background());
    if (Array.from(upper).length !== 1) assert.fail(`U+${code.toString(16)} becomes "${upper}"`);
    const full = char.toUpperCase();
    if (Array.from(full).length === 1) assert.equal(upper, full);
    else assert(upper === char || upper.toLowerCase() === char);
  }
});

Deno.test("uppercase() rejects an empty string", async () => { // XS1
  await assert.rejects(uppercase("", background()), {
    code: "invalid_argument",
    message: "Empty string",
  });
});

for (const [s, n] of [["", 0], ["hello, world", 12], ["héllo", 6], ["😀", 4]] as const) {
  Deno.test(`count() counts ${n} bytes in "${s}"`, async () => { // W4
    assert.equal(await count(s, background()), n);
  });
}
