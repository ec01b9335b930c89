import {
  background,
  detach,
  type KitError,
  withDeadline,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import { scripted } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { freePort } from "../../sd/testdata/server_process.ts";
import type { Schema } from "../schema.ts";
import { answering, frame, RawServer } from "./_raw_testing.ts";
import { collect, eventually, methods, Pair, serving, streamOf } from "./_support_test.ts";
import { channel } from "./channel.ts";
import { client } from "./client.ts";
import { server } from "./server.ts";

const one = frame(Buffer.from("1"));

// P4
Deno.test("client() sends what is left of the deadline, never more than its parent's", async () => {
  await using peer = await RawServer.open(answering({ "grpc-status": "0" }, one));
  using there = channel(peer.target);
  const call = client(there, methods.unary);
  await call(1, background());
  assert.equal(peer.headers["grpc-timeout"], undefined);
  assert.equal(peer.headers["kit-call"], undefined);
  assert.equal(peer.headers.te, "trailers");
  using ctx = withTimeout(background(), 5000);
  await client(there, methods.unary, { timeoutMs: 60_000 })(1, ctx);
  const sent = /^(\d{1,8})m$/.exec(String(peer.headers["grpc-timeout"]));
  assert(Number(sent?.[1]) <= 5000 && Number(sent?.[1]) > 4000, String(sent));
  await client(there, methods.unary, { timeoutMs: 60_000 })(1, background());
  assert.equal(/^\d+/.exec(String(peer.headers["grpc-timeout"]))![0].length, 5);
  using far = withDeadline(background(), Number.MAX_SAFE_INTEGER);
  await call(1, far);
  assert.match(String(peer.headers["grpc-timeout"]), /^\d{7}S$/);
});

Deno.test("client() sends no call that a hook has made late or cancelled", async () => {
  const endpoint = scripted<number, number>(1);
  await using there = await serving(methods.unary, endpoint);
  const late = client(there.pair.channel, methods.unary, {
    before: [(ctx) => withDeadline(ctx, 1)],
  });
  await assert.rejects(late(1, background()), { code: "deadline_exceeded" });
  const gone = client(there.pair.channel, methods.unary, {
    before: [(ctx) => withSignal(ctx, AbortSignal.abort(new Error("gone")))],
  });
  await assert.rejects(gone(1, background()), { message: "gone" });
  assert.equal(endpoint.calls.length, 0);
});

Deno.test("client() is late though the server says cancelled", async () => {
  let deadline = 0;
  await using peer = await RawServer.open((stream) => {
    while (Date.now() <= deadline);
    stream.close(8);
  });
  using there = channel(peer.target);
  await assert.rejects(client(there, methods.unary)(1, background()), { code: "cancelled" });
  using ctx = withTimeout(background(), 30);
  deadline = ctx.deadline!;
  await assert.rejects(client(there, methods.unary)(1, ctx), { code: "deadline_exceeded" });
});

// P10
Deno.test("client() fails at once with unavailable, tells no address, and recovers", async () => {
  const port = freePort();
  using there = channel(`127.0.0.1:${port}`, { reconnectMinMs: 20, reconnectMaxMs: 50 });
  const call = client(there, methods.unary);
  const begunAt = performance.now();
  await assert.rejects(call(1, background()), (error: KitError) => {
    assert.equal(error.code, "unavailable");
    assert.equal(error.message, "Cannot reach service");
    return true;
  });
  assert(performance.now() - begunAt < 2000);
  const pair = await Pair.open([server(methods.unary, (n) => Promise.resolve(n))], {
    listen: `127.0.0.1:${port}`,
  });
  await eventually(async () => await call(1, background()) === 1, { withinMs: 2000 });
  await pair[Symbol.asyncDispose]();
});

Deno.test("client() of a channel that is closed rejects with unavailable", async () => {
  const there = channel("127.0.0.1:1");
  there[Symbol.dispose]();
  await assert.rejects(client(there, methods.unary)(1, background()), { code: "unavailable" });
});

// GC2, GC4
Deno.test("client() runs its steps in Go kit's order", async () => {
  const notes: string[] = [];
  await using there = await serving(methods.unary, (n) => Promise.resolve(n), {
    client: {
      before: [(ctx) => (notes.push("before1"), ctx), (ctx) => (notes.push("before2"), ctx)],
      after: [(ctx) => (notes.push("after1"), ctx), (ctx) => (notes.push("after2"), ctx)],
      finalizer: [(_, error) => notes.push(`finalizer ${error}`)],
    },
  });
  await there.call(1, background());
  assert.deepEqual(notes, ["before1", "before2", "after1", "after2", "finalizer undefined"]);
});

Deno.test("client() has the trailer of a stream when that is over", async () => {
  let trailer: () => unknown = () => {};
  await using there = await serving(methods.bidi, (stream) => Promise.resolve(stream), {
    server: {
      after: [(ctx, reply) => {
        reply.header.set("h", "1");
        reply.trailer.set("t", "2");
        return ctx;
      }],
    },
    client: {
      after: [(ctx, answer) => {
        assert.equal(answer.header.get("h"), "1");
        trailer = () => answer.trailer.get("t");
        return ctx;
      }],
    },
  });
  const stream = await there.call(streamOf(1, 2), background());
  assert.equal(trailer(), undefined);
  assert.deepEqual(await collect(stream), [1, 2]);
  assert.equal(trailer(), "2");
});

const never: Schema<number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: () => Promise.resolve({ issues: [{ message: "must not be" }] }),
  },
};

