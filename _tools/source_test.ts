import assert from "node:assert/strict";
import { parseSource } from "./source.ts";

Deno.test("parseSource() blanks comments and texts, and keeps positions", () => {
  const text = [
    'const a = "x // y"; // Deno',
    "const b = `in ${ { c: `deep ${d}` }.c } Deno`;",
    '/* Deno */ const e = /[/"Deno]/.test(f) ? g / h : 1;',
    'const j = k! / 2, l = m++ / n; const o = !/"/.test(p);',
    "const i = '\\'Deno'; Deno.exit();",
  ].join("\n");
  const { code } = parseSource(text);
  assert.equal(code.length, text.length);
  assert.equal(code.indexOf("Deno"), text.lastIndexOf("Deno"));
  assert.match(code, /\bd\b[^]*\.test\(f\) \? g \/ h : 1;/);
});

Deno.test("parseSource() tells imports of values, of types and on demand apart", () => {
  const { imports } = parseSource(`
import assert from "node:assert/strict";
import { type A, b } from "./b.ts";
import {
  type C,
  type D,
} from "./c.ts";
import type { E } from "./e.ts";
import * as f from "./f.ts";
import "./g.ts";
export * from "./h.ts";
export { i } from "./i.ts";
const j = () => import("./j.ts");
const text = \`
import k from "./k.ts";
\`;
/** import l from "./l.ts"; */
`);
  const list = imports.map(({ specifier, kind }) => `${kind} ${specifier}`);
  assert.deepEqual(list, [
    "value node:assert/strict",
    "value ./b.ts",
    "type ./c.ts",
    "type ./e.ts",
    "value ./f.ts",
    "value ./h.ts",
    "value ./i.ts",
    "value ./g.ts",
    "dynamic ./j.ts",
  ]);
});

Deno.test("parseSource() collects doc comments", () => {
  const { docs } = parseSource("/** a */ const b = 1; /* c */\n/**\n * d\n */\n");
  assert.deepEqual(docs, ["/** a */", "/**\n * d\n */"]);
});
