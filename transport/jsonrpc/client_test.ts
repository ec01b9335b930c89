import assert from "node:assert/strict";
import {
  background,
  type Context,
  contextKey,
  delay,
  type Endpoint,
  KitError,
  metadata,
  withOutgoing,
  withSignal,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import fc from "fast-check";
import { setHeader } from "../http/functions.ts";
import { problem } from "../http/problem.ts";
import type { Schema } from "../schema.ts";
import { fetchFixed, fetchFrom } from "./_support_test.ts";
import { client } from "./client.ts";
import { JsonRpcError } from "./json_rpc_error.ts";
import { requestId, requestMethod } from "./keys.ts";
import { method } from "./method.ts";
import { server } from "./server.ts";

const URL_ = "http://h/";

/** A client of `m` whose server answers with a fixed body. */
function answered(body: BodyInit | null, init: ResponseInit = {}): Endpoint<unknown, unknown> {
  return client(URL_, "m", { fetch: fetchFixed(body, init) });
}

const ok = (result: unknown, id: unknown = 0) => JSON.stringify({ jsonrpc: "2.0", result, id });

// JC1
Deno.test("client() posts a request with ids that count up from 0", async () => {
  const fetch = fetchFixed(null);
  const call = client(URL_, "sum", { fetch });
  const other = client(URL_, "other", { fetch });
  const calls = Array.from({ length: 100 }, () => call({ a: 1 }, background()));
  await Promise.allSettled([...calls, other(undefined, background())]);
  fetch.bodies.forEach((body, i) => {
    const expected = i < 100
      ? `{"jsonrpc":"2.0","method":"sum","params":{"a":1},"id":${i}}`
      : `{"jsonrpc":"2.0","method":"other","id":0}`;
    assert.equal(body, expected);
  });
});

Deno.test("client() sends JSON by POST", async () => {
  let seen: RequestInit | undefined;
  const call = client(URL_, "m", {
    fetch: (_, init) => {
      seen = init;
      return Promise.resolve(new Response(ok(1)));
    },
  });
  assert.equal(await call({}, background()), 1);
  assert.equal(seen?.method, "POST");
  assert.equal(new Headers(seen?.headers).get("content-type"), "application/json");
});

// JC1
Deno.test("client() takes the ids of nextId", async () => {
  for (const id of [666, "a", -1.5]) {
    const fetch = fetchFixed(ok("yes", id));
    const call = client(URL_, "m", { nextId: () => id, fetch });
    assert.equal(await call([1], background()), "yes");
    assert.deepEqual(JSON.parse(fetch.bodies[0]!).id, id);
  }
});

Deno.test("client() rejects when nextId or encode throws", async () => {
  const boom = new Error("boom");
  const thrower = () => {
    throw boom;
  };
  for (const options of [{ nextId: thrower }, { encode: thrower }]) {
    await assert.rejects(
      client(URL_, "m", { ...options, fetch: fetchFixed(ok(1)) })({}, background()),
      boom,
    );
  }
});

Deno.test("client() refuses parameters that are no object and no array", async () => {
  for (const params of ["a", 1, true, 1n]) {
    const fetch = fetchFixed(ok(1));
    await assert.rejects(client(URL_, "m", { fetch })(params, background()), TypeError);
    assert.deepEqual(fetch.bodies, []);
  }
});

Deno.test("client() sends no params for null and undefined", async () => {
  for (const params of [null, undefined]) {
    const fetch = fetchFixed(ok(1));
    await client(URL_, "m", { fetch })(params, background());
    assert.deepEqual(fetch.bodies, [`{"jsonrpc":"2.0","method":"m","id":0}`]);
  }
});

Deno.test("client() sends nothing of the call that it is part of", async () => {
  const ctx = withValue(withValue(background(), requestId, "outer"), requestMethod, "outer");
  const notified = fetchFixed(null, { status: 204 });
  await client(URL_, "m", { notify: true, fetch: notified })({}, ctx);
  assert.deepEqual(notified.bodies, [`{"jsonrpc":"2.0","method":"m","params":{}}`]);
  const called = fetchFixed(ok(1));
  await client(URL_, "m", { fetch: called })({}, ctx);
  assert.deepEqual(called.bodies, [`{"jsonrpc":"2.0","method":"m","params":{},"id":0}`]);
});

// JC1
Deno.test("client() encodes parameters and decodes results as it is told", async () => {
  const handler = server({
    sum: method(([a, b]: [number, number]) => Promise.resolve({ v: a + b })),
  });
  const sum = client<{ a: number; b: number }, number>(URL_, "sum", {
    encode: ({ a, b }) => [a, b],
    decode: (result) => Object(result).v,
    fetch: fetchFrom(handler),
  });
  assert.equal(await sum({ a: 1, b: 2 }, background()), 3);
});

const text: Schema<string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "string" ? { value } : { issues: [{ message: "must be text" }] },
  },
};

