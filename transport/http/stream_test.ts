import assert from "node:assert/strict";
import {
  apply,
  background,
  type Context,
  delay,
  type Endpoint,
  KitError,
  metadata,
  whenDone,
  withOutgoing,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import type { Schema } from "../schema.ts";
import { HOST, post, soon } from "./_support_test.ts";
import { all, eventually, upTo } from "./_stream_support_test.ts";
import type { Handler } from "./handler.ts";
import { type HttpServer, serve, type ServeOptions } from "./serve.ts";
import { streamClient, type StreamClientOptions } from "./stream_client.ts";
import { streamServer, type StreamServerOptions } from "./stream_server.ts";

interface Count {
  readonly to: number;
}

const count: Endpoint<Count, AsyncIterable<number>> = ({ to }) =>
  Promise.resolve((async function* () {
    for (let n = 1; n <= to; n++) yield n;
  })());

const double: Endpoint<AsyncIterable<number>, AsyncIterable<number>> = (numbers) =>
  Promise.resolve((async function* () {
    for await (const n of numbers) yield 2 * n;
  })());

const sum: Endpoint<AsyncIterable<number>, number> = async (numbers) => {
  let total = 0;
  for await (const n of numbers) total += n;
  return total;
};

function running(handler: Handler, options: ServeOptions = {}): HttpServer & { url: string } {
  const server = serve(handler, { listen: `${HOST}:0`, signals: [], ...options });
  return Object.assign(server, { url: `http://${HOST}:${server.addr.port}` });
}

/** A stream that yields once and then waits until it is told to stop. */
function waiting(ctx: Context, told: (reason: unknown) => void): AsyncGenerator<number> {
  return (async function* () {
    try {
      yield 1;
      await new Promise((_, reject) =>
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))
      );
    } catch (error) {
      told(error);
      throw error;
    }
  })();
}

// A7, A9
for (const format of ["ndjson", "sse"] as const) {
  Deno.test(`streamServer() and streamClient() pass a stream on as ${format}`, async () => {
    await using server = running(streamServer(count));
    const call = streamClient<Count, number>(server.url, { format });
    assert.deepEqual(await all(await call({ to: 3 }, background())), [1, 2, 3]);
    assert.deepEqual(await all(await call({ to: 0 }, background())), []);
    assert.equal((await all(await call({ to: 2000 }, background()))).length, 2000);
  });

  Deno.test(`streamServer() ends a ${format} stream that fails with its error`, async () => {
    const told: unknown[] = [];
    const handler = streamServer((_: unknown) =>
      Promise.resolve((async function* () {
        yield 1;
        throw new KitError("aborted", "Try again", {
          details: [{ field: "a" }],
          retryAfterMs: 50,
        });
      })()), { onError: (error) => told.push((error as KitError).code) });
    await using server = running(handler);
    const stream = await streamClient<null, number>(server.url, { format })(null, background());
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const n of stream) seen.push(n);
    }, { code: "aborted", message: "Try again", details: [{ field: "a" }], retryAfterMs: 50 });
    assert.deepEqual(seen, [1]);
    assert.deepEqual(told, ["aborted"]);
  });

  // S12
  Deno.test(`streamServer() shows nothing of an unknown error as ${format}`, async () => {
    const handler = streamServer((_: unknown) =>
      Promise.resolve((async function* () {
        yield 1;
        throw new Error("password=hunter2");
      })())
    );
    const accept = format === "sse" ? "text/event-stream" : "application/x-ndjson";
    const text = await (await handler(post("null", { accept }))).text();
    assert.match(text, /"Unknown error"/);
    assert.doesNotMatch(text, /hunter2/);
  });
}

Deno.test("streamServer() writes both formats as documented", async () => {
  const handler = streamServer(count, { id: (n) => `n${n}`, retryMs: 500 });
  const lines = await handler(post(`{"to":2}`));
  assert.equal(lines.headers.get("content-type"), "application/x-ndjson");
  assert.equal(lines.headers.get("vary"), "accept");
  assert.equal(await lines.text(), `{"item":1}\n{"item":2}\n{"end":true}\n`);
  const events = await handler(post(`{"to":1}`, { accept: "text/event-stream" }));
  assert.equal(events.headers.get("content-type"), "text/event-stream");
  assert.equal(events.headers.get("cache-control"), "no-store");
  assert.equal(
    await events.text(),
    "retry: 500\n\nid: n1\ndata: 1\n\nevent: end\ndata: true\n\n",
  );
});

