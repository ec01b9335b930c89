import assert from "node:assert/strict";
import { CODES, type ErrorCode, KitError } from "@kit/endpoint";
import fc from "fast-check";
import { HttpError } from "./http_error.ts";
import { parseProblem, parseRetryAfter, problem } from "./problem.ts";
import { statusOf } from "./status.ts";

const ERROR_CODES = CODES.filter((code): code is ErrorCode => code !== "ok");

/** Sends an error on, as a service does that gets it from another. */
async function hop(error: unknown): Promise<KitError> {
  const response = problem(error);
  return parseProblem(response, await response.text());
}

// W7: a code, its text, its details and its push-back survive hops
for (const code of ERROR_CODES) {
  Deno.test(`problem() and parseProblem() keep ${code} over three hops`, async () => {
    const details = [{ pointer: "/s", detail: "must be text" }];
    const error = new KitError(code, `Text of "${code}"`, { details, retryAfterMs: 1250 });
    const first = problem(error);
    assert.equal(first.status, statusOf(code));
    await first.body?.cancel();
    const last = await hop(await hop(await hop(error)));
    assert.equal(last.code, code);
    assert.equal(last.message, error.message);
    assert.deepEqual(last.details, details);
    assert.equal(last.retryAfterMs, 1250);
  });
}

Deno.test("problem() and parseProblem() keep what the property says", async () => {
  await fc.assert(fc.asyncProperty(
    fc.constantFrom(...ERROR_CODES),
    fc.string({ unit: "binary" }),
    fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 3 }),
    fc.option(fc.integer({ min: -1, max: 86_400_000 }), { nil: undefined }),
    async (code, message, details, ms) => {
      const error = await hop(
        new KitError(code, message, { details, ...(ms === undefined ? {} : { retryAfterMs: ms }) }),
      );
      assert.equal(error.code, code);
      assert.equal(error.message, message.toWellFormed());
      assert.deepEqual(error.details, JSON.parse(JSON.stringify(details).toWellFormed()));
      assert.equal(error.retryAfterMs, ms);
    },
  ));
});

Deno.test("problem() has the members of RFC 9457", async () => {
  const response = problem(new KitError("not_found", "Gone"));
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.deepEqual(await response.json(), {
    type: "about:blank",
    title: "Not Found",
    status: 404,
    detail: "Gone",
    code: "not_found",
  });
});

// HS15, HS17, R11: an error chooses status and headers, each value of them is sent
Deno.test("problem() obeys statusCode() and headers() of an error, and adds all values", async () => {
  const error = Object.assign(new Error("password=hunter2"), {
    statusCode: () => 418,
    headers: () => [["X-Enhanced", "1"], ["Vary", "a"], ["Vary", "b"]] as [string, string][],
  });
  const response = problem(error);
  assert.equal(response.status, 418);
  assert.equal(response.headers.get("x-enhanced"), "1");
  assert.equal(response.headers.get("vary"), "a, b");
  const body = await response.json();
  assert.deepEqual([body.status, body.code, body.detail], [
    418,
    "failed_precondition",
    "Unknown error",
  ]);
});

Deno.test("problem() keeps the type of its body whatever the error says", async () => {
  const response = problem(
    new HttpError(404, "x", { headers: { "Content-Type": "text/html", "Retry-After": "7" } }),
  );
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.equal(response.headers.get("retry-after"), "7");
  await response.body?.cancel();
});

Deno.test("problem() sends no body with a status that has none", () => {
  for (const status of [204, 205, 304]) {
    const response = problem(new HttpError(status, "x", { headers: { etag: `"1"` } }));
    assert.equal(response.status, status);
    assert.equal(response.body, null);
    assert.equal(response.headers.get("etag"), `"1"`);
  }
});

const retries: [number, string | null, number | undefined][] = [
  [0, "0", 0],
  [1, "1", 1],
  [1000, "1", 1000],
  [1001, "2", 1001],
  [86_400_000, "86400", 86_400_000],
  [1e21, "86400", 86_400_000],
  [-1, null, -1],
  [-Infinity, null, undefined],
  [Infinity, null, undefined],
  [NaN, null, undefined],
];
for (const [retryAfterMs, header, read] of retries) {
  // O9
  Deno.test(`problem() writes Retry-After ${header} for ${retryAfterMs} ms`, async () => {
    const response = problem(new KitError("unavailable", "Down", { retryAfterMs }));
    assert.equal(response.headers.get("retry-after"), header);
    assert.equal(parseProblem(response, await response.text()).retryAfterMs, read);
  });
}

