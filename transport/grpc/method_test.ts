import { CODES } from "@kit/endpoint";
import assert from "node:assert/strict";
import { json } from "./_support_test.ts";
import { bidiStream, clientStream, type Method, serverStream, unary } from "./method.ts";
import { codeOfStatus, statusOf } from "./status.ts";

const codecs = { request: json<number>(), response: json<string>() };

Deno.test("unary(), serverStream(), clientStream() and bidiStream() type their endpoints", () => {
  const a: Method<number, string> = unary("/a.B/C", codecs);
  const b: Method<number, AsyncIterable<string>> = serverStream("/a.B/C", codecs);
  const c: Method<AsyncIterable<number>, string> = clientStream("/a.B/C", codecs);
  const d: Method<AsyncIterable<number>, AsyncIterable<string>> = bidiStream("/a.B/C", codecs);
  // @ts-expect-error: the request is a number.
  const wrong: Method<string, string> = unary("/a.B/C", codecs);
  assert.deepEqual(
    [a, b, c, d, wrong].map(({ requestStream, responseStream }) => [requestStream, responseStream]),
    [[false, false], [false, true], [true, false], [true, true], [false, false]],
  );
});

Deno.test("unary() refuses what is no name of a method", () => {
  for (const path of ["", "a.B/C", "/a.B", "/a.B/", "//C", "/a B/C", "/a.B/C/D", "/a.B/C\n"]) {
    assert.throws(() => unary(path, codecs), TypeError, path);
  }
  assert.equal(unary("/Service/Method", codecs).path, "/Service/Method");
});

// A11
Deno.test("statusOf() and codeOfStatus() undo each other for all 17 codes", () => {
  assert.equal(CODES.length, 17);
  for (const [number, code] of CODES.entries()) {
    assert.equal(statusOf(code), number);
    assert.equal(codeOfStatus(number), code);
  }
  for (const number of [-1, 17, 1.5, NaN]) assert.equal(codeOfStatus(number), "unknown");
});
