import assert from "node:assert/strict";
import fc from "fast-check";
import { duplicateKey } from "./_duplicate_key.ts";

const tables: [string, string | undefined][] = [
  [`{"a":1,"a":2}`, "a"],
  [`{"a":1,"\\u0061":2}`, "a"],
  [`{"a":{"b":1,"b":2}}`, "b"],
  [`[{"a":1},{"a":1}]`, undefined],
  [`{"a":{"a":{"a":1}}}`, undefined],
  [`{"a":[{"b":1}],"a":2}`, "a"],
  [`{"a":"b\\":1,\\"a\\":","c":1}`, undefined],
  [`{"":1,"":2}`, ""],
  [`{"__proto__":1,"__proto__":2}`, "__proto__"],
  [`{"constructor":1,"toString":2}`, undefined],
  [`{"a\\\\":1,"a\\\\":2}`, "a\\"],
  [`{"a" : 1 , "b" :2, "a" : 3}`, "a"],
  [`"a:b:c"`, undefined],
  [`["a:","b:"]`, undefined],
  [`1`, undefined],
  [`{}`, undefined],
];
for (const [text, key] of tables) {
  Deno.test(`duplicateKey() tells ${key} of ${text}`, () => {
    assert.equal(duplicateKey(text), key);
  });
}

/** A JSON value as text, and whether an object in it has a key twice. */
interface Sample {
  readonly text: string;
  readonly isTwice: boolean;
}

const key = fc.oneof(
  fc.constantFrom("a", "b", "\\", '"', "{", "}", ":", "__proto__", "\ud800"),
  fc.string({ maxLength: 3, unit: "binary" }),
);
/** A key or a text, with any of its units escaped or not. */
const quoted = (of: fc.Arbitrary<string>) =>
  fc.tuple(of, fc.boolean()).map(([text, isEscaped]) => ({
    text,
    json: isEscaped
      ? `"${
        [...Array(text.length).keys()].map((i) =>
          "\\u" + text.charCodeAt(i).toString(16).padStart(4, "0")
        ).join("")
      }"`
      : JSON.stringify(text),
  }));
const space = fc.constantFrom("", " ", "\n\t");
const { value } = fc.letrec<{ value: Sample }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    quoted(key).map(({ json }) => ({ text: json, isTwice: false })),
    fc.constantFrom("1", "null", "-1.5e3", "true").map((text) => ({ text, isTwice: false })),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => ({
      text: `[${items.map((item) => item.text).join(",")}]`,
      isTwice: items.some((item) => item.isTwice),
    })),
    fc.tuple(fc.array(fc.tuple(quoted(key), tie("value"), space), { maxLength: 4 })).map((
      [members],
    ) => ({
      text: `{${
        members.map(([name, item, gap]) => `${gap}${name.json}${gap}:${gap}${item.text}`).join(",")
      }}`,
      isTwice: new Set(members.map(([name]) => name.text)).size < members.length ||
        members.some(([, item]) => item.isTwice),
    })),
  ),
}));

Deno.test("duplicateKey() agrees with how a text was made", () => {
  fc.assert(
    fc.property(value, ({ text, isTwice }) => {
      JSON.parse(text);
      assert.equal(duplicateKey(text) !== undefined, isTwice, text);
    }),
    { numRuns: 3000 },
  );
});

// P20
Deno.test("duplicateKey() stays fast on hostile text", () => {
  const texts = [
    `{"${"\\\\".repeat(250_000)}":1,"b":2}`,
    `{"a:b":${"[".repeat(5000)}${"]".repeat(5000)},"c":1}`,
    `[${`{"a":1,"b":2},`.repeat(30_000)}0]`,
    `["${'\\"'.repeat(200_000)}:",":"]`,
  ];
  for (const text of texts) {
    const begunAt = performance.now();
    assert.equal(duplicateKey(text), undefined);
    assert(performance.now() - begunAt < 200);
  }
});
