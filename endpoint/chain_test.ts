import assert from "node:assert/strict";
import { type Equals, pin } from "./_support_test.ts";
import { background } from "./background.ts";
import { chain } from "./chain.ts";
import type { AnyMiddleware, Middleware } from "./endpoint.ts";
import { nop } from "./nop.ts";

function annotate(name: string, seen: string[]): AnyMiddleware {
  return (next) => async (request, ctx) => {
    seen.push(`${name} pre`);
    const response = await next(request, ctx);
    seen.push(`${name} post`);
    return response;
  };
}

// EP3, EP6: the order of upstream's checked example
Deno.test("chain() puts the first middleware outermost", async () => {
  const seen: string[] = [];
  const wrap = chain(annotate("first", seen), annotate("second", seen), annotate("third", seen));
  await wrap(() => {
    seen.push("my endpoint!");
    return nop();
  })({}, background());
  assert.deepEqual(seen, [
    "first pre",
    "second pre",
    "third pre",
    "my endpoint!",
    "third post",
    "second post",
    "first post",
  ]);
});

// EP3
Deno.test("chain() of one middleware does what that middleware does", async () => {
  const seen: string[] = [];
  assert.deepEqual(await chain(annotate("only", seen))(nop)({}, background()), {});
  assert.deepEqual(seen, ["only pre", "only post"]);
});

Deno.test("chain() can be applied to several endpoints", async () => {
  const seen: string[] = [];
  const wrap = chain(annotate("a", seen), annotate("b", seen));
  assert.equal(await wrap((n: number) => Promise.resolve(n + 1))(1, background()), 2);
  assert.equal(await wrap((s: string) => Promise.resolve(s + s))("x", background()), "xx");
  assert.equal(seen.length, 8);
});

Deno.test("chain() keeps the type of what it joins", () => {
  const any = annotate("any", []);
  const numeric: Middleware<number, string> = (next) => next;
  const text: Middleware<string, string> = (next) => next;

  const all = chain(any, any);
  pin<Equals<typeof all, AnyMiddleware>>();
  const first = chain(numeric, any);
  pin<Equals<typeof first, Middleware<number, string>>>();
  const last = chain(any, numeric);
  pin<Equals<typeof last, Middleware<number, string>>>();
  // @ts-expect-error: one takes numbers, the other strings
  assert.equal(typeof chain(numeric, text), "function");
  // @ts-expect-error: there is no form without arguments (EP3)
  assert.throws(() => chain()(nop), TypeError);
});
