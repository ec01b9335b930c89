import assert from "node:assert/strict";
import { background, KitError } from "@kit/endpoint";
import { fetchFixed, fetchFrom } from "./_support_test.ts";
import { batch } from "./batch.ts";
import { method } from "./method.ts";
import { server } from "./server.ts";

const URL_ = "http://h/";

const handler = server({
  double: method(([n]: [number]) => Promise.resolve(2 * n)),
  fail: method(() => Promise.reject(new KitError("aborted", "Again"))),
}, { maxBatch: 5 });

// A15
Deno.test("batch() tells what came of each call", async () => {
  const call = batch(URL_, { fetch: fetchFrom(handler) });
  const results = await call([
    { method: "double", params: [1] },
    { method: "double", params: [2], notify: true },
    { method: "fail" },
    { method: "gone" },
    { method: "double", params: [3] },
  ], background());
  assert.deepEqual(results.map((r) => r.status === "fulfilled" ? r.value : r.reason.code), [
    2,
    undefined,
    "aborted",
    "unimplemented",
    6,
  ]);
});

Deno.test("batch() sends calls with ids and notifications without", async () => {
  const fetch = fetchFixed(null, { status: 204 });
  const call = batch(URL_, { fetch });
  const notification = { method: "a", params: { b: 1 }, notify: true };
  assert.deepEqual(await call([notification, notification], background()), [
    { status: "fulfilled", value: undefined },
    { status: "fulfilled", value: undefined },
  ]);
  await call([{ method: "a" }, { method: "b" }], background());
  await call([{ method: "c" }], background());
  assert.deepEqual(fetch.bodies, [
    JSON.stringify(Array(2).fill({ jsonrpc: "2.0", method: "a", params: { b: 1 } })),
    `[{"jsonrpc":"2.0","method":"a","id":0},{"jsonrpc":"2.0","method":"b","id":1}]`,
    `[{"jsonrpc":"2.0","method":"c","id":2}]`,
  ]);
});

Deno.test("batch() asks nobody when there is nothing to ask", async () => {
  const fetch = fetchFixed("[]");
  assert.deepEqual(await batch(URL_, { fetch })([], background()), []);
  assert.deepEqual(fetch.bodies, []);
});

Deno.test("batch() finds answers in any order, and misses those that are not there", async () => {
  const fetch = fetchFixed(JSON.stringify([
    { jsonrpc: "2.0", id: 2, result: "c" },
    { jsonrpc: "2.0", id: 0, result: "a" },
    { jsonrpc: "2.0", id: 7, result: "?" },
    { jsonrpc: "2.0", id: null, error: { code: -32600, message: "?" } },
  ]));
  const calls = [{ method: "a" }, { method: "b" }, { method: "c" }];
  const [a, b, c] = await batch(URL_, { fetch })(calls, background());
  assert.deepEqual([a, c], [{ status: "fulfilled", value: "a" }, {
    status: "fulfilled",
    value: "c",
  }]);
  assert(b?.status === "rejected");
  assert.equal(b.reason.code, "internal");
});

Deno.test("batch() rejects when the batch is refused as a whole", async () => {
  const call = batch(URL_, { fetch: fetchFrom(handler) });
  const calls = Array.from({ length: 6 }, () => ({ method: "fail" }));
  await assert.rejects(call(calls, background()), { rpcCode: -32600, code: "invalid_argument" });
  for (const body of ["{}", "1", `[1]`, `{"jsonrpc":"2.0","id":0,"result":1}`]) {
    const odd = batch(URL_, { fetch: fetchFixed(body) });
    await assert.rejects(odd(calls, background()), { code: "internal" });
  }
  const down = batch(URL_, { fetch: fetchFixed("", { status: 503 }) });
  await assert.rejects(down(calls, background()), { code: "unavailable" });
});
