import assert from "node:assert/strict";
import { CODES, type ErrorCode, KitError } from "@kit/endpoint";
import { errorText, parseErrorText } from "./error_text.ts";

for (const code of CODES.filter((code): code is ErrorCode => code !== "ok")) {
  Deno.test(`parseErrorText() gives back code and message of errorText(), ${code}`, () => {
    for (
      const message of [
        "Cannot find it",
        "",
        "two\nlines",
        "rpc: can't find service X",
        "rpc error: code = Aborted desc = x",
        "gob: x",
        "context canceled",
      ]
    ) {
      const { code: got, message: text } = parseErrorText(errorText(new KitError(code, message)));
      assert.equal(got, code);
      assert.equal(text, message);
    }
  });
}

Deno.test("errorText() shows nothing of an error that is no KitError, and is never empty", () => {
  for (const error of [new Error("password=hunter2"), "secret", undefined, new TypeError("x")]) {
    assert.equal(errorText(error), "Unknown error");
  }
  assert.equal(
    errorText(new DOMException("x", "TimeoutError")),
    "rpc error: code = DeadlineExceeded desc = Deadline exceeded",
  );
  assert.notEqual(errorText(new KitError("unknown", "")), "");
});

const OF_GO: [string, ErrorCode, string?][] = [
  ["rpc: can't find service Arith.Pow", "unimplemented"],
  ["rpc: can't find method Arith.Pow", "unimplemented"],
  ["rpc: service/method request ill-formed: Pow", "invalid_argument"],
  ["rpc: server cannot decode request: EOF", "invalid_argument"],
  ["gob: type mismatch", "invalid_argument"],
  ["jsonrpc: request body missing params", "invalid_argument"],
  // W9
  ["context deadline exceeded", "deadline_exceeded"],
  ["context canceled", "cancelled"],
  ["divide by zero", "unknown"],
  ["rpc error: code = NotFound desc = Cannot find it", "not_found", "Cannot find it"],
  ["rpc error: code = Canceled desc = gone", "cancelled", "gone"],
  ["rpc error: code = Code(99) desc = odd", "unknown", "odd"],
  ["rpc error: code = constructor desc = odd", "unknown", "odd"],
];
for (const [text, code, message = text] of OF_GO) {
  Deno.test(`parseErrorText() takes "${text}" for ${code}`, () => {
    const error = parseErrorText(text);
    assert.deepEqual([error.code, error.message], [code, message]);
  });
}
