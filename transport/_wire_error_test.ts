import assert from "node:assert/strict";
import { type Code, CODES, type ErrorCode, type ErrorDetail, KitError } from "@kit/endpoint";
import fc from "fast-check";
import { isJson, MAX_RETRY_AFTER_MS, parseWireError, wireError } from "./_wire_error.ts";

const ERROR_CODES = CODES.filter((code): code is ErrorCode => code !== "ok");
const OTHERWISE = { code: "unknown", message: "Call failed" } as const;

const detail = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<ErrorDetail>;

Deno.test("parseWireError() reads what wireError() wrote, over JSON", () => {
  fc.assert(fc.property(
    fc.constantFrom(...ERROR_CODES),
    fc.string(),
    fc.array(detail),
    fc.option(fc.integer({ min: -1, max: MAX_RETRY_AFTER_MS }), { nil: undefined }),
    (code, message, details, retryAfterMs) => {
      const error = new KitError(code, message, {
        details,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
      const read = parseWireError(JSON.parse(JSON.stringify(wireError(error))), OTHERWISE);
      assert.equal(read.code, code);
      assert.equal(read.message, message);
      assert.equal(JSON.stringify(read.details), JSON.stringify(details));
      assert.equal(read.retryAfterMs, retryAfterMs);
    },
  ));
});

// S12, P19
Deno.test("wireError() shows nothing of what is no KitError", () => {
  const secret = "hunter2";
  const errors: unknown[] = [
    new Error(secret, { cause: secret }),
    Object.assign(new Error(secret), { code: "not_found", details: [{ secret }], retryAfterMs: 5 }),
    { code: "aborted", message: secret, details: [{ secret }] },
    secret,
    new AggregateError([new Error(secret)], secret),
    undefined,
    null,
    () => secret,
  ];
  for (const error of errors) {
    assert.deepEqual(wireError(error), { code: "unknown", message: "Unknown error" });
  }
  assert.deepEqual(wireError(new DOMException(secret, "AbortError")), {
    code: "cancelled",
    message: "Call was cancelled",
  });
  assert.deepEqual(wireError(new DOMException(secret, "TimeoutError")), {
    code: "deadline_exceeded",
    message: "Deadline exceeded",
  });
});

Deno.test("wireError() shows neither cause nor stack of a KitError", () => {
  const error = new KitError("internal", "Cannot work", { cause: new Error("hunter2") });
  assert.deepEqual(wireError(error), { code: "internal", message: "Cannot work" });
});

Deno.test("wireError() leaves out what cannot be sent", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (const bad of [cycle, { n: 1n }]) {
    const error = new KitError("aborted", "x", { details: [bad], retryAfterMs: Infinity });
    assert.deepEqual(wireError(error), { code: "aborted", message: "x" });
  }
  assert.deepEqual(wireError(new KitError("aborted", "x", { retryAfterMs: NaN })), {
    code: "aborted",
    message: "x",
  });
  for (const code of ["ok", "nonsense", "__proto__", "toString"]) {
    assert.equal(wireError(new KitError(code as ErrorCode, "x")).code, "unknown");
  }
  assert.equal(wireError(new KitError("aborted", "x", { retryAfterMs: -1 })).retryAfterMs, -1);
});

Deno.test("parseWireError() believes nothing", () => {
  fc.assert(fc.property(
    fc.record({
      code: fc.anything(),
      message: fc.anything(),
      details: fc.oneof(fc.anything(), fc.array(fc.anything())),
      retryAfterMs: fc.oneof(fc.anything(), fc.double()),
    }, { requiredKeys: [] }),
    (found) => {
      const { code, message, details, retryAfterMs } = parseWireError(found, OTHERWISE);
      assert(ERROR_CODES.includes(code));
      assert.equal(typeof message, "string");
      for (const one of details) {
        assert(typeof one === "object" && one !== null && !Array.isArray(one));
      }
      if (retryAfterMs !== undefined) assert(retryAfterMs <= MAX_RETRY_AFTER_MS);
    },
  ));
});

Deno.test("parseWireError() puts what is expected in place of what makes no sense", () => {
  const codes: unknown[] = ["ok", "OK", "__proto__", "constructor", "", 5, null, ["aborted"], {}];
  for (const code of codes) {
    const error = parseWireError({ code, message: 5 }, OTHERWISE);
    assert.deepEqual([error.code, error.message], ["unknown", "Call failed"]);
  }
  const details = [{ a: 1 }, null, [], "a", 5, { b: 2 }];
  assert.deepEqual(parseWireError({ details }, OTHERWISE).details, [{ a: 1 }, { b: 2 }]);
  for (const details of [{}, "a", 5, null, { length: 3 }]) {
    assert.deepEqual(parseWireError({ details }, OTHERWISE).details, []);
  }
});

// O9
Deno.test("parseWireError() bounds the push-back", () => {
  const told: [unknown, number | undefined][] = [
    [0, 0],
    [1000, 1000],
    [-1, -1],
    [2 ** 31, MAX_RETRY_AFTER_MS],
    [Infinity, MAX_RETRY_AFTER_MS],
    [NaN, undefined],
    ["5", undefined],
    [null, undefined],
    [[5], undefined],
  ];
  for (const [retryAfterMs, expected] of told) {
    assert.equal(parseWireError({ retryAfterMs }, OTHERWISE).retryAfterMs, expected);
  }
});

Deno.test("isJson() tells what can be written", () => {
  for (const value of [null, 0, "", [], {}, NaN, new Date(0)]) assert(isJson(value));
  const throwing = {
    toJSON: () => {
      throw new Error("x");
    },
  };
  for (const value of [undefined, () => 1, Symbol("a"), 1n, throwing]) assert(!isJson(value));
});

const codes: readonly Code[] = CODES;
Deno.test("wireError() keeps every code", () => {
  for (const code of codes) {
    const { code: shown } = wireError(new KitError(code as ErrorCode, "x"));
    assert.equal(shown, code === "ok" ? "unknown" : code);
  }
});
