import assert from "node:assert/strict";
import { isKitError } from "@kit/endpoint";
import { chosenHeaders, chosenStatus, HttpError, isWithoutBody } from "./http_error.ts";

// HS17
Deno.test("HttpError has a status, headers and the code of its status", () => {
  const cause = new Error("inside");
  const error = new HttpError(413, "Too much", {
    cause,
    details: [{ max: 1 }],
    retryAfterMs: 5,
    headers: { "x-a": "1" },
  });
  assert(isKitError(error));
  assert.equal(error.name, "HttpError");
  assert.equal(error.code, "resource_exhausted");
  assert.equal(error.statusCode(), 413);
  assert.deepEqual(error.headers(), { "x-a": "1" });
  assert.equal(error.cause, cause);
  assert.deepEqual(error.details, [{ max: 1 }]);
  assert.equal(error.retryAfterMs, 5);
  assert.deepEqual(new HttpError(404, "x").headers(), []);
});

Deno.test("chosenStatus() and chosenHeaders() ask functions only, with their object", () => {
  const own = {
    status: 202,
    statusCode() {
      return this.status;
    },
    headers() {
      return { "x-status": String(this.status) };
    },
  };
  assert.equal(chosenStatus(own), 202);
  assert.deepEqual(chosenHeaders(own), { "x-status": "202" });
  for (
    const value of [
      null,
      undefined,
      1,
      "x",
      {},
      { statusCode: 500, headers: { a: 1 } },
      new Response(),
    ]
  ) {
    assert.equal(chosenStatus(value), undefined);
    assert.equal(chosenHeaders(value), undefined);
  }
});

Deno.test("isWithoutBody() knows the statuses that Response refuses a body for", () => {
  for (let status = 200; status < 600; status++) {
    let isRefused = false;
    try {
      new Response("x", { status });
    } catch {
      isRefused = true;
    }
    assert.equal(isWithoutBody(status), isRefused, String(status));
  }
});
