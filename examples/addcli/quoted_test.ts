import assert from "node:assert/strict";
import { quoted } from "./quoted.ts";

for (
  const [text, expected] of [
    ["ab", '"ab"'],
    ['b"é\\', '"b\\"é\\\\"'],
    ["\n\t\u0000\u007f", '"\\n\\t\\x00\\x7f"'],
    ["\u00a0\u200b\u2028", '"\\u00a0\\u200b\\u2028"'],
    ["😀 ok", '"😀 ok"'],
    ["\u{e0001}", '"\\U000e0001"'],
    ["\ud800", '"\ufffd"'],
  ] as const
) {
  Deno.test(`quoted() gives ${expected}`, () => { // XA11
    assert.equal(quoted(text), expected);
  });
}
