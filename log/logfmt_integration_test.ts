/**
 * Kit's logfmt and durations against Go's own. Needs `go`, and the module proxy or a filled module
 * cache.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { duration, formatLogfmt } from "@kit/log";

function hasGo(): boolean {
  try {
    return new Deno.Command("go", { args: ["version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

const ignore = !hasGo();
const name = (text: string) => ignore ? `${text} (ignored: no "go" on the PATH)` : text;
let built: string | undefined;

function golog(): string {
  if (built !== undefined) return built;
  const file = `${Deno.makeTempDirSync()}/golog`;
  const { success, stderr } = new Deno.Command("go", {
    args: ["build", "-o", file, "."],
    cwd: new URL("./testdata/go-logfmt", import.meta.url),
    stderr: "piped",
  }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
  return built = file;
}

/** Runs the Go program on a text and gives its lines. */
async function run(mode: string, input: string): Promise<string[]> {
  const child = new Deno.Command(golog(), {
    args: [mode],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [, { success, stdout, stderr }] = await Promise.all([
    new Blob([input]).stream().pipeTo(child.stdin),
    child.output(),
  ]);
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").slice(0, -1);
}

type Pairs = [string, string][];

async function decode(lines: readonly string[]): Promise<Pairs[]> {
  return (await run("decode", lines.map((line) => `${line}\n`).join(""))).map((line) =>
    JSON.parse(line)
  );
}

const units = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit));
/** What Kit escapes and Go does not. */
const beyondGo = /[\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Cs}]/u;
// deno-lint-ignore no-control-regex -- this is about control characters
const unsafe = /[\0-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Cs}]/u;

// P16, V2, LF2
Deno.test({
  name: name("formatLogfmt() keeps every BMP code unit in its line and its value"),
  ignore,
  fn: async () => {
    const values = units.map((unit) => `a${unit}b ${unit}`);
    const lines = values.map((v) => formatLogfmt({ v, bare: v.slice(1, 2), end: 1 }));
    for (const line of lines) assert(!unsafe.test(line), JSON.stringify(line));
    const decoded = await decode(lines);
    assert.equal(decoded.length, 65_536);
    decoded.forEach((pairs, unit) =>
      assert.deepEqual(pairs, [
        ["v", values[unit]!.toWellFormed()],
        ["bare", units[unit]!.toWellFormed()],
        ["end", "1"],
      ])
    );
  },
});

// P16, V2, LF2
Deno.test({
  name: name("formatLogfmt() keeps every BMP code unit out of the way in a key"),
  ignore,
  fn: async () => {
    const lines = units.map((unit) => formatLogfmt({ [`a${unit}b`]: 1, [unit]: 2 }));
    for (const line of lines) assert(!unsafe.test(line), JSON.stringify(line));
    const decoded = await decode(lines);
    assert.equal(decoded.length, 65_536);
    decoded.forEach((pairs, unit) => {
      const text = units[unit]!;
      const isLeftOut = /[ "=\ufffd]/.test(text) || unsafe.test(text);
      const keys = isLeftOut ? ["ab", "_"] : [`a${text}b`, text];
      const expected = keys.map((key, i) => [key, String(i + 1)]);
      // A whole number as a name comes first in an object.
      assert.deepEqual(pairs, /^\d$/.test(text) ? expected.reverse() : expected);
    });
  },
});

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom(" ", "=", '"', "\\", "\n", "a", "é", "\u2028", "\x1b", "😀") }),
  fc.constantFrom("", "null", "true", "\\n", "\\", '"', "="),
);
const key = fc.stringMatching(/^[a-z_.-]{1,8}$/).filter((k) => k !== "__proto__");

// V2
Deno.test({
  name: name("formatLogfmt() writes events that Go reads back"),
  ignore,
  fn: async () => {
    const events = fc.sample(fc.dictionary(key, text, { minKeys: 1 }), 5000);
    const decoded = await decode(events.map(formatLogfmt));
    assert.equal(decoded.length, events.length);
    events.forEach((event, i) =>
      assert.deepEqual(
        decoded[i],
        Object.entries(event).map(([k, v]) => [k, v.toWellFormed()]),
      )
    );
  },
});

// LF1, LF2
Deno.test({
  name: name("formatLogfmt() writes what Go writes"),
  ignore,
  fn: async () => {
    const value = fc.oneof(
      text.filter((t) => !beyondGo.test(t)),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constant([]),
      fc.constant({}),
    );
    const events = fc.sample(fc.dictionary(key, value, { minKeys: 1 }), 5000)
      .map((event) => ({ ...event })); // fast-check makes some without a prototype
    const input = events.map((event) => JSON.stringify(Object.entries(event))).join("\n");
    const lines = await run("encode", input);
    events.forEach((event, i) => assert.equal(formatLogfmt(event), lines[i]));
    assert.equal(lines.length, events.length);
  },
});

// W6
Deno.test({
  name: name("duration() prints what Go prints"),
  ignore,
  fn: async () => {
    const ns = [
      ...[0, 1, 999, 1000, 1001, 2455, 999_999, 1e6, 1_604_958, 1e9, 1.5e9, 6e10, 9e10, 3.6e12],
      ...fc.sample(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), 5000),
      ...fc.sample(fc.integer({ min: -2e9, max: 2e9 }), 5000),
    ];
    const lines = await run("duration", `${ns.join("\n")}\n`);
    ns.forEach((n, i) => assert.equal(String(duration(n / 1e6)), lines[i]));
  },
});
