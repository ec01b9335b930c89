import assert from "node:assert/strict";
import { CODES, type ErrorCode, KitError } from "@kit/endpoint";
import fc from "fast-check";
import { request } from "./_support_testing.ts";
import { newHeaders } from "./_headers.ts";
import { errorReply, parseErrorReply, parseGoKitErrorReply } from "./error_reply.ts";
import type { OutgoingMessage } from "./message.ts";

function reply(): OutgoingMessage {
  return {
    exchange: "",
    key: "answers",
    mandatory: false,
    headers: newHeaders(),
    properties: {},
    body: new Uint8Array(),
  };
}

function sent(error: unknown): KitError | undefined {
  const out = reply();
  errorReply(error, out);
  return parseErrorReply(request("", { headers: out.headers, body: out.body }));
}

const codes = CODES.filter((code): code is ErrorCode => code !== "ok");

Deno.test("errorReply() and parseErrorReply() keep code, message, details and push-back", () => {
  fc.assert(fc.property(
    fc.constantFrom(...codes),
    fc.string({ unit: "binary" }),
    fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 3 }),
    fc.option(fc.integer({ min: -1, max: 86_400_000 }), { nil: undefined }),
    (code, message, details, retryAfterMs) => {
      const plain = JSON.parse(JSON.stringify(details));
      const error = new KitError(code, message.toWellFormed(), {
        details: plain,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
      const found = sent(error)!;
      assert.deepEqual(
        [found.code, found.message, found.details, found.retryAfterMs],
        [code, error.message, plain, retryAfterMs],
      );
    },
  ));
});

for (const code of codes) {
  Deno.test(`errorReply() keeps ${code}`, () => {
    assert.equal(sent(new KitError(code, "x"))?.code, code);
  });
}

Deno.test("errorReply() leaves out details that do not fit in the headers", () => {
  const details = [{ text: "a".repeat(40_000) }];
  const found = sent(new KitError("invalid_argument", "x", { details }));
  assert.deepEqual([found?.code, found?.details], ["invalid_argument", []]);
});

// AS3
Deno.test("parseGoKitErrorReply() finds errors of Go kit, and no business failures", () => {
  assert.equal(parseGoKitErrorReply(request(`{"err":"err!"}`))?.message, "err!");
  assert.equal(parseGoKitErrorReply(request(`{"err":"err!"}`))?.code, "unknown");
  for (const body of [`{"v":1,"err":"x"}`, `{"err":"x","v":1}`, `{"err":1}`, `{"err":`, "", "[]"]) {
    assert.equal(parseGoKitErrorReply(request(body)), undefined, body);
  }
  assert.equal(parseErrorReply(request(`{"err":"err!"}`)), undefined);
});

Deno.test("parseErrorReply() believes nothing unseen", () => {
  fc.assert(fc.property(fc.anything(), fc.anything(), fc.anything(), (code, details, after) => {
    const error = parseErrorReply(request("", {
      headers: {
        "kit-error-code": code,
        "kit-error-details": details,
        "kit-retry-after-ms": after,
      },
    }));
    assert(error !== undefined && codes.includes(error.code));
    assert.equal(typeof error.message, "string");
  }));
});