const accepts: [accept: string, type: string][] = [
  ["*/*", "application/x-ndjson"],
  ["text/html", "application/x-ndjson"],
  ["TEXT/Event-Stream", "text/event-stream"],
  ["application/x-ndjson, text/event-stream;q=0.5", "application/x-ndjson"],
  ["application/x-ndjson;q=0.1, text/event-stream", "text/event-stream"],
  ["text/event-stream;q=0", "application/x-ndjson"],
];
for (const [accept, type] of accepts) {
  Deno.test(`streamServer() answers Accept ${accept} with ${type}`, async () => {
    const response = await streamServer(count)(post(`{"to":1}`, { accept }));
    assert.equal(response.headers.get("content-type"), type);
    await response.text();
  });
}

// HS3: an error before anything is written has its own status
Deno.test("streamServer() answers an error before the first item with its status", async () => {
  const early = streamServer((_: unknown): Promise<AsyncIterable<number>> =>
    Promise.reject(new KitError("permission_denied", "Not you"))
  );
  const first = streamServer((_: unknown) =>
    // deno-lint-ignore require-yield
    Promise.resolve((async function* (): AsyncGenerator<number> {
      throw new KitError("permission_denied", "Not you");
    })())
  );
  for (const handler of [early, first]) {
    const response = await handler(post("null"));
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.equal((await response.json()).code, "permission_denied");
  }
});

