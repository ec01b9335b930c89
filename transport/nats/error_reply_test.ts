import assert from "node:assert/strict";
import fc from "fast-check";
import { CODES, type ErrorCode, KitError } from "@kit/endpoint";
import { headers as createHeaders } from "@nats-io/nats-core";
import { bytesOf, headersOf, textOf } from "./_support_test.ts";
import type { MessageHeaders } from "./connection.ts";
import { errorReply, parseErrorReply, parseGoKitErrorReply } from "./error_reply.ts";
import type { IncomingReply } from "./functions.ts";

function reply(body: string | Uint8Array, headers?: MessageHeaders): IncomingReply {
  const data = typeof body === "string" ? bytesOf(body) : body;
  return { subject: "_INBOX.1", data, headers };
}

const text = fc.string({ unit: "binary", maxLength: 400 });
const codes = CODES.filter((code): code is ErrorCode => code !== "ok");

Deno.test("errorReply() and parseErrorReply() keep every error", () => {
  fc.assert(fc.property(
    fc.constantFrom(...codes),
    text,
    fc.array(fc.dictionary(text, fc.jsonValue({ stringUnit: "binary" })), { maxLength: 3 }),
    fc.option(fc.integer({ min: -1, max: 86_400_000 }), { nil: undefined }),
    (code, message, details, retryAfterMs) => {
      // What JSON itself does not keep, -0 and lone surrogates, is no matter here.
      const kept = JSON.parse(JSON.stringify(details));
      const options = { details: kept, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
      const headers = createHeaders();
      const body = errorReply(new KitError(code, message, options), headers);
      assert.deepEqual(JSON.parse(textOf(body)), { err: message }); // NS3
      for (const [name, [value]] of headers) {
        assert(!/[\r\n]/.test(value!), name);
        if (name === "kit-error-details") assert(/^[\x20-\x7e]*$/.test(value!));
      }
      const error = parseErrorReply(reply(body, headers));
      assert.deepEqual(
        [error?.code, error?.message, error?.details, error?.retryAfterMs],
        [code, message, kept, retryAfterMs],
      );
    },
  ));
});

Deno.test("errorReply() tells a long message by the body, not by a header", () => {
  const headers = createHeaders();
  const body = errorReply(new KitError("aborted", "x".repeat(1000)), headers);
  assert.equal(headers.get("Nats-Service-Error").length, 256);
  assert.equal(parseErrorReply(reply(body, headers))?.message.length, 1000);
});

Deno.test("errorReply() leaves out what is no JSON", () => {
  const headers = createHeaders();
  errorReply(new KitError("aborted", "a", { details: [{ n: 1n }], retryAfterMs: NaN }), headers);
  assert.deepEqual(headers.keys(), [
    "Nats-Service-Error",
    "Nats-Service-Error-Code",
    "kit-error-code",
  ]);
});

for (
  const [name, headers, body, code, message] of [
    [
      "a service of NATS",
      { "Nats-Service-Error": "no", "Nats-Service-Error-Code": "404" },
      "",
      "not_found",
      "no",
    ],
    [
      "its code alone",
      { "Nats-Service-Error-Code": "503" },
      "",
      "unavailable",
      "Call failed with status 503",
    ],
    ["its text alone", { "Nats-Service-Error": "no" }, "x", "unknown", "no"],
    [
      "a code that is none",
      { "kit-error-code": "ok", "Nats-Service-Error-Code": "429" },
      "",
      "resource_exhausted",
      "Call failed with status 429",
    ],
    [
      "a status that is none",
      { "Nats-Service-Error-Code": "abc" },
      "",
      "unknown",
      "Call failed with status abc",
    ],
    [
      "a body that is no error",
      { "kit-error-code": "aborted", "Nats-Service-Error": "no" },
      `{"err":1}`,
      "aborted",
      "no",
    ],
    [
      "a name of the prototype",
      { "kit-error-code": "__proto__" },
      "",
      "unknown",
      "Call failed with status ",
    ],
  ] as const
) {
  Deno.test(`parseErrorReply() reads ${name}`, () => {
    const error = parseErrorReply(reply(body, headersOf(headers)));
    assert.deepEqual([error?.code, error?.message], [code, message]);
  });
}

Deno.test("parseErrorReply() believes no member unseen", () => {
  const headers = headersOf({
    "kit-error-code": "aborted",
    "kit-error-details": `[1,null,[],{"a":1}]`,
    "kit-retry-after-ms": "1e300",
  });
  const error = parseErrorReply(reply("{", headers));
  assert.deepEqual(error?.details, [{ a: 1 }]);
  assert.equal(error.retryAfterMs, 86_400_000);
  const odd = headersOf({
    "kit-error-code": "aborted",
    "kit-error-details": "{",
    "kit-retry-after-ms": "soon",
  });
  const other = parseErrorReply(reply("{", odd));
  assert.deepEqual([other?.details, other?.retryAfterMs], [[], undefined]);
});

Deno.test("parseErrorReply() reads a status of NATS itself", () => {
  const error = parseErrorReply(reply("", createHeaders(408, "Request Timeout")));
  assert.deepEqual([error?.code, error?.message], [
    "deadline_exceeded",
    "Call failed with status 408 Request Timeout",
  ]);
  assert.equal(parseErrorReply(reply("", createHeaders(100, "Idle"))), undefined);
});

Deno.test("parseErrorReply() finds no error in what has no such headers", () => {
  for (const headers of [undefined, headersOf({}), headersOf({ a: "1" })]) {
    assert.equal(parseErrorReply(reply(`{"err":"x"}`, headers)), undefined);
  }
});

// NS3: Go kit marks an error by nothing but its body.
for (
  const [body, message] of [
    [`{"err":"boom"}`, "boom"],
    [`{"err":""}`, ""],
    [`{"err":"\\u003c1\\u003e"}`, "<1>"],
    [`{"v":"","err":"empty string"}`, undefined],
    [`{"err":"empty string","v":""}`, undefined],
    [`{"err":null}`, undefined],
    [`{"err":{}}`, undefined],
    [`{"err":"cut`, undefined],
    [`{"error":"x"}`, undefined],
    [`["err"]`, undefined],
    [`"err"`, undefined],
    [``, undefined],
  ] as const
) {
  Deno.test(`parseGoKitErrorReply() finds ${message ?? "no error"} in ${body}`, () => {
    const error = parseGoKitErrorReply(reply(body));
    assert.equal(error?.message, message);
    if (message !== undefined) assert.equal(error?.code, "unknown");
  });
}

Deno.test("parseGoKitErrorReply() prefers what the headers say", () => {
  const headers = createHeaders();
  const body = errorReply(new KitError("aborted", "oh"), headers);
  assert.equal(parseGoKitErrorReply(reply(body, headers))?.code, "aborted");
});

Deno.test("parseGoKitErrorReply() does not fail for any bytes", () => {
  const some = fc.oneof(
    fc.uint8Array(),
    fc.uint8Array().map((bytes) => new Uint8Array([...bytesOf(`{"err":`), ...bytes])),
  );
  fc.assert(fc.property(some, (bytes) => void parseGoKitErrorReply(reply(bytes, headersOf({})))));
});