Deno.test("client() refuses a response that its schema refuses", async () => {
  const options = { client: { schema: never } };
  await using there = await serving(methods.unary, (n) => Promise.resolve(n), options);
  await assert.rejects(there.call(1, background()), { code: "internal" });
  let ended = 0;
  await using stream = await serving(
    methods.serverStream,
    () =>
      Promise.resolve((async function* () {
        try {
          for (;;) yield 1;
        } finally {
          ended++;
        }
      })()),
    options,
  );
  await assert.rejects(collect(await stream.call(1, background())), { code: "internal" });
  await eventually(() => ended === 1);
});

// P12
Deno.test("client() and server() hold messages to maxBytes, compressed or not", async () => {
  const codec = { serialize: (b: Uint8Array) => b, deserialize: (b: Uint8Array) => b };
  const method = { ...methods.unary, request: codec, response: codec } as unknown as Parameters<
    typeof client<Uint8Array, Uint8Array>
  >[1];
  for (const compression of ["identity", "gzip", "deflate"] as const) {
    await using small = await serving(method, (b) => Promise.resolve(b), {
      serve: { maxBytes: 1000 },
      channel: { compression },
    });
    assert.equal((await small.call(new Uint8Array(1000), background())).length, 1000);
    const large = new Uint8Array(1001);
    await assert.rejects(small.call(large, background()), { code: "resource_exhausted" });
    await using grown = await serving(method, () => Promise.resolve(large), {
      serve: { maxBytes: 1000 },
      channel: { compression },
    });
    await assert.rejects(grown.call(new Uint8Array(), background()), {
      code: "resource_exhausted",
      message: "Cannot send message as it has more than 1000 bytes",
    });
    await using limited = await serving(method, () => Promise.resolve(large), {
      channel: { compression, maxBytes: 1000 },
    });
    await assert.rejects(limited.call(large, background()), { code: "resource_exhausted" });
    await assert.rejects(limited.call(new Uint8Array(), background()), {
      code: "resource_exhausted",
    });
  }
});

Deno.test("client() of a detached context sends no deadline", async () => {
  await using peer = await RawServer.open(answering({ "grpc-status": "0" }, one));
  using there = channel(peer.target);
  using ctx = withTimeout(background(), 5000);
  await client(there, methods.unary)(1, detach(ctx));
  assert.equal(peer.headers["grpc-timeout"], undefined);
});