Deno.test("streamServer() begins its response after openMs without an item", async () => {
  const clock = new FakeClock();
  const gate = Promise.withResolvers<void>();
  const handler = streamServer((_: unknown) =>
    Promise.resolve((async function* () {
      await gate.promise;
      yield 1;
      throw new KitError("not_found", "Gone");
    })()), { clock, openMs: 100 });
  const answering = handler(post("null"));
  await clock.advance(99);
  assert.equal(await Promise.race([answering, settled()]), undefined);
  await clock.advance(1);
  const response = await answering;
  assert.equal(response.status, 200);
  gate.resolve();
  assert.match(await response.text(), /^{"item":1}\n{"error":{"code":"not_found"/);
  assert.equal(clock.pending, 0);
});

// HS2, HS4, HS8
Deno.test("streamServer() runs its hooks in order, finalizers at the end of the stream", async () => {
  const seen: string[] = [];
  const note = (what: string) => (ctx: Context) => {
    seen.push(what);
    return ctx;
  };
  const logging = (next: typeof count): typeof count => (request, ctx) =>
    whenDone(next(request, ctx), () => seen.push("middleware"));
  const handler = streamServer(apply(count, logging), {
    before: [note("before 1"), note("before 2")],
    after: [note("after"), (ctx, headers) => {
      headers.set("x-a", "1");
      return ctx;
    }],
    finalizer: [(_, { status, size, error, headers }) => {
      seen.push(`finalizer ${status} ${size} ${error} ${headers.get("x-a")}`);
    }],
  });
  const response = await handler(post(`{"to":1}`));
  assert.equal(response.headers.get("x-a"), "1");
  assert.deepEqual(seen, ["before 1", "before 2", "after"]);
  await response.text();
  assert.deepEqual(seen.slice(3), ["middleware", "finalizer 200 24 undefined 1"]);
});

Deno.test("streamServer() tells finalizers the error of a stream", async () => {
  const told = Promise.withResolvers<unknown>();
  const handler = streamServer((_: unknown) =>
    Promise.resolve((async function* () {
      yield 1;
      throw new KitError("data_loss", "Lost");
    })()), { finalizer: [(_, { error }) => told.resolve(error)] });
  await (await handler(post("null"))).text();
  assert.equal((await told.promise as KitError).code, "data_loss");
});

// P4: whoever makes a stream is told that its reader has gone
Deno.test("streamServer() stops its endpoint when the reader leaves the loop", async () => {
  const told = Promise.withResolvers<unknown>();
  const over: unknown[] = [];
  const errors: unknown[] = [];
  const endpoint = (_: null, ctx: Context) => Promise.resolve(waiting(ctx, told.resolve));
  const handler = streamServer(
    (request: null, ctx) => whenDone(endpoint(request, ctx), (error) => over.push(error)),
    { onError: (error) => errors.push((error as KitError).code) },
  );
  await using server = running(handler);
  const call = streamClient<null, number>(server.url);
  for await (const n of await call(null, background())) {
    assert.equal(n, 1);
    break;
  }
  await soon(told.promise);
  await eventually(() => over.length === 1);
  assert.equal(errors.length, 1);
});

Deno.test("streamServer() calls return() of a stream that does not heed its signal", async () => {
  const told = Promise.withResolvers<void>();
  const source = {
    next: () => Promise.resolve({ done: false as const, value: 1 }),
    return: () => {
      told.resolve();
      return Promise.reject(new Error("of no use"));
    },
    [Symbol.asyncIterator]: () => source,
  };
  const response = await streamServer((_: null) => Promise.resolve(source))(post("null"));
  const reader = response.body!.getReader();
  await reader.read();
  await reader.cancel();
  await soon(told.promise);
});

Deno.test("streamServer() knows metadata when the reader has gone", async () => {
  const told = Promise.withResolvers<unknown>();
  const handler = streamServer((_: null, ctx) =>
    whenDone(Promise.resolve(waiting(ctx, () => {})), () => {
      setTimeout(() => {
        try {
          told.resolve(ctx.metadata.get("x-user"));
        } catch (error) {
          told.resolve(error);
        }
      }, 5);
    })
  );
  await using server = running(handler);
  const call = streamClient<null, number>(server.url);
  const ctx = withOutgoing(background(), metadata({ "x-user": "ada" }));
  for await (const _ of await call(null, ctx)) break;
  assert.equal(await soon(told.promise), "ada");
});

Deno.test("streamClient() fails with the reason of its signal in mid-stream", async () => {
  const told = Promise.withResolvers<unknown>();
  await using server = running(
    streamServer((_: null, ctx) => Promise.resolve(waiting(ctx, told.resolve))),
  );
  const call = streamClient<null, number>(server.url);
  using ctx = withTimeout(background(), 50);
  await assert.rejects(async () => await all(await call(null, ctx)), { code: "deadline_exceeded" });
  await soon(told.promise);
});

// P4: the deadline travels, and ends the stream on the server as well
Deno.test("streamServer() ends a stream at the deadline of its caller", async () => {
  const told = Promise.withResolvers<unknown>();
  const handler = streamServer((_: null, ctx) => Promise.resolve(waiting(ctx, told.resolve)));
  await using server = running(handler);
  const response = await fetch(server.url, {
    method: "POST",
    body: "null",
    headers: { "x-request-timeout-ms": "50" },
  });
  const [first, last] = (await response.text()).split("\n");
  assert.equal(first, `{"item":1}`);
  assert.equal(JSON.parse(last!).error.code, "deadline_exceeded");
  assert.equal((await soon(told.promise) as KitError).code, "deadline_exceeded");
});

Deno.test("streamServer() ends a stream at the deadline where no host tells its end", async () => {
  const told = Promise.withResolvers<unknown>();
  const handler = streamServer((_: null, ctx) => Promise.resolve(waiting(ctx, told.resolve)));
  const response = await handler(post("null", { "x-request-timeout-ms": "30" }));
  assert.match(await response.text(), /"deadline_exceeded"/);
  assert.equal((await soon(told.promise) as KitError).code, "deadline_exceeded");
});

Deno.test("streamServer() takes an item only when the reader asks for it", async () => {
  let taken = 0;
  const handler = streamServer((_: null) =>
    Promise.resolve((async function* () {
      for (;;) yield ++taken;
    })())
  );
  const response = await handler(post("null"));
  const reader = response.body!.getReader();
  await settled();
  assert.equal(taken, 1);
  await reader.read();
  await reader.read();
  await settled();
  assert.equal(taken, 2);
  await reader.cancel();
});

Deno.test("streamServer() is slowed by a slow reader on the wire", async () => {
  let sent = 0;
  const item = "x".repeat(64 * 1024);
  const handler = streamServer((_: null) =>
    Promise.resolve((async function* () {
      for (;;) {
        sent++;
        yield item;
      }
    })())
  );
  await using server = running(handler);
  const stream = await streamClient<null, string>(server.url)(null, background());
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  let before = -1;
  // What the sockets hold is taken at once, and then nothing more.
  await eventually(async () => {
    before = sent;
    await delay(50);
    return sent === before;
  });
  assert(sent < 1000, `${sent} items of 64 KiB were taken`);
  for (let i = 0; i < 2 * before; i++) await iterator.next();
  assert(sent > before);
  await iterator.return!();
});

Deno.test("streamServer() sends signs of life, and streamClient() passes them over", async () => {
  for (const format of ["ndjson", "sse"] as const) {
    const clock = new FakeClock();
    const gate = Promise.withResolvers<void>();
    const handler = streamServer((_: null) =>
      Promise.resolve((async function* () {
        yield 1;
        await gate.promise;
        yield 2;
      })()), { clock, heartbeatMs: 1000, format });
    const response = await handler(post("null"));
    const [mine, other] = response.body!.tee();
    const text = new Response(mine).text();
    const call = streamClient<null, number>("http://localhost/", {
      fetch: () => Promise.resolve(new Response(other, response)),
    });
    const items = all(await call(null, background()));
    await clock.advance(2500);
    gate.resolve();
    const beat = format === "sse" ? ":\n\n" : "\n";
    const [one, two] = format === "sse"
      ? ["data: 1\n\n", "data: 2\n\n"]
      : [`{"item":1}\n`, `{"item":2}\n`];
    assert((await text).startsWith(`${one}${beat}${beat}${two}`), await text);
    assert.deepEqual(await items, [1, 2]);
    assert.equal(clock.pending, 0);
  }
});

Deno.test("streamServer() knows metadata and Last-Event-ID, also when asked late", async () => {
  const handler = streamServer((_: unknown, ctx) =>
    Promise.resolve((async function* () {
      yield 1;
      await delay(5);
      yield ctx.metadata.get("last-event-id");
      yield ctx.metadata.get("x-user");
    })()), { decode: () => undefined });
  await using server = running(handler);
  const response = await fetch(server.url, {
    headers: { "last-event-id": "n7", accept: "text/event-stream", "x-user": "ada" },
  });
  assert.match(await response.text(), /data: "n7"\n\ndata: "ada"/);
});

Deno.test("streamClient() sends outgoing metadata and the deadline", async () => {
  const handler = streamServer((_: unknown, ctx) =>
    Promise.resolve((async function* () {
      yield ctx.metadata.get("x-user");
      yield ctx.deadline !== undefined;
    })())
  );
  await using server = running(handler);
  const call = streamClient<null, unknown>(server.url, { timeoutMs: 5000 });
  const ctx = withOutgoing(background(), metadata({ "x-user": "ada" }));
  assert.deepEqual(await all(await call(null, ctx)), ["ada", true]);
});

// Streams of requests
Deno.test("streamClient() and streamServer() run both directions at once", async () => {
  await using server = running(streamServer(double, { requests: "stream" }));
  const call = streamClient<AsyncIterable<number>, number>(server.url);
  assert.deepEqual(await all(await call(upTo(3), background())), [2, 4, 6]);
  // Each request is made of the answer before.
  const { readable, writable } = new TransformStream<number, number>();
  const writer = writable.getWriter();
  const answers = (await call(readable, background()))[Symbol.asyncIterator]();
  let n = 1;
  for (let i = 0; i < 5; i++) {
    writer.write(n);
    n = (await answers.next()).value!;
  }
  assert.equal(n, 32);
  writer.close();
  assert((await answers.next()).done);
});

Deno.test("streamClient() sends a stream and gets one response", async () => {
  await using server = running(streamServer(sum, { requests: "stream" }));
  const call = streamClient<AsyncIterable<number>, number>(server.url, { responses: "one" });
  assert.equal(await call(upTo(100), background()), 5050);
});

Deno.test("streamClient() is slowed by a service that does not read", async () => {
  const gate = Promise.withResolvers<void>();
  const handler = streamServer(async (items: AsyncIterable<string>) => {
    await gate.promise;
    return (await all(items)).length;
  }, { requests: "stream" });
  await using server = running(handler);
  let taken = 0;
  const item = "x".repeat(64 * 1024);
  async function* items() {
    for (; taken < 1000;) {
      taken++;
      yield item;
    }
  }
  const call = streamClient<AsyncIterable<string>, number>(server.url, { responses: "one" });
  const answer = call(items(), background());
  await eventually(async () => {
    const before = taken;
    await delay(50);
    return taken > 0 && taken === before;
  });
  assert(taken < 1000, `${taken} items of 64 KiB were taken`);
  gate.resolve();
  assert.equal(await answer, 1000);
});

Deno.test("streamClient() fails as its own stream of requests fails", async () => {
  const told = Promise.withResolvers<unknown>();
  const handler = streamServer(async (numbers: AsyncIterable<number>) => {
    try {
      return (await all(numbers)).length;
    } catch (error) {
      told.resolve(error);
      throw error;
    }
  }, { requests: "stream" });
  await using server = running(handler);
  const call = streamClient<AsyncIterable<number>, number>(server.url, { responses: "one" });
  async function* failing() {
    yield 1;
    await delay(5);
    throw new TypeError("mine");
  }
  await assert.rejects(call(failing(), background()), { name: "TypeError", message: "mine" });
  assert.equal((await soon(told.promise) as KitError).code, "cancelled");
  async function* strange() {
    yield () => {};
  }
  await assert.rejects(call(strange() as unknown as AsyncIterable<number>, background()), {
    code: "internal",
    message: "Cannot encode item as it is no JSON",
  });
});

Deno.test("streamClient() stops its stream of requests when the service has answered", async () => {
  const handler = streamServer(async (numbers: AsyncIterable<number>) => {
    for await (const n of numbers) return n;
    return 0;
  }, { requests: "stream" });
  await using server = running(handler);
  let isStopped = false;
  async function* endless() {
    try {
      for (let n = 7;; n++) {
        yield n;
        await delay(1);
      }
    } finally {
      isStopped = true;
    }
  }
  const call = streamClient<AsyncIterable<number>, number>(server.url, { responses: "one" });
  assert.equal(await call(endless(), background()), 7);
  await eventually(() => isStopped);
});

const text: Schema<string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "string" ? { value } : { issues: [{ message: "must be text" }] },
  },
};

