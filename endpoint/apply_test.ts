import assert from "node:assert/strict";
import { type Equals, pin } from "./_support_test.ts";
import { apply } from "./apply.ts";
import { background } from "./background.ts";
import type { Context } from "./context.ts";
import type { AnyMiddleware, Endpoint, Middleware } from "./endpoint.ts";

function annotate(name: string, seen: string[]): AnyMiddleware {
  return (next) => async (request, ctx) => {
    seen.push(`${name} pre`);
    const response = await next(request, ctx);
    seen.push(`${name} post`);
    return response;
  };
}

function double(n: number): Promise<number> {
  return Promise.resolve(n * 2);
}

// EP1, EP2
Deno.test("apply() puts the first middleware outermost", async () => {
  const seen: string[] = [];
  const endpoint = apply(
    (n: number) => {
      seen.push("endpoint");
      return Promise.resolve(`${n}`);
    },
    annotate("first", seen),
    annotate("second", seen),
    annotate("third", seen),
  );
  assert.equal(await endpoint(7, background()), "7");
  assert.deepEqual(seen, [
    "first pre",
    "second pre",
    "third pre",
    "endpoint",
    "third post",
    "second post",
    "first post",
  ]);
});

Deno.test("apply() gives back the endpoint itself when there is no middleware", () => {
  assert.equal(apply(double), double);
});

Deno.test("apply() wraps once and not for each call", async () => {
  let wraps = 0;
  const counting: AnyMiddleware = (next) => {
    wraps++;
    return next;
  };
  const endpoint = apply(double, counting);
  await endpoint(1, background());
  await endpoint(2, background());
  assert.equal(wraps, 1);
});

Deno.test("apply() hands the very request and context through", async () => {
  const request = { a: 1 };
  const ctx = background();
  const got: unknown[] = [];
  const endpoint = apply(
    (...args: [typeof request, Context]) => {
      got.push(...args);
      return Promise.resolve(args.length);
    },
    annotate("one", []),
  );
  assert.equal(await endpoint(request, ctx), 2);
  assert.equal(got[0], request);
  assert.equal(got[1], ctx);
});

Deno.test("apply() infers from the endpoint and types the middleware by it", () => {
  const wrapped = apply(double, (next) => (request, ctx) => {
    pin<Equals<typeof request, number>>();
    pin<Equals<typeof ctx, Context>>();
    pin<Equals<typeof next, Endpoint<number, number>>>();
    return next(request, ctx);
  });
  pin<Equals<typeof wrapped, Endpoint<number, number>>>();

  async function* count(to: number): AsyncGenerator<string> {
    for (let i = 0; i < to; i++) yield await Promise.resolve(`${i}`);
  }
  const stream: Endpoint<number, AsyncIterable<string>> = (to) => Promise.resolve(count(to));
  const watched = apply(stream, annotate("any", []));
  pin<Equals<typeof watched, Endpoint<number, AsyncIterable<string>>>>();

  const noRequest = apply(() => Promise.resolve(1), annotate("any", []));
  pin<Equals<typeof noRequest, Endpoint<unknown, number>>>();
});

Deno.test("apply() takes AnyMiddleware for every endpoint, and a typed one for its own only", () => {
  const any = annotate("any", []);
  const text: Middleware<string, string> = (next) => next;
  const numeric: Middleware<number, number> = (next) => next;
  pin<Equals<ReturnType<typeof any<string, Date>>, Endpoint<string, Date>>>();

  apply(double, any, numeric);
  // @ts-expect-error: its request and response are strings
  apply(double, text);
  // @ts-expect-error: the first one fits, the second does not
  apply(double, numeric, text);
  // @ts-expect-error: it changes the response
  apply(double, (next) => async (n: number, ctx) => `${await next(n, ctx)}`);
  // @ts-expect-error: a middleware for one type does not fit every endpoint
  const wide: AnyMiddleware = numeric;
  assert.equal(wide, numeric);
  // @ts-expect-error: an endpoint is asynchronous
  const sync: Endpoint<number, number> = (n) => n;
  assert.equal(typeof sync, "function");
});