// S8, S9: what cannot be sent is left out, and the answer is an error whatever it was
const hostile: [string, unknown, number][] = [
  ["a status of 42", new HttpError(42, "x"), 500],
  ["a status of 101", new HttpError(101, "x"), 500],
  ["a status of 999", new HttpError(999, "x"), 500],
  ["a status of 404.5", new HttpError(404.5, "x"), 400],
  ["a status of NaN", Object.assign(new Error(), { statusCode: () => NaN }), 500],
  ["a status that is text", Object.assign(new Error(), { statusCode: () => "404" }), 500],
  ["a line break in a header", new HttpError(400, "x", { headers: { "x-a": "1\r\nx-b: 2" } }), 400],
  ["NUL in a header", new HttpError(400, "x", { headers: { "x-a": "\0" } }), 400],
  ["a detail that is no JSON", new KitError("aborted", "x", { details: [{ n: 1n }] }), 409],
  ["code __proto__", new KitError("__proto__" as ErrorCode, "x"), 500],
  ["code constructor", new KitError("constructor" as ErrorCode, "x"), 500],
  ["code toString", new KitError("toString" as ErrorCode, "x"), 500],
  ["code ok", new KitError("ok" as ErrorCode, "x"), 500],
  ["no code", new KitError(undefined as unknown as ErrorCode, "x"), 500],
];
for (const [name, error, status] of hostile) {
  Deno.test(`problem() answers ${status} for an error with ${name}`, async () => {
    const response = problem(error);
    assert.equal(response.status, status);
    assert.equal(response.headers.get("x-b"), null);
    const body = await response.json();
    assert.equal(body.status, status);
    assert(ERROR_CODES.includes(body.code));
  });
}

Deno.test("parseProblem() takes the code of the status when the body has none", () => {
  const bodies: [string, string][] = [
    ["text/plain", "no endpoints"],
    ["application/json", `{"error":"x"}`],
    ["application/problem+json", `{"code":"ok","detail":7}`],
    ["application/problem+json", `{"code":"__proto__"}`],
    ["application/problem+json", `{"code":["not_found"]}`],
    ["application/problem+json", `{"code":`],
    ["application/problem+json", `null`],
    ["application/problem+json", `[]`],
    ["text/html", `{"code":"not_found"}`],
    ["", ""],
  ];
  for (const [type, body] of bodies) {
    const response = new Response(null, { status: 503, headers: { "content-type": type } });
    const error = parseProblem(response, body);
    assert.equal(error.code, "unavailable");
    assert.equal(error.message, "Call failed with status 503");
    assert.deepEqual(error.details, []);
  }
});

Deno.test("parseProblem() takes details that are objects, and a Retry-After header", () => {
  const response = new Response(null, {
    status: 429,
    headers: { "content-type": "application/problem+json; charset=utf-8", "retry-after": "3" },
  });
  const error = parseProblem(response, `{"errors":[{"a":1},null,7,[1],"x"],"retryAfterMs":"9"}`);
  assert.deepEqual(error.details, [{ a: 1 }]);
  assert.equal(error.retryAfterMs, 3000);
  const huge = parseProblem(response, `{"retryAfterMs":1e999}`);
  assert.equal(huge.retryAfterMs, 86_400_000);
});

const NOW = Date.UTC(1994, 10, 6, 8, 49, 0);
const headers: [string | null, number | undefined][] = [
  [null, undefined],
  ["", undefined],
  ["0", 0],
  [" 120 ", 120_000],
  ["99999999999999999999", 86_400_000],
  ["-1", undefined],
  ["+1", undefined],
  ["1.5", undefined],
  ["1e3", undefined],
  ["5, 5", undefined],
  ["soon", undefined],
  ["abc 5", undefined],
  ["May 5", undefined],
  ["Sunday", undefined],
  ["Infinity", undefined],
  ["2026-01-01T00:00:00Z", undefined],
  ["Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 37_000],
  ["Sun Nov  6 08:49:37 1994", 37_000],
  ["Sun, 06 Nov 1994 08:48:37 GMT", 0],
  ["Sun, 06 Nov 2094 08:48:37 GMT", 86_400_000],
  ["Sun, 99 Nov 1994 08:48:37 GMT", undefined],
];
for (const [value, ms] of headers) {
  Deno.test(`parseRetryAfter() reads ${ms} out of ${JSON.stringify(value)}`, () => {
    assert.equal(parseRetryAfter(value, NOW), ms);
  });
}

// P20
Deno.test("parseRetryAfter() stays fast on hostile text", () => {
  for (const unit of ["1", " ", "Sun, ", "a", "- "]) {
    const begunAt = performance.now();
    parseRetryAfter(unit.repeat(100_000));
    assert(performance.now() - begunAt < 50);
  }
});
