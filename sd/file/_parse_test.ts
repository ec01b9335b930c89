import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Instance } from "../instance.ts";
import { parseInstances } from "./_parse.ts";

const GOOD: Record<string, readonly [string, readonly Instance[]]> = {
  "an empty list": ["[]", []],
  "addresses": ['- a:80\n- "[::1]:80"\n', [{ address: "a:80" }, { address: "[::1]:80" }]],
  "JSON as Prometheus writes it": [
    '[{"targets": ["a:80", "b:80"], "labels": {"zone": "x", "__meta_rack": "7"}}]',
    ["a:80", "b:80"].map((address) => ({ address, zone: "x", metadata: { __meta_rack: "7" } })),
  ],
  "every label": [
    `
# A comment.
- targets: [a:80]
  labels:
    weight: 2.5
    priority: 10
    zone: eu
    version: 1.10
    tags: [x, y]
    debug: true
    port: 0x1F
    since: 2026-01-01
`,
    [{
      address: "a:80",
      weight: 2.5,
      priority: 10,
      zone: "eu",
      version: "1.10", // Not 1.1.
      tags: ["x", "y"],
      metadata: { debug: "true", port: "0x1F", since: "2026-01-01" },
    }],
  ],
  "tags as one text": ["- targets: [a:80]\n  labels: {tags: 'x, y,'}\n", [
    { address: "a:80", tags: ["x", "y"] },
  ]],
  "a group without labels, and one without targets in it": [
    "- targets: [a:80]\n- targets: []\n  labels: {zone: x}\n",
    [{ address: "a:80" }],
  ],
  "URLs": ["- https://a.example/v1\n", [{ address: "https://a.example/v1" }]],
};
for (const [what, [text, expected]] of Object.entries(GOOD)) {
  Deno.test(`parseInstances() takes ${what}`, () => {
    assert.deepEqual(parseInstances(text), expected);
  });
}

const BAD: Record<string, readonly [string, RegExp]> = {
  "nothing": ["", /as it is no list/],
  "only a comment": ["# soon\n", /as it is no list/],
  "a map": ["targets: [a:80]\n", /as line 1 is no list/],
  "a text": ["a:80", /as line 1 is no list/],
  "HTML": ["<html><body>Not found</body></html>", /as line 1 is no list/],
  "what is cut off": ['[{"targets": ["a:80"', /as line 1 is broken: /],
  "bad indentation": ["- targets:\n    - a:80\n   - b:80\n", /as line 3 is broken: /],
  "a key twice": ["- targets: [a:80]\n  targets: [b:80]\n", /as line 2 is broken: /],
  "two documents": ["- a:80\n---\n- b:80\n", /as line 2 is broken: /],
  "what is no address": [
    "- a:80\n- targets:\n  - b:80\n  - c\n",
    /as line 4 holds no address: .*"c"/,
  ],
  "port 0": ["- a:0\n", /as line 1 holds no address/],
  "a secret in an address": [
    "- https://u:secret@a.example\n",
    /as line 1 holds no address(?!.*secret)/,
  ],
  "no targets": ["- labels: {zone: x}\n", /as line 1 has no list of targets/],
  "targets that are no list": ["- targets: a:80\n", /as line 1 has no list of targets/],
  "an unknown key": ["- target: [a:80]\n  targets: []\n", /as line 1 has "target", not only/],
  "labels that are a list": ["- targets: [a:80]\n  labels: [x]\n", /as line 2 holds no labels/],
  "a list in a list": ["- [a:80]\n", /as line 1 holds no targets and labels/],
  "a weight below zero": ["- targets: [a:80]\n  labels: {weight: -1}\n", /line 2 holds no number/],
  "a weight that is no number": ["- targets: [a:80]\n  labels: {weight: 2kg}\n", /no number/],
  "a label that is a map": ["- targets: [a:80]\n  labels: {x: {}}\n", /as line 2 holds no text/],
  "a label without a value": [
    "- targets: [a:80]\n  labels:\n    zone: {}\n",
    /line 3 holds no text/,
  ],
  "an alias": ["- &a a:80\n- *a\n", /as line 2 holds no targets and labels/], // No bombs.
};
for (const [what, [text, message]] of Object.entries(BAD)) {
  Deno.test(`parseInstances() refuses ${what}, naming the line`, () => {
    assert.throws(() => parseInstances(text), { code: "invalid_argument", message });
  });
}

Deno.test("parseInstances() takes back what JSON.stringify() wrote", () => {
  const word = fc.string({ minLength: 1, unit: "grapheme" });
  const group = fc.record({
    targets: fc.array(fc.integer({ min: 1, max: 65535 }).map((port) => `host:${port}`)),
    labels: fc.dictionary(word.map((name) => `x${name}`), word),
  });
  fc.assert(fc.property(fc.array(group), (groups) => {
    const expected = groups.flatMap(({ targets, labels }) =>
      targets.map((address) => ({
        address,
        ...(Object.keys(labels).length > 0 && { metadata: { ...labels } }),
      }))
    );
    assert.deepEqual(parseInstances(JSON.stringify(groups)), expected);
  }));
});

Deno.test("parseInstances() takes any text, or refuses it with a KitError", () => {
  const piece = fc.constantFrom(
    "- ",
    "\n",
    "  ",
    "targets:",
    "[",
    "]",
    "{",
    "}",
    "a:80",
    '"',
    "&",
    "*",
    ":",
    "!!",
    "|",
    "\t",
  );
  fc.assert(
    fc.property(fc.array(piece).map((all) => all.join("")), (text) => {
      try {
        parseInstances(text);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "invalid_argument", `${error} for ${text}`);
      }
    }),
    { numRuns: 1000 },
  );
});
