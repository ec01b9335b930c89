import { KitError } from "@kit/endpoint";
import assert from "node:assert/strict";
import { isRetryable } from "./retryable.ts";

const refused = Object.assign(new Error("connect refused"), { code: "ECONNREFUSED" });
const cyclic = new Error("cyclic");
cyclic.cause = cyclic;

for (
  const [what, error, expected] of [
    ["unavailable", new KitError("unavailable", "x"), true],
    ["unavailable with a push-back", new KitError("unavailable", "x", { retryAfterMs: 5 }), true],
    ["unavailable never", new KitError("unavailable", "x", { retryAfterMs: -1 }), false],
    ["unavailable at no time", new KitError("unavailable", "x", { retryAfterMs: NaN }), false],
    ["exhausted until", new KitError("resource_exhausted", "x", { retryAfterMs: 5 }), true],
    ["exhausted", new KitError("resource_exhausted", "x"), false],
    ["not_found until", new KitError("not_found", "x", { retryAfterMs: 5 }), false],
    ["Node's refusal", refused, true],
    ["fetch around a refusal", new TypeError("fetch failed", { cause: refused }), true],
    ["a KitError around a refusal", new KitError("internal", "x", { cause: refused }), false],
    ["an AbortError", new DOMException("x", "AbortError"), false],
    ["a TypeError", new TypeError("x is not a function"), false],
    ["a cycle", cyclic, false],
    ["a string", "ECONNREFUSED", false],
    ["nothing", undefined, false],
  ] as const
) {
  Deno.test(`isRetryable() is ${expected} for ${what}`, () =>
    assert.equal(isRetryable(error), expected));
}

Deno.test("isRetryable() knows how Deno refuses a connection", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const error = await Deno.connect({ port, hostname: "127.0.0.1" }).catch((error) => error);
  assert(isRetryable(error), String(error));
});
