import assert from "node:assert/strict";
import { CODES, type ErrorCode } from "@kit/endpoint";
import {
  codeOfRpcCode,
  errorText,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  PARSE_ERROR,
  rpcCodeOf,
} from "./rpc_codes.ts";

const ERROR_CODES = CODES.filter((code): code is ErrorCode => code !== "ok");

Deno.test("rpcCodeOf() gives each code the number of the table in the docs", async () => {
  const text = await Deno.readTextFile(new URL("rpc_codes.ts", import.meta.url));
  const rows = [...text.matchAll(/`([a-z_]+)` *\| (-\d+) /g)].map(([, code, n]) => [code, +n!]);
  assert.equal(rows.length, 16);
  for (const [code, number] of rows) assert.equal(rpcCodeOf(code as ErrorCode), number);
});

Deno.test("codeOfRpcCode() undoes rpcCodeOf(), but that unknown shares the number of internal", () => {
  for (const code of ERROR_CODES) {
    assert.equal(codeOfRpcCode(rpcCodeOf(code)), code === "unknown" ? "internal" : code);
  }
});

Deno.test("rpcCodeOf() stays in the range of servers, where the specification names no number", () => {
  for (const code of ERROR_CODES) {
    const number = rpcCodeOf(code);
    const isNamed = [INVALID_PARAMS, METHOD_NOT_FOUND, INTERNAL_ERROR].includes(number);
    assert(isNamed || (number >= -32099 && number <= -32000), code);
  }
});

Deno.test("codeOfRpcCode() takes the number of somebody else for unknown", () => {
  for (const number of [0, 1, -1, 1001, -32000, -32005, -32080, -32082, -32083, -32097, 1.5, NaN]) {
    assert.equal(codeOfRpcCode(number), "unknown", String(number));
  }
  for (const number of [-32092, -32093]) assert.equal(codeOfRpcCode(number), "unknown");
});

// JS12
Deno.test("errorText() knows the five codes of the specification", () => {
  const five = [PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR];
  assert.deepEqual(five, [-32700, -32600, -32601, -32602, -32603]);
  assert.equal(new Set(five.map(errorText)).size, 5);
  for (const number of five) assert(!errorText(number).includes(String(number)));
  assert.equal(errorText(1001), "Call failed with code 1001");
});
