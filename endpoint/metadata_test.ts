import assert from "node:assert/strict";
import fc from "fast-check";
import { metadata, type MetadataInit, NO_METADATA } from "./metadata.ts";

Deno.test("metadata() ignores the case of names", () => {
  const md = metadata({ "X-Request-ID": "7" }, [["x-request-id", "8"]]);
  assert.equal(md.get("x-Request-Id"), "7");
  assert.deepEqual(md.getAll("X-REQUEST-ID"), ["7", "8"]);
});

Deno.test("metadata() keeps the order of names and of their values", () => {
  const md = metadata([["b", "1"], ["A", "2"], ["B", "3"]], { a: ["4", "5"], c: "6" });
  assert.deepEqual([...md], [["b", "1"], ["b", "3"], ["a", "2"], ["a", "4"], ["a", "5"], [
    "c",
    "6",
  ]]);
});

Deno.test("metadata() tells nothing for a name that it does not have", () => {
  const md = metadata({ a: [] });
  assert.equal(md.get("a"), undefined);
  assert.deepEqual(md.getAll("a"), []);
  assert.deepEqual([...md], []);
});

Deno.test("metadata() keeps an empty value", () => {
  assert.equal(metadata({ a: "" }).get("a"), "");
});

Deno.test("metadata() takes Headers, several cookies included, and metadata itself", () => {
  const headers = new Headers({ "X-A": "1" });
  headers.append("x-a", "2");
  headers.append("set-cookie", "a=1");
  headers.append("set-cookie", "b=2, c");
  const md = metadata(metadata(headers));
  assert.equal(md.get("x-a"), "1, 2");
  assert.deepEqual(md.getAll("Set-Cookie"), ["a=1", "b=2, c"]);
});

Deno.test("metadata() treats names of Object.prototype as any other", () => {
  const none = metadata();
  const odd = JSON.parse(`{"__proto__":"p","constructor":"c","toString":["t","u"]}`);
  const md = metadata(odd as MetadataInit);
  for (const name of ["__proto__", "constructor", "tostring", "hasOwnProperty"]) {
    assert.equal(none.get(name), undefined);
    assert.deepEqual(none.getAll(name), []);
  }
  assert.equal(md.get("__PROTO__"), "p");
  assert.equal(md.get("constructor"), "c");
  assert.deepEqual(md.getAll("toString"), ["t", "u"]);
  assert.equal(({} as Record<string, unknown>).p, undefined);
});

Deno.test("metadata() changes neither with its source nor with what it handed out", () => {
  const values = ["1"];
  const md = metadata({ a: values });
  values.push("2");
  (md.getAll("a") as string[]).push("3");
  for (const pair of md) (pair as [string, string])[1] = "4";
  assert.deepEqual(md.getAll("a"), ["1"]);
});

Deno.test("metadata() holds what a plain list of pairs holds", () => {
  const name = fc.constantFrom("a", "A", "b", "B", "__proto__", "constructor");
  fc.assert(fc.property(fc.array(fc.tuple(name, fc.string())), name, (pairs, asked) => {
    const md = metadata(pairs);
    const expected = pairs.filter(([one]) => one.toLowerCase() === asked.toLowerCase());
    assert.deepEqual(md.getAll(asked), expected.map(([, value]) => value));
    assert.equal(md.get(asked), expected[0]?.[1]);
    assert.equal([...md].length, pairs.length);
    assert.deepEqual([...metadata(md)], [...md]);
  }));
});

Deno.test("NO_METADATA is empty, frozen, and can be read again and again", () => {
  (NO_METADATA.getAll("a") as string[]).push("1");
  assert.equal(NO_METADATA.get("a"), undefined);
  assert.deepEqual(NO_METADATA.getAll("a"), []);
  assert.deepEqual([...NO_METADATA], []);
  assert.deepEqual([...NO_METADATA], []);
  assert(Object.isFrozen(NO_METADATA));
});
