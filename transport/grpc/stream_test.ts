import { background, type Context, KitError, withSignal, withTimeout } from "@kit/endpoint";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { clientStream, serverStream } from "./method.ts";
import { eventually, methods, serving } from "./_support_test.ts";

const bytes = { serialize: (b: Uint8Array) => b, deserialize: (b: Uint8Array) => b };
const blobs = { request: bytes, response: bytes };
const KIB_64 = new Uint8Array(65536);

// A7
Deno.test("client() reads every message that came before the error of a stream", async () => {
  await using there = await serving(
    methods.serverStream,
    (n) =>
      Promise.resolve((async function* () {
        for (let i = 0; i < n; i++) yield i;
        throw new KitError("aborted", "enough");
      })()),
  );
  for (const pauseMs of [0, 1]) {
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const n of await there.call(5, background())) {
        if (pauseMs > 0) await sleep(pauseMs);
        seen.push(n);
      }
    }, { code: "aborted", message: "enough" });
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
  }
});

// A7
Deno.test("server() is slowed down by a client that reads slowly", async () => {
  let sent = 0;
  await using there = await serving(
    serverStream("/t.T/Down", blobs),
    () =>
      Promise.resolve((async function* () {
        for (; sent < 1000; sent++) yield KIB_64;
      })()),
  );
  const stream = (await there.call(new Uint8Array(), background()))[Symbol.asyncIterator]();
  await stream.next();
  await sleep(100);
  assert(sent < 40, `${sent}`);
  await stream.return!();
});

// A7
for (const size of [1000, 65_536]) {
  Deno.test(`server() is slowed down by a client that reads late, of messages of ${size} bytes`, async () => {
    let sent = 0;
    await using there = await serving(
      serverStream("/t.T/Down", blobs),
      () =>
        Promise.resolve((async function* () {
          for (; sent < 10_000; sent++) yield new Uint8Array(size);
        })()),
    );
    const stream = (await there.call(new Uint8Array(), background()))[Symbol.asyncIterator]();
    await sleep(50);
    for (let i = 0; i < 10; i++) assert.equal((await stream.next()).value?.length, size);
    await sleep(100);
    assert(sent * size < 40 * 65_536, `${sent}`);
    await stream.return!();
  });
}

// A7
Deno.test("client() is slowed down by a server that reads slowly", async () => {
  let sent = 0;
  const done = Promise.withResolvers<void>();
  await using there = await serving(clientStream("/t.T/Up", blobs), async (stream) => {
    for await (const _ of stream) {
      await done.promise;
      break;
    }
    return new Uint8Array();
  });
  const source = async function* () {
    try {
      for (; sent < 1000; sent++) yield KIB_64;
    } finally {
      sent += 10_000;
    }
  };
  const call = there.call(source(), background());
  await sleep(150);
  assert(sent < 40, `${sent}`);
  done.resolve();
  await call;
  await eventually(() => sent > 10_000);
});

Deno.test("server() may answer a stream that it has not read", async () => {
  await using there = await serving(clientStream("/t.T/Up", blobs), async (stream) => {
    for await (const _ of stream) break;
    return new Uint8Array(1);
  });
  let ended = 0;
  const source = async function* () {
    try {
      for (;;) yield new Uint8Array(1000);
    } finally {
      ended++;
    }
  };
  for (let i = 0; i < 50; i++) {
    assert.equal((await there.call(source(), background())).length, 1);
  }
  await eventually(() => ended === 50);
});

Deno.test("server() is told when a client stops reading", async () => {
  let ended = 0;
  let context: Context | undefined;
  await using there = await serving(methods.serverStream, (_, ctx) => {
    context = ctx;
    return Promise.resolve((async function* () {
      try {
        for (let i = 0;; i++) {
          yield i;
          await sleep(1);
        }
      } finally {
        ended++;
      }
    })());
  });
  for await (const n of await there.call(0, background())) if (n === 3) break;
  await eventually(() => ended === 1);
  assert.equal((context!.signal.reason as KitError).code, "cancelled");
});

Deno.test("server() never takes a request that was cancelled for one that has ended", async () => {
  const seen: unknown[] = [];
  let reading = Promise.withResolvers<void>();
  await using there = await serving(methods.clientStream, async (stream) => {
    try {
      for await (const n of stream) if (n === 3) reading.resolve();
      seen.push("ended");
    } catch (error) {
      seen.push((error as KitError).code);
    }
    return 0;
  });
  for (let i = 0; i < 100; i++) {
    reading = Promise.withResolvers<void>();
    const source = async function* () {
      yield* [1, 2, 3];
      await reading.promise;
      if (i % 2 === 0) yield 4;
      throw new RangeError("own");
    };
    await assert.rejects(there.call(source(), background()), RangeError);
  }
  await eventually(() => seen.length === 100);
  assert.deepEqual(new Set(seen), new Set(["cancelled"]));
});

// P4
Deno.test("server() is told within 50 ms when its caller is late or cancels", async () => {
  const reasons: string[] = [];
  const times: number[] = [];
  await using there = await serving(
    methods.unary,
    (_, ctx) =>
      new Promise((_, reject) =>
        ctx.signal.addEventListener("abort", () => {
          times.push(Date.now() - (ctx.deadline ?? 0));
          reasons.push((ctx.signal.reason as KitError).code);
          reject(ctx.signal.reason);
        })
      ),
  );
  using timed = withTimeout(background(), 60);
  await assert.rejects(there.call(1, timed), { code: "deadline_exceeded" });
  await eventually(() => reasons.length === 1);
  assert(Math.abs(times[0]!) <= 50, `${times[0]} ms`);
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const call = there.call(1, ctx);
  setTimeout(() => controller.abort(new KitError("cancelled", "mine")), 20);
  await assert.rejects(call, { message: "mine" });
  await eventually(() => reasons.length === 2);
  assert.deepEqual(reasons, ["deadline_exceeded", "cancelled"]);
});