const badUploads: [name: string, body: string, code: string, options?: { maxBytes: number }][] = [
  ["no JSON", `{"item":1` + "\n", "invalid_argument"],
  ["no frame", "1\n", "invalid_argument"],
  ["no end", `{"item":"a"}\n`, "cancelled"],
  ["an item that the schema refuses", `{"item":1}\n{"end":true}\n`, "invalid_argument"],
  ["an item over the limit", `{"item":"${"x".repeat(100)}"}\n`, "resource_exhausted", {
    maxBytes: 50,
  }],
  ["an error of the sender", `{"error":{"code":"aborted","message":"m"}}\n`, "aborted"],
  ["a prototype", `{"__proto__":{"item":"a"}}\n`, "invalid_argument"],
];
for (const [name, body, code, options] of badUploads) {
  Deno.test(`streamServer() refuses ${name} in a stream of requests`, async () => {
    const handler = streamServer(
      async (items: AsyncIterable<string>) => (await all(items)).length,
      {
        requests: "stream",
        schema: text,
        ...options,
      },
    );
    const response = await handler(post(body));
    assert.equal((await response.json()).code, code);
  });
}

Deno.test("streamServer() refuses a stream that is compressed, and none at all", async () => {
  const handler = streamServer(sum, { requests: "stream" });
  const compressed = await handler(post("x", { "content-encoding": "gzip" }));
  assert.equal(compressed.status, 415);
  const none = await handler(new Request("http://localhost/"));
  assert.equal(none.status, 400);
});

