import assert from "node:assert/strict";
import { background, KitError } from "@kit/endpoint";
import { collect, methods, serving, streamOf } from "./_support_test.ts";

Deno.test("server() and client() make a unary call", async () => {
  await using there = await serving(methods.unary, (n) => Promise.resolve(n * 2));
  assert.equal(await there.call(4, background()), 8);
});

Deno.test("server() and client() make a server stream", async () => {
  await using there = await serving(
    methods.serverStream,
    (n) =>
      Promise.resolve((async function* () {
        for (let i = 0; i < n; i++) yield i;
      })()),
  );
  assert.deepEqual(await collect(await there.call(4, background())), [0, 1, 2, 3]);
});

Deno.test("server() and client() make a client stream", async () => {
  await using there = await serving(methods.clientStream, async (stream) => {
    let sum = 0;
    for await (const n of stream) sum += n;
    return sum;
  });
  assert.equal(await there.call(streamOf(1, 2, 3), background()), 6);
});

Deno.test("server() and client() make a bidirectional stream", async () => {
  await using there = await serving(methods.bidi, (stream) =>
    Promise.resolve((async function* () {
      for await (const n of stream) yield n * 2;
    })()));
  assert.deepEqual(await collect(await there.call(streamOf(1, 2, 3), background())), [2, 4, 6]);
});

Deno.test("server() tells errors with code, message, details and push-back", async () => {
  await using there = await serving(methods.unary, () =>
    Promise.reject(
      new KitError("resource_exhausted", "Süß\n100% \ud800", {
        details: [{ pointer: "/a/0/b", detail: "must" }, { x: [1, null, { y: "z" }] }],
        retryAfterMs: 1500,
      }),
    ));
  await assert.rejects(there.call(4, background()), {
    code: "resource_exhausted",
    message: "Süß\n100% \ufffd",
    details: [{ pointer: "/a/0/b", detail: "must" }, { x: [1, null, { y: "z" }] }],
    retryAfterMs: 1500,
  });
});
