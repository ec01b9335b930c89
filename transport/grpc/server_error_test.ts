import { background, CODES, type Endpoint, type ErrorCode, KitError } from "@kit/endpoint";
import assert from "node:assert/strict";
import { methods, serving } from "./_support_test.ts";
import { type Codec, unary } from "./method.ts";

const echo: Endpoint<number, number> = (n) => Promise.resolve(n);

// GS4, S12
Deno.test("server() shows nothing of an error that is no KitError, thrown in whatever step", async () => {
  const secret = new Error("password=hunter2");
  const hook = () => {
    throw secret;
  };
  const bad: Codec<number> = { serialize: hook, deserialize: hook };
  const good = methods.unary.request as Codec<number>;
  const ways = [
    await serving(methods.unary, () => Promise.reject(secret)),
    await serving(methods.unary, hook),
    await serving(methods.unary, echo, { server: { before: [hook] } }),
    await serving(methods.unary, echo, { server: { after: [hook] } }),
    await serving(methods.unary, () => Promise.reject(secret), { server: { encodeError: hook } }),
    await serving(
      unary("/t.T/Decode", { request: { ...good, deserialize: hook }, response: good }),
      echo,
    ),
    await serving(
      unary("/t.T/Encode", { request: good, response: { ...bad, deserialize: good.deserialize } }),
      echo,
    ),
  ];
  for (const there of ways) {
    await assert.rejects(there.call(1, background()), (error: KitError) => {
      assert.match(error.message, /^Unknown error$|^Cannot (?:de|en)code re/);
      assert(!JSON.stringify(error).includes("hunter2"));
      return true;
    });
    await there[Symbol.asyncDispose]();
  }
});

Deno.test("server() answers though onError and a finalizer throw", async () => {
  const hook = () => {
    throw new Error("hook");
  };
  await using there = await serving(methods.unary, echo, {
    server: { onError: hook, finalizer: [hook] },
  });
  assert.equal(await there.call(1, background()), 1);
});

// GS4, A11
Deno.test("server() and client() keep every code, its text and push-back", async () => {
  const codes = CODES.filter((code): code is ErrorCode => code !== "ok");
  await using there = await serving(
    methods.unary,
    (n) => Promise.reject(new KitError(codes[n]!, `code ${n}`, { retryAfterMs: n - 1 })),
  );
  for (const [n, code] of codes.entries()) {
    const error = await there.call(n, background()).catch((error) => error);
    assert.deepEqual([error.code, error.message, error.retryAfterMs], [code, `code ${n}`, n - 1]);
  }
});

Deno.test("server() and client() keep texts that HTTP/2 cannot carry as they are", async () => {
  const texts = ["", "100%", "süß\r\n\u0000", "a b,c;d:e/f?g#h", "\u{1f600}", "%zz %41"];
  await using there = await serving(
    methods.unary,
    (n) => Promise.reject(new KitError("aborted", texts[n]!)),
  );
  for (const [n, text] of texts.entries()) {
    await assert.rejects(there.call(n, background()), { message: text });
  }
});

Deno.test("server() shortens what no peer would take", async () => {
  const details = Array.from({ length: 500 }, (_, i) => ({ pointer: `/a/${i}`, detail: "bad" }));
  await using there = await serving(
    methods.unary,
    () => Promise.reject(new KitError("invalid_argument", "\u{1f600}".repeat(5000), { details })),
  );
  const error = await there.call(1, background()).catch((error) => error);
  assert.equal(error.code, "invalid_argument");
  assert.match(error.message, /^\u{1f600}+\ufffd?\.\.\.$/u);
  assert(error.details.length > 50 && error.details.length < 500);
  assert.deepEqual(error.details[0], details[0]);
});
