import assert from "node:assert/strict";
import { type Code, CODES } from "@kit/endpoint";
import { codeOfStatus, isErrorCode, statusOf } from "./status.ts";

// https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
const TABLE: Record<Code, number> = {
  ok: 200,
  cancelled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
};

Deno.test("statusOf() is the table of google.rpc.Code", () => {
  for (const code of CODES) assert.equal(statusOf(code), TABLE[code]);
});

Deno.test("codeOfStatus() gives a code whose status is the same, where a code has it", () => {
  for (const status of new Set(Object.values(TABLE))) {
    if (status !== 200) assert.equal(statusOf(codeOfStatus(status)), status);
  }
});

Deno.test("codeOfStatus() gives every status a code", () => {
  for (let status = 0; status < 1000; status++) assert(isErrorCode(codeOfStatus(status)));
  assert.equal(codeOfStatus(302), "unknown");
  assert.equal(codeOfStatus(418), "failed_precondition");
  assert.equal(codeOfStatus(502), "unavailable");
  assert.equal(codeOfStatus(599), "unknown");
});

// S9
Deno.test("isErrorCode() is not fooled by names of properties, nor by ok", () => {
  for (const code of CODES) assert.equal(isErrorCode(code), code !== "ok");
  for (
    const value of ["__proto__", "constructor", "toString", "", 5, null, undefined, ["aborted"]]
  ) {
    assert(!isErrorCode(value));
  }
});
