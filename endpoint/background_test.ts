import assert from "node:assert/strict";
import { background } from "./background.ts";
import { contextKey } from "./context.ts";

Deno.test("background() is one context without anything", () => {
  const ctx = background();
  assert.equal(ctx, background());
  assert(!ctx.canAbort);
  assert.equal(ctx.deadline, undefined);
  assert.equal(ctx.value(contextKey("any")), undefined);
  assert.deepEqual([...ctx.metadata], []);
  assert.deepEqual([...ctx.outgoing], []);
});

Deno.test("background() has one signal, and nobody can abort it", () => {
  assert.equal(background().signal, background().signal);
  assert(!background().signal.aborted);
});