Deno.test("streamServer() gives up a sender that is silent for idleMs", async () => {
  const clock = new FakeClock();
  const handler = streamServer(sum, { requests: "stream", idleMs: 1000, clock });
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(`{"item":1}\n`)),
  });
  const request = new Request("http://localhost/", {
    method: "POST",
    body,
    duplex: "half",
  } as RequestInit);
  const answer = handler(request);
  await clock.advance(2000);
  assert.match((await (await answer).json()).detail, /nothing came for 1000 ms/);
  assert.equal(clock.pending, 0);
});

// Bad answers
function answeringWith(
  body: BodyInit | null,
  type = "application/x-ndjson",
  options: StreamClientOptions<null, string> = {},
): Promise<string[]> {
  const call = streamClient<null, string>("http://localhost/", {
    ...options,
    fetch: () => Promise.resolve(new Response(body, { headers: { "content-type": type } })),
  });
  return call(null, background()).then(all);
}

Deno.test("streamClient() fails with unavailable when a stream is cut", async () => {
  for (const body of [``, `{"item":"a"}\n`, `{"item":"a"}\n{"end":true}`]) {
    await assert.rejects(answeringWith(body), { code: "unavailable" });
  }
  const events = `data: "a"\n\nevent: end\ndata: true\n`;
  await assert.rejects(answeringWith(events, "text/event-stream"), { code: "unavailable" });
});

