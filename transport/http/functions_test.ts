import assert from "node:assert/strict";
import { background } from "@kit/endpoint";
import { setContentType, setHeader } from "./functions.ts";

// HF2
Deno.test("setHeader() and setContentType() replace, and leave the context as it is", () => {
  const headers = new Headers([["x-a", "1"], ["x-a", "2"], ["content-type", "text/plain"]]);
  assert.equal(setHeader("X-A", "3")(background(), headers), background());
  assert.equal(setContentType("text/xml")(background(), headers), background());
  assert.deepEqual([...headers], [["content-type", "text/xml"], ["x-a", "3"]]);
});

// S8
Deno.test("setHeader() and setContentType() refuse what cannot be a header when they are built", () => {
  for (
    const [name, value] of [["x-a", "1\r\nx-b: 2"], ["x-a", "\0"], ["x\n", "1"], ["", "1"]] as const
  ) {
    assert.throws(() => setHeader(name, value), TypeError);
  }
  assert.throws(() => setContentType("text/plain\nx: y"), TypeError);
});