Deno.test("client() validates results", async () => {
  const call = (result: unknown) =>
    client(URL_, "m", { schema: text, fetch: fetchFixed(ok(result)) })({}, background());
  assert.equal(await call("a"), "a");
  for (const result of [1, null]) {
    await assert.rejects(call(result), { code: "internal", message: /must be text/ });
  }
});

// JC2
Deno.test("client() rejects with the error that the server answers", async () => {
  const details = [{ pointer: "/a", detail: "b" }];
  const handler = server({
    m: method(() => Promise.reject(new KitError("aborted", "Again", { details, retryAfterMs: 9 }))),
  });
  const error = await client(URL_, "m", { fetch: fetchFrom(handler) })({}, background())
    .then(() => assert.fail(), (error: unknown) => error);
  assert(error instanceof JsonRpcError);
  assert.deepEqual(
    [error.code, error.rpcCode, error.message, error.details, error.retryAfterMs],
    ["aborted", -32090, "Again", details, 9],
  );
});

Deno.test("client() takes errors whose id is null, and results whose error is null", async () => {
  const error = `{"jsonrpc":"2.0","error":{"code":-32700,"message":"x"},"id":null}`;
  await assert.rejects(answered(error)({}, background()), { rpcCode: -32700 });
  const result = `{"jsonrpc":"2.0","result":1,"error":null,"id":0}`;
  assert.equal(await answered(result)({}, background()), 1);
});

// JC4, JC5: fixed, what answers no request of ours is not taken for its result
const unusable: [string | null, RegExp][] = [
  ["{}", /"jsonrpc" is not "2.0"/],
  [`{"result":1,"id":0}`, /"jsonrpc"/],
  [`{"jsonrpc":"1.0","result":1,"id":0}`, /"jsonrpc"/],
  [`{"jsonrpc":"2.0","id":0}`, /neither result nor error/],
  [`{"jsonrpc":"2.0","error":null,"id":0}`, /neither result nor error/],
  [ok(1, 1), /its id is not that of the request/],
  [ok(1, "0"), /its id/],
  [ok(1, null), /its id/],
  [`{"jsonrpc":"2.0","result":1}`, /its id/],
  [`{"jsonrpc":"2.0","error":{"code":1,"message":""},"id":5}`, /its id/],
  [`[${ok(1)}]`, /no object/],
  ["null", /no object/],
  ["7", /no object/],
  [null, /no object/],
  ["{", /not JSON/],
  ["<html>", /not JSON/],
];
for (const [body, message] of unusable) {
  Deno.test(`client() rejects with internal when the answer is ${body}`, async () => {
    await assert.rejects(answered(body)({}, background()), { code: "internal", message });
  });
}

// JC3
for (const [body, status] of [["", 200], ["", 500], ["{}", 200], [null, 204]] as const) {
  Deno.test(`client() runs its hooks when it is answered ${status} ${body}`, async () => {
    const notes: string[] = [];
    const call = client(URL_, "m", {
      before: [(ctx) => {
        notes.push(`before ${ctx.value(requestMethod)} ${ctx.value(requestId)}`);
        return ctx;
      }],
      after: [(ctx, response) => {
        notes.push(`after ${response.status}`);
        return ctx;
      }],
      finalizer: [
        (ctx, { error, status }) => {
          notes.push(`end ${ctx.value(requestId)} ${(error as KitError).code} ${status}`);
        },
      ],
      fetch: fetchFixed(body, { status }),
    });
    await assert.rejects(call({}, background()));
    const code = status === 500 ? "unknown" : "internal";
    assert.deepEqual(notes, ["before m 0", `after ${status}`, `end 0 ${code} ${status}`]);
  });
}

// JC3
Deno.test("client() threads the context through its hooks, and tells finalizers of errors", async () => {
  const step = contextKey<string>("step");
  const note = (ctx: Context, text: string) => withValue(ctx, step, (ctx.value(step) ?? "") + text);
  const ends: unknown[] = [];
  const call = client(URL_, "m", {
    before: [(ctx) => note(ctx, "a"), (ctx) => note(ctx, "b")],
    after: [(ctx) => note(ctx, "c")],
    finalizer: [(ctx, { error }) => ends.push([ctx.value(step), (error as JsonRpcError).rpcCode])],
    fetch: fetchFixed(`{"jsonrpc":"2.0","error":{"code":-32603,"message":"x"},"id":0}`),
  });
  await assert.rejects(call({}, background()), { code: "internal" });
  assert.deepEqual(ends, [["abc", -32603]]);
});