Deno.test("streamClient() fails with unavailable when the connection is cut", async () => {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const head =
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked";
  const answered = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(4096));
    await connection.write(new TextEncoder().encode(`${head}\r\n\r\nb\r\n{"item":1}\n\r\n`));
  })();
  const call = streamClient<null, number>(`http://${HOST}:${listener.addr.port}`);
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const n of await call(null, background())) seen.push(n);
  }, { code: "unavailable", message: "Cannot read stream as it broke off" });
  assert.deepEqual(seen, [1]);
  await answered;
  listener.close();
});

Deno.test("streamClient() refuses what is no stream or no item with internal", async () => {
  await assert.rejects(answeringWith("{}", "application/json"), { code: "internal" });
  await assert.rejects(answeringWith(null), { code: "internal" });
  await assert.rejects(answeringWith("nonsense\n"), { code: "internal" });
  await assert.rejects(answeringWith(`data: {\n\n`, "text/event-stream"), { code: "internal" });
  const strict = answeringWith(`{"item":1}\n`, undefined, { schema: text });
  await assert.rejects(strict, { code: "internal" });
  const large = answeringWith(`{"item":"${"x".repeat(99)}"}\n`, undefined, { maxBytes: 50 });
  await assert.rejects(large, { code: "resource_exhausted" });
});

Deno.test("streamClient() gives up a service that is silent for idleMs", async () => {
  const clock = new FakeClock();
  let isCancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(`{"item":"a"}\n`)),
    cancel: () => void (isCancelled = true),
  });
  const outcome = assert.rejects(answeringWith(body, undefined, { clock, idleMs: 1000 }), {
    code: "unavailable",
    message: "Cannot read stream as nothing came for 1000 ms",
  });
  await clock.advance(1000);
  await outcome;
  assert(isCancelled);
  assert.equal(clock.pending, 0);
});

Deno.test("streamClient() rejects with the error of a call that did not begin", async () => {
  const handler = streamServer((_: unknown): Promise<AsyncIterable<number>> =>
    Promise.reject(new KitError("not_found", "None", { retryAfterMs: 100 }))
  );
  await using server = running(handler);
  await assert.rejects(streamClient<null, number>(server.url)(null, background()), {
    code: "not_found",
    message: "None",
    retryAfterMs: 100,
  });
  const nobody = streamClient<AsyncIterable<number>, number>("http://127.0.0.1:9");
  await assert.rejects(nobody(upTo(1), background()), { code: "unavailable" });
});

