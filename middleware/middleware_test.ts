/** How the middleware of this package fits together, by type and at run time. */
import assert from "node:assert/strict";
import {
  type AnyMiddleware,
  apply,
  background,
  chain,
  type Endpoint,
  type Middleware,
} from "@kit/endpoint";
import { settled } from "@kit/endpoint/testing";
import { type Fields, nopLogger } from "@kit/log";
import {
  bulkhead,
  circuitBreaker,
  instrumenting,
  logging,
  rateLimit,
  rateLimitWait,
  recover,
  timeout,
  tokenBucket,
} from "./mod.ts";

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;
function expectType<_T extends true>(): void {}

const bucket = tokenBucket({ limit: Infinity, burst: 1 });

/** One of each; `satisfies` holds that every one fits every endpoint. */
const all = {
  bulkhead: bulkhead(),
  circuitBreaker: circuitBreaker(),
  instrumenting: instrumenting({}, { method: "all" }),
  logging: logging(nopLogger, { method: "all" }),
  rateLimit: rateLimit(bucket),
  rateLimitWait: rateLimitWait(bucket),
  recover: recover(),
  timeout: timeout(60_000),
} satisfies Record<string, AnyMiddleware>;

const whole = chain(...Object.values(all) as [AnyMiddleware, ...AnyMiddleware[]]);

Deno.test("apply() infers the endpoint through every middleware", () => {
  const count = (s: string) => Promise.resolve(s.length);
  const wrapped = apply(
    count,
    all.bulkhead,
    circuitBreaker(),
    instrumenting({}, { method: "count" }),
    logging(nopLogger, { method: "count" }),
    rateLimit(bucket),
    rateLimitWait(bucket),
    recover(),
    timeout(1000),
  );
  expectType<Equals<typeof wrapped, Endpoint<string, number>>>();
  apply(
    count,
    logging(nopLogger, {
      method: "count",
      fields: (request, response) => {
        expectType<Equals<typeof request, string>>();
        expectType<Equals<typeof response, number | undefined>>();
        return { request, response };
      },
    }),
  );
  const typed = logging(nopLogger, {
    method: "count",
    fields: (request: string, response: number | undefined): Fields => ({ request, response }),
  });
  expectType<Equals<typeof typed, Middleware<string, number>>>();
  // @ts-expect-error: it reads the fields of another type of request.
  apply((n: number) => Promise.resolve(n), typed);
  // @ts-expect-error: a limiter has `allow`.
  rateLimit({});
  // @ts-expect-error: the method has to be named.
  logging(nopLogger, {});
});

const streams: Record<string, Endpoint<AsyncIterable<number>, AsyncIterable<number>>> = {
  "an async generator": (request) =>
    Promise.resolve((async function* () {
      for await (const n of request) yield n * 2;
    })()),
  "a ReadableStream": async (request) =>
    ReadableStream.from((await Array.fromAsync(request)).map((n) => n * 2)),
};

async function* numbers(): AsyncGenerator<number> {
  yield* [1, 2, 3];
}

for (const [name, middleware] of Object.entries({ ...all, whole })) {
  for (const [kind, endpoint] of Object.entries(streams)) {
    Deno.test(`${name} passes ${kind} both ways`, async () => {
      const call = apply(endpoint, middleware);
      assert.deepEqual(await Array.fromAsync(await call(numbers(), background())), [2, 4, 6]);
      const seen: number[] = [];
      for await (const n of await call(numbers(), background())) {
        seen.push(n);
        break;
      }
      assert.deepEqual(seen, [2]);
    });
  }

  Deno.test(`${name} passes the error of a stream and closes its source when left early`, async () => {
    let closed = 0;
    const endpoint: Endpoint<string, AsyncIterable<number>> = (how) =>
      Promise.resolve((async function* () {
        try {
          yield 1;
          if (how === "bad") throw new Error("cut off");
          yield 2;
        } finally {
          closed++;
        }
      })());
    const call = apply(endpoint, middleware);
    await assert.rejects(Array.fromAsync(await call("bad", background())), { message: "cut off" });
    assert.equal(closed, 1);
    for await (const _ of await call("good", background())) break;
    await settled();
    assert.equal(closed, 2);
  });

  Deno.test(`${name} passes values and errors of plain calls as they are`, async () => {
    const error = new Error("down");
    const call = apply(
      (n: number) => n < 0 ? Promise.reject(error) : Promise.resolve(n * 2),
      middleware,
    );
    assert.equal(await call(4, background()), 8);
    await assert.rejects(call(-1, background()), (thrown) => thrown === error);
  });
}