// JC4: fixed, the status counts
Deno.test("client() reads the error of a response that is no success", async () => {
  const rpc = `{"jsonrpc":"2.0","error":{"code":-32088,"message":"Long"},"id":null}`;
  await assert.rejects(answered(rpc, { status: 413 })({}, background()), {
    code: "resource_exhausted",
    rpcCode: -32088,
    message: "Long",
  });
  const busy = problem(new KitError("unavailable", "Busy", { retryAfterMs: 70 }));
  const call = client(URL_, "m", { fetch: () => Promise.resolve(busy.clone()) });
  await assert.rejects(call({}, background()), { code: "unavailable", retryAfterMs: 70 });
  await assert.rejects(answered("<html>", { status: 502 })({}, background()), {
    code: "unavailable",
  });
  await assert.rejects(answered(ok(1), { status: 401 })({}, background()), {
    code: "unauthenticated",
  });
});

Deno.test("client() sends notifications, and takes any success for an answer", async () => {
  for (const [body, status] of [[null, 204], ["", 200], ["{", 202], [ok(1), 200]] as const) {
    const fetch = fetchFixed(body, { status });
    const notify = client<{ a: number }, void>(URL_, "log", { notify: true, fetch });
    assert.equal(await notify({ a: 1 }, background()), undefined);
    assert.deepEqual(fetch.bodies, [`{"jsonrpc":"2.0","method":"log","params":{"a":1}}`]);
  }
  const refused = client(URL_, "log", { notify: true, fetch: fetchFixed("", { status: 503 }) });
  await assert.rejects(refused({}, background()), { code: "unavailable" });
});

// P4
Deno.test("client() sends metadata and what is left of the deadline", async () => {
  const handler = server({
    who: method((_: unknown, ctx) =>
      Promise.resolve({
        trace: ctx.metadata.get("traceparent"),
        own: ctx.metadata.get("x-own"),
        left: ctx.deadline! - Date.now(),
      })
    ),
  });
  const who = client<unknown, { trace: string; own: string; left: number }>(URL_, "who", {
    before: [setHeader("x-own", "1")],
    fetch: fetchFrom(handler),
  });
  using ctx = withTimeout(background(), 5000);
  const seen = await who({}, withOutgoing(ctx, metadata({ traceparent: "00-x" })));
  assert.deepEqual([seen.trace, seen.own], ["00-x", "1"]);
  assert(seen.left > 4000 && seen.left <= 5000);
});

Deno.test("client() gives up when its time is over or its caller goes", async () => {
  const hang = (_: string, { signal }: RequestInit) =>
    delay(10_000, { signal: signal! }).then(() => new Response());
  const slow = client(URL_, "m", { timeoutMs: 5, fetch: hang });
  await assert.rejects(slow({}, background()), { code: "deadline_exceeded" });
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const call = client(URL_, "m", { fetch: hang })({}, ctx);
  controller.abort(new KitError("cancelled", "Gone"));
  await assert.rejects(call, { code: "cancelled" });
});

Deno.test("client() rejects with unavailable when nobody listens", async () => {
  const call = client("http://127.0.0.1:1/", "m");
  await assert.rejects(call({}, background()), { code: "unavailable" });
});

// P12
Deno.test("client() reads no more than maxBytes", async () => {
  const call = client(URL_, "m", { maxBytes: 100, fetch: fetchFixed(ok("a".repeat(100))) });
  await assert.rejects(call({}, background()), { code: "resource_exhausted" });
});

// P19
Deno.test("client() follows no redirect", async () => {
  const call = answered(null, { status: 307, headers: { location: "http://evil/" } });
  await assert.rejects(call({}, background()), { code: "unknown" });
});

Deno.test("client() refuses options that make no sense", () => {
  assert.throws(() => client("ftp://h/", "m"), TypeError);
  assert.throws(() => client("http://a:b@h/", "m"), TypeError);
  assert.throws(() => client(URL_, "m", { timeoutMs: 0 }), RangeError);
  assert.throws(() => client(URL_, "m", { maxBytes: -1 }), RangeError);
});

Deno.test("client() survives any answer", async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.constantFrom(200, 400, 500), async (body, status) => {
      await assert.rejects(answered(body, { status })({}, background()), (error: KitError) => {
        assert.equal(typeof error.code, "string");
        return true;
      });
    }),
  );
});

Deno.test("client() is typed from end to end", () => {
  const sum = client<{ a: number }, { v: number }>(URL_, "sum");
  const typed: Endpoint<{ a: number }, { v: number }> = sum;
  // @ts-expect-error: the response is something else
  const wrong: Endpoint<{ a: number }, string> = sum;
  // @ts-expect-error: the result is decoded to something else
  client<{ a: number }, string>(URL_, "sum", { decode: () => 1 });
  assert.equal(typed as unknown, wrong);
});
