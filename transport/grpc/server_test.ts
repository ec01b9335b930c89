import {
  background,
  type Context,
  contextKey,
  type Endpoint,
  KitError,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { scripted } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import type { Schema } from "../schema.ts";
import { collect, eventually, methods, serving, streamOf } from "./_support_test.ts";
import type { ServerOptions } from "./server.ts";

const echo: Endpoint<number, number> = (n) => Promise.resolve(n);

/** Counts up; the caller sees how it ended. */
function counting(upTo: number, ended: (how: string) => void): AsyncIterable<number> {
  return (async function* () {
    try {
      for (let i = 0; i < upTo; i++) yield i;
    } finally {
      ended("return");
    }
  })();
}

/** Options of a server whose every step leaves a note. */
function noting<Req>(notes: string[]): ServerOptions<Req> {
  const step = contextKey<string>("step");
  const note = (ctx: Context, text: string) => {
    notes.push(`${text}(${ctx.value(step) ?? ""})`);
    return withValue(ctx, step, text);
  };
  return {
    before: [(ctx) => note(ctx, "before1"), (ctx) => note(ctx, "before2")],
    after: [(ctx) => note(ctx, "after1"), (ctx) => note(ctx, "after2")],
    onError: (error, ctx) => void note(ctx, `onError ${(error as Error).message} `),
    encodeError: (error, ctx) => {
      note(ctx, "encodeError");
      return error instanceof KitError ? error : new KitError("unknown", "Unknown error");
    },
    finalizer: [
      (ctx, error) => void note(ctx, `finalizer1 ${(error as Error | undefined)?.message} `),
      (ctx) => void note(ctx, "finalizer2"),
    ],
  };
}

Deno.test("server() and client() make a unary call", async () => {
  await using there = await serving(methods.unary, (n) => Promise.resolve(n * 2));
  assert.equal(await there.call(4, background()), 8);
});

// A7
Deno.test("server() and client() make a server stream", async () => {
  await using there = await serving(
    methods.serverStream,
    (n) => Promise.resolve(counting(n, () => {})),
  );
  assert.deepEqual(await collect(await there.call(4, background())), [0, 1, 2, 3]);
  assert.deepEqual(await collect(await there.call(0, background())), []);
});

// A7
Deno.test("server() and client() make a client stream", async () => {
  await using there = await serving(
    methods.clientStream,
    async (stream) => (await collect(stream)).reduce((a, b) => a + b, 0),
  );
  assert.equal(await there.call(streamOf(1, 2, 3), background()), 6);
  assert.equal(await there.call(streamOf(), background()), 0);
});

// A7
Deno.test("server() and client() make a bidirectional stream", async () => {
  await using there = await serving(methods.bidi, (stream) =>
    Promise.resolve((async function* () {
      for await (const n of stream) yield n * 2;
    })()));
  assert.deepEqual(await collect(await there.call(streamOf(1, 2, 3), background())), [2, 4, 6]);
});

// GS1, GS2, GS5, GS9, TR5
Deno.test("server() runs its steps in Go kit's order and threads the context", async () => {
  const notes: string[] = [];
  await using there = await serving(methods.unary, echo, { server: noting(notes) });
  assert.equal(await there.call(1, background()), 1);
  await eventually(() => notes.length === 6);
  assert.deepEqual(notes, [
    "before1()",
    "before2(before1)",
    "after1(before2)",
    "after2(after1)",
    "finalizer1 undefined (after2)",
    "finalizer2(after2)",
  ]);
});

// GS2, GS4, TR5, A11, A13
Deno.test("server() tells onError, then encodeError, and runs finalizers when the endpoint fails", async () => {
  const notes: string[] = [];
  const fail = () => Promise.reject(new KitError("aborted", "again"));
  await using there = await serving(methods.unary, fail, { server: noting(notes) });
  await assert.rejects(there.call(1, background()), { code: "aborted", message: "again" });
  await eventually(() => notes.length === 6);
  assert.deepEqual(notes, [
    "before1()",
    "before2(before1)",
    "onError again (before2)",
    "encodeError(before2)",
    "finalizer1 again (before2)",
    "finalizer2(before2)",
  ]);
});

// GS2
Deno.test("server() runs finalizers of a stream when its last message is out", async () => {
  const notes: string[] = [];
  await using there = await serving(
    methods.serverStream,
    (n) => Promise.resolve(counting(n, (how) => notes.push(how))),
    { server: noting(notes) },
  );
  await collect(await there.call(3, background()));
  await eventually(() => notes.length === 7);
  assert.deepEqual(notes.slice(3), [
    "after2(after1)",
    "return",
    "finalizer1 undefined (after2)",
    "finalizer2(after2)",
  ]);
});

// P4
Deno.test("server() has the deadline of its caller, and begins nothing that is late", async () => {
  const endpoint = scripted<number, number>(1);
  await using there = await serving(methods.unary, endpoint);
  using ctx = withTimeout(background(), 5000);
  await there.call(1, ctx);
  const deadline = endpoint.calls[0]!.ctx.deadline!;
  assert(Math.abs(deadline - ctx.deadline!) < 200);
  using late = withTimeout(background(), -1);
  await assert.rejects(there.call(1, late), { code: "deadline_exceeded" });
  assert.equal(endpoint.calls.length, 1);
});

const even: Schema<number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      Promise.resolve(
        value as number % 2 === 0
          ? { value: value as number }
          : { issues: [{ message: "must be even", path: ["n"] }] },
      ),
  },
};

// A4
Deno.test("server() refuses a request that its schema refuses, and tells the fields", async () => {
  await using there = await serving(methods.unary, echo, { server: { schema: even } });
  assert.equal(await there.call(2, background()), 2);
  await assert.rejects(there.call(3, background()), {
    code: "invalid_argument",
    details: [{ pointer: "/n", detail: "must be even" }],
  });
});

// A4
Deno.test("server() holds each message of a stream to its schema", async () => {
  const count: Endpoint<AsyncIterable<number>, number> = async (s) => (await collect(s)).length;
  await using there = await serving(methods.clientStream, count, { server: { schema: even } });
  assert.equal(await there.call(streamOf(2, 4), background()), 2);
  await assert.rejects(there.call(streamOf(2, 3, 4), background()), { code: "invalid_argument" });
});

Deno.test("server() tells a stream that nobody will read it", async () => {
  const ended: string[] = [];
  const source = (): AsyncIterable<number> => ({
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: 1 }),
      return: () => {
        ended.push("return");
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  });
  await using there = await serving(methods.serverStream, () => Promise.resolve(source()), {
    server: {
      after: [() => {
        throw new KitError("aborted", "after");
      }],
    },
  });
  await assert.rejects(there.call(1, background()), { code: "aborted" });
  assert.deepEqual(ended, ["return"]);
});

Deno.test("server() infers what its endpoint takes and answers", () => {
  const wrong: Endpoint<string, string> = (s) => Promise.resolve(s);
  // @ts-expect-error: the method takes numbers.
  const bind = () => serving(methods.unary, wrong);
  assert(bind);
});
