import {
  background,
  CODES,
  type Context,
  contextKey,
  type Endpoint,
  type ErrorCode,
  KitError,
  metadata,
  withOutgoing,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { scripted } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Schema } from "../schema.ts";
import { collect, eventually, methods, serving, streamOf } from "./_support_test.ts";
import { grpcMethod, peerCertificate, remoteAddress } from "./keys.ts";
import { type Codec, unary } from "./method.ts";
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

// GS3, GS7, GS8, GC3, A12
Deno.test("server() and client() carry metadata there and back", async () => {
  const bytes = Buffer.from([0, 255, 1]).toString("base64");
  const seen: unknown[] = [];
  await using there = await serving(methods.unary, echo, {
    server: {
      before: [(ctx, metadata) => {
        seen.push(metadata.get("Correlation-Id"), metadata.get("own-bin"), metadata.get("out"));
        return withValue(ctx, id, metadata.get("correlation-id")!);
      }],
      after: [(ctx, reply) => {
        reply.header.set("in-header", "h");
        reply.header.append("h-bin", bytes);
        reply.trailer.append("Correlation-Id", ctx.value(id)!);
        return ctx;
      }],
    },
    client: {
      before: [(ctx, metadata) => {
        metadata.set("Correlation-ID", "7");
        metadata.append("own-bin", bytes);
        return ctx;
      }],
      after: [(ctx, { header, trailer }) => {
        seen.push(header.get("in-header"), header.get("h-bin"), trailer.get("correlation-id"));
        return ctx;
      }],
    },
  });
  const ctx = withOutgoing(background(), metadata({ out: "o", host: "evil", te: "x" }));
  assert.equal(await there.call(1, ctx), 1);
  assert.deepEqual(seen, ["7", bytes, "o", "h", bytes, "7"]);
});

const id = contextKey<string>("id");

Deno.test("server() sends no metadata that gRPC cannot carry", async () => {
  const names = ["a b", "", ":path", "grpc-status", "content-type", "connection", "ä"];
  for (const name of names) {
    await using there = await serving(methods.unary, echo, {
      server: {
        after: [(ctx, { header }) => {
          assert.throws(() => header.set(name, "x"), TypeError);
          assert.throws(() => header.append("ok", "ü\n"), TypeError);
          return ctx;
        }],
      },
    });
    assert.equal(await there.call(1, background()), 1);
  }
});

// GS6, A5
Deno.test("server() tells the endpoint its method, its caller and its metadata", async () => {
  const seen: unknown[] = [];
  await using there = await serving(methods.unary, (n, ctx) => {
    seen.push(ctx.value(grpcMethod), ctx.value(remoteAddress), ctx.value(peerCertificate));
    seen.push(ctx.metadata.get("X"), ctx.metadata.getAll("x"), ctx.metadata.get("y"));
    seen.push(ctx.deadline, ctx.signal.aborted, [...ctx.outgoing]);
    return Promise.resolve(n);
  });
  await there.call(1, withOutgoing(background(), metadata({ x: "1" })));
  assert.match(String(seen.splice(1, 1)), /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(seen, [
    "/test.Numbers/Unary",
    undefined,
    "1",
    ["1"],
    undefined,
    undefined,
    false,
    [],
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
