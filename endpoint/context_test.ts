import assert from "node:assert/strict";
import { type Equals, pin } from "./_support_test.ts";
import { background } from "./background.ts";
import { type Context, contextKey } from "./context.ts";
import {
  detach,
  withMetadata,
  withOutgoing,
  withSignal,
  withTimeout,
  withValue,
} from "./derive.ts";
import { metadata } from "./metadata.ts";

Deno.test("contextKey() makes keys that differ even when their names do not", () => {
  const one = contextKey<number>("n");
  const two = contextKey<number>("n");
  const ctx = withValue(withValue(background(), one, 1), two, 2);
  assert.equal(ctx.value(one), 1);
  assert.equal(ctx.value(two), 2);
  assert.equal(one.name, "n");
  assert(Object.isFrozen(one));
});

Deno.test("contextKey() types the value that is stored under it", () => {
  const user = contextKey<{ readonly id: number }>("user");
  const found = background().value(user);
  pin<Equals<typeof found, { readonly id: number } | undefined>>();
  // @ts-expect-error: the key is not one for strings
  withValue(background(), user, "ada");
});

Deno.test("Context.value() finds through every kind of context, the nearest first", () => {
  const a = contextKey<string>("a");
  const b = contextKey<string | undefined>("b");
  const outer = withValue(withValue(background(), a, "outer"), b, "outer");
  using timed = withTimeout(outer, 1000);
  using late = withTimeout(timed, 2000);
  using signalled = withSignal(late, new AbortController().signal);
  const ctx = detach(withOutgoing(withMetadata(signalled, metadata()), metadata()));
  assert.equal(ctx.value(a), "outer");
  const inner = withValue(withValue(ctx, a, "inner"), b, undefined);
  assert.equal(inner.value(a), "inner");
  assert.equal(inner.value(b), undefined);
  assert.equal(ctx.value(a), "outer");
  assert.equal(inner.value(contextKey("a")), undefined);
});

Deno.test("Context may be made by hand and be the parent of any other", () => {
  const key = contextKey<number>("n");
  const controller = new AbortController();
  const own: Context = {
    signal: controller.signal,
    canAbort: true,
    deadline: Date.now() + 60_000,
    metadata: metadata({ a: "1" }),
    outgoing: metadata({ b: "2" }),
    value: <T>(asked: { name: string }) => (asked === key ? 7 as T : undefined),
  };
  using same = withTimeout(own, 120_000);
  using timed = withTimeout(own, 30_000);
  using signalled = withSignal(timed, new AbortController().signal);
  for (const ctx of [same, timed, signalled, withValue(signalled, contextKey("x"), 1)]) {
    assert.equal(ctx.value(key), 7);
    assert.equal(ctx.metadata.get("a"), "1");
    assert.equal(ctx.outgoing.get("b"), "2");
    assert(ctx.deadline! <= own.deadline!);
    assert(!ctx.signal.aborted);
  }
  controller.abort("gone");
  for (const ctx of [same, timed, signalled]) assert.equal(ctx.signal.reason, "gone");
  assert(!detach(own).canAbort);
});