// Drain
Deno.test("serve() lets a stream end while it drains", async () => {
  const gate = Promise.withResolvers<void>();
  const server = running(streamServer((_: null) =>
    Promise.resolve((async function* () {
      yield 1;
      await gate.promise;
      yield 2;
    })())
  ));
  const stream = await streamClient<null, number>(server.url)(null, background());
  const stopped = server.shutdown();
  gate.resolve();
  assert.deepEqual(await all(stream), [1, 2]);
  assert(await stopped);
});

Deno.test("serve() ends a stream at drainMs, telling both sides", async () => {
  const told = Promise.withResolvers<unknown>();
  const server = running(
    streamServer((_: null, ctx) => Promise.resolve(waiting(ctx, told.resolve))),
    { drainMs: 50 },
  );
  const stream = await streamClient<null, number>(server.url)(null, background());
  const begunAt = performance.now();
  const outcome = assert.rejects(all(stream), { code: "unavailable" });
  assert(!await server.shutdown());
  assert(performance.now() - begunAt < 1000);
  await outcome;
  await soon(told.promise);
});

const misuses: [string, StreamServerOptions<Count>][] = [
  ["openMs", { openMs: -1 }],
  ["heartbeatMs", { heartbeatMs: 0 }],
  ["idleMs", { idleMs: NaN }],
  ["retryMs", { retryMs: -1 }],
  ["maxBytes", { maxBytes: 0 }],
];
for (const [name, options] of misuses) {
  Deno.test(`streamServer() refuses a bad ${name}`, () => {
    const handler = () => streamServer(count, options);
    assert.throws(handler, RangeError);
  });
}

Deno.test("streamClient() refuses bad options", () => {
  assert.throws(() => streamClient("ftp://a"), TypeError);
  assert.throws(() => streamClient("http://a", { idleMs: 0 }), RangeError);
  assert.throws(() => streamClient("http://a", { heartbeatMs: -1 }), RangeError);
});

Deno.test("streamServer() and streamClient() infer their types", () => {
  const one: Endpoint<Count, AsyncIterable<number>> = streamClient<Count, number>("http://a");
  const two: Endpoint<AsyncIterable<number>, number> = streamClient<AsyncIterable<number>, number>(
    "http://a",
    { responses: "one" },
  );
  // @ts-expect-error: without `requests` the request is one value
  streamServer(sum);
  assert.equal(typeof one, typeof two);
});

// P4: Deno's fetch forgets a signal once nobody holds the response
for (const format of ["ndjson", "sse"] as const) {
  Deno.test(`streamClient() is heard when it aborts while it reads no ${format}`, async () => {
    const { promise: told, resolve: tell } = Promise.withResolvers<unknown>();
    const server = running(streamServer((_: Count, ctx) => Promise.resolve(waiting(ctx, tell))));
    await using _ = server;
    const controller = new AbortController();
    const call = streamClient<Count, number>(server.url, { format });
    const stream = await call({ to: 1 }, withSignal(background(), controller.signal));
    const iterator = stream[Symbol.asyncIterator]();
    assert.deepEqual(await iterator.next(), { done: false, value: 1 });
    const reason = new KitError("cancelled", "Enough");
    controller.abort(reason);
    await soon(told);
    await assert.rejects(iterator.next(), (error) => error === reason);
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  });
}

Deno.test("streamClient() stops a request that never waits when it is aborted", async () => {
  let isOver = false;
  async function* endless() {
    try {
      for (let n = 1;; n++) yield n;
    } finally {
      isOver = true;
    }
  }
  await using server = running(streamServer(double, { requests: "stream" }));
  const controller = new AbortController();
  const call = streamClient<AsyncIterable<number>, number>(server.url);
  const stream = await call(endless(), withSignal(background(), controller.signal));
  const iterator = stream[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).value, 2);
  controller.abort(new KitError("cancelled", "Enough"));
  await eventually(() => isOver);
  await assert.rejects(iterator.next(), { code: "cancelled" });
});
