import assert from "node:assert/strict";
import { CODES, type ErrorCode, KitError } from "@kit/endpoint";
import fc from "fast-check";
import { errorObject, parseErrorObject } from "./error_object.ts";
import { JsonRpcError } from "./json_rpc_error.ts";
import { rpcCodeOf } from "./rpc_codes.ts";

/** An error as it arrives at the other side. */
const over = (error: unknown) => parseErrorObject(JSON.parse(JSON.stringify(errorObject(error))));

for (const code of CODES.filter((code): code is ErrorCode => code !== "ok")) {
  Deno.test(`errorObject() and parseErrorObject() keep an error with code ${code}`, () => {
    const details = [{ pointer: "/a", detail: "must be text" }];
    const once = over(new KitError(code, "Why", { details, retryAfterMs: 50 }));
    // A second hop changes nothing.
    for (const error of [once, over(once)]) {
      assert.equal(error.code, code);
      assert.equal(error.rpcCode, rpcCodeOf(code));
      assert.equal(error.message, "Why");
      assert.deepEqual(error.details, details);
      assert.equal(error.retryAfterMs, 50);
    }
  });
}

// JS7, S12
Deno.test("errorObject() shows nothing of what is no KitError", () => {
  const error = new Error("password=hunter2", { cause: "hunter2" });
  assert.deepEqual(errorObject(error), {
    code: -32603,
    message: "Unknown error",
    data: { code: "unknown" },
  });
  for (const value of ["hunter2", null, undefined, 5, { message: "hunter2" }]) {
    assert(!JSON.stringify(errorObject(value)).includes("hunter2"));
  }
});

// JS7
Deno.test("errorObject() honours errorCode() of any error, but not its text", () => {
  class Own extends Error {
    errorCode() {
      return 1001;
    }
  }
  assert.deepEqual(errorObject(new Own("hunter2")), {
    code: 1001,
    message: "Unknown error",
    data: { code: "unknown" },
  });
  const params = Object.assign(new Error("x"), { errorCode: () => -32602 });
  assert.deepEqual(errorObject(params).data, { code: "invalid_argument" });
});

Deno.test("errorObject() does without an errorCode() that throws or is no whole number", () => {
  const broken: unknown[] = [1.5, NaN, Infinity, "5", 2 ** 60, undefined];
  for (const code of broken) {
    const error = Object.assign(new KitError("aborted", "x"), { errorCode: () => code });
    assert.equal(errorObject(error).code, rpcCodeOf("aborted"));
  }
  const throwing = Object.assign(new KitError("aborted", "x"), {
    errorCode: () => {
      throw new Error("hunter2");
    },
  });
  assert.equal(errorObject(throwing).code, rpcCodeOf("aborted"));
  assert.equal(errorObject({ errorCode: 7 }).code, -32603);
});

// JS10
Deno.test("errorObject() sends the data of a JsonRpcError, unless it is no JSON", () => {
  assert.deepEqual(errorObject(new JsonRpcError(1001, "Full", { data: { seats: 0 } })), {
    code: 1001,
    message: "Full",
    data: { seats: 0 },
  });
  assert.equal(errorObject(new JsonRpcError(1, "x", { data: null })).data, null);
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (const data of [cycle, 1n, () => {}]) {
    assert.deepEqual(errorObject(new JsonRpcError(1, "x", { code: "aborted", data })).data, {
      code: "aborted",
    });
  }
});

// JC2
Deno.test("parseErrorObject() keeps the error code and the data of a foreign server", () => {
  const error = parseErrorObject({ code: -32005, message: "Limit", data: "slow down" });
  assert.equal(error.name, "JsonRpcError");
  assert.equal(error.code, "unknown");
  assert.equal(error.rpcCode, -32005);
  assert.equal(error.errorCode(), -32005);
  assert.equal(error.data, "slow down");
  assert.equal(error.message, "Limit");
});

Deno.test("parseErrorObject() believes nothing", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const error = parseErrorObject(value);
    assert(CODES.includes(error.code) && (error.code as string) !== "ok");
    assert.equal(typeof error.message, "string");
    assert(Number.isSafeInteger(error.rpcCode));
    assert(Array.isArray(error.details));
  }));
  const value = { code: "1", message: 5, data: { code: "ok", details: [1], retryAfterMs: 1e300 } };
  const error = parseErrorObject(value);
  assert.deepEqual([error.rpcCode, error.code, error.message, error.details, error.retryAfterMs], [
    0,
    "unknown",
    "Call failed with code 0",
    [],
    86_400_000,
  ]);
});

// JS12
Deno.test("JsonRpcError takes the text and the code of its error code", () => {
  const error = new JsonRpcError(-32601);
  assert.equal(error.message, "Method does not exist");
  assert.equal(error.code, "unimplemented");
  assert.equal(new JsonRpcError(-32601, "Gone", { code: "not_found" }).code, "not_found");
});
