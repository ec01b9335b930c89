import assert from "node:assert/strict";
import { brotliCompressSync, gzipSync } from "node:zlib";
import {
  background,
  type Context,
  contextKey,
  type Endpoint,
  KitError,
  metadata,
  withOutgoing,
  withSignal,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { settled } from "@kit/endpoint/testing";
import { answering, bomb, HOST, serving, soon } from "./_support_test.ts";
import { type CallSummary, client, type ClientOptions } from "./client.ts";
import { setContentType, setHeader } from "./functions.ts";
import type { Handler } from "./handler.ts";
import { problem } from "./problem.ts";
import { server } from "./server.ts";

type Fetch = NonNullable<ClientOptions<unknown, unknown>["fetch"]>;

/** A fetch that answers with one response and keeps what it was asked. */
function faking(response: () => Response): Fetch & { calls: [string, RequestInit][] } {
  const calls: [string, RequestInit][] = [];
  return Object.assign(
    (url: string, init: RequestInit) => {
      calls.push([url, init]);
      return Promise.resolve(response());
    },
    { calls },
  );
}

const json = (body: string, init: ResponseInit = {}) => new Response(body, init);

// HC1, HC2, HC3, HC5, HC12, HF1, S3
Deno.test("client() runs its steps in Go kit's order and threads the context", async () => {
  const notes: string[] = [];
  const step = contextKey<string>("step");
  const note = (ctx: Context, text: string) => {
    notes.push(`${text}(${ctx.value(step) ?? ""})`);
    return withValue(ctx, step, text);
  };
  const call = client<string, string>("http://h/a", {
    encode: (request, outgoing, ctx) => {
      note(ctx, "encode");
      outgoing.body = request;
      outgoing.url += "?b=c";
      outgoing.method = "PUT";
      outgoing.headers.set("x-encode", "1");
    },
    before: [(ctx) => note(ctx, "before1"), (ctx, headers) => {
      assert.equal(headers.get("x-encode"), "1");
      return note(ctx, "before2");
    }],
    fetch: (url, init) => {
      notes.push(`fetch ${init.method} ${url} ${init.body}`);
      return Promise.resolve(json("ok", { headers: { "x-a": "1" } }));
    },
    after: [(ctx, response) => {
      assert.equal(response.headers.get("x-a"), "1");
      return note(ctx, "after1");
    }, (ctx) => note(ctx, "after2")],
    decode: async (response, ctx) => {
      note(ctx, "decode");
      return await response.text();
    },
    finalizer: [(ctx) => void note(ctx, "finalizer1"), (ctx) => void note(ctx, "finalizer2")],
  });
  assert.equal(await call("body", background()), "ok");
  assert.deepEqual(notes, [
    "encode()",
    "before1()",
    "before2(before1)",
    "fetch PUT http://h/a?b=c body",
    "after1(before2)",
    "after2(after1)",
    "decode(after2)",
    "finalizer1(after2)",
    "finalizer2(after2)",
  ]);
});

// HC3, HC12
Deno.test("client() calls a server over the wire, headers both ways", async () => {
  const handler = server(
    (request: { s: string }, ctx) =>
      Promise.resolve({ v: request.s.toUpperCase(), id: ctx.metadata.get("x-id") }),
    {
      after: [setHeader("x-served", "kit")],
    },
  );
  await serving(handler as Handler, async (url) => {
    let served: string | null = null;
    const call = client<{ s: string }, { v: string }>(url, {
      before: [setHeader("x-id", "7")],
      after: [(ctx, response) => {
        served = response.headers.get("x-served");
        return ctx;
      }],
    });
    assert.deepEqual(await call({ s: "hello" }, background()), { v: "HELLO", id: "7" });
    assert.equal(served, "kit");
  });
});

// HC8, W1
const values: [unknown, string][] = [
  [null, "null"],
  [undefined, "null"],
  [12, "12"],
  [1.2, "1.2"],
  [true, "true"],
  ["test", `"test"`],
  [{ foo: "foo" }, `{"foo":"foo"}`],
];
for (const [request, body] of values) {
  Deno.test(`client() encodes ${JSON.stringify(request)} as ${body}`, async () => {
    const fetch = faking(() => json("null"));
    await client("http://h/", { fetch })(request, background());
    const [, init] = fetch.calls[0]!;
    assert.equal(init.body, body);
    assert.equal(init.method, "POST");
    assert.equal(new Headers(init.headers).get("content-type"), "application/json");
  });
}

// HC8, R11, S4 (D: all values, not only the first)
Deno.test("client() sets every value of the headers() of a request", async () => {
  const fetch = faking(() => json("null"));
  const request = {
    headers: () => [["x-edward", "snowden"], ["x-edward", "joseph"]] as [string, string][],
    foo: 1,
  };
  await client("http://h/", { fetch })(request, background());
  const [, init] = fetch.calls[0]!;
  assert.equal(new Headers(init.headers).get("x-edward"), "snowden, joseph");
  assert.equal(init.body, `{"foo":1}`);
});

// HC10 (D): the length is known
Deno.test("client() declares the length of what it sends", async () => {
  const asked = await answering("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1", async (url) => {
    assert.equal(
      await client(url, { before: [setContentType("text/x")] })({ s: 1 }, background()),
      1,
    );
  });
  assert.match(asked, /\r\ncontent-length: 7\r\n/);
  assert.match(asked, /\r\ncontent-type: text\/x\r\n/);
});

Deno.test("client() sends no body with GET, and refuses to put a request into one", async () => {
  for (const method of ["GET", "HEAD"]) {
    const fetch = faking(() => json("null"));
    const call = client<string | undefined, unknown>("http://h/", { fetch, method });
    await call(undefined, background());
    assert.equal(fetch.calls[0]![1].body, null);
    assert.equal(new Headers(fetch.calls[0]![1].headers).get("content-type"), null);
    await assert.rejects(call("x", background()), { name: "TypeError", message: /"encode"/ });
    assert.equal(fetch.calls.length, 1);
  }
});

// HC5
Deno.test("client() tells finalizers what there is of a call", async () => {
  const summaries: CallSummary[] = [];
  const finalizer = [(_: Context, summary: CallSummary) => void summaries.push(summary)];
  const boom = new Error("boom");
  const ok = faking(() => json("1", { headers: { "x-a": "1" } }));
  await client("http://h/", { finalizer, fetch: ok })(1, background());
  const broken: ClientOptions<unknown, unknown>[] = [
    { fetch: ok, encode: () => Promise.reject(boom) },
    { fetch: () => Promise.reject(boom) },
    { fetch: ok, decode: () => Promise.reject(boom) },
    {
      fetch: ok,
      after: [() => {
        throw boom;
      }],
    },
    { fetch: faking(() => problem(new KitError("aborted", "x"))), decodeError: () => boom },
  ];
  for (const options of broken) {
    await assert.rejects(client("http://h/", { finalizer, ...options })(1, background()), boom);
  }
  assert.deepEqual(
    summaries.map(({ error, status, headers }) => [error, status, headers?.get("x-a")]),
    [
      [undefined, 200, "1"],
      [boom, undefined, undefined],
      [boom, undefined, undefined],
      [boom, 200, "1"],
      [boom, 200, "1"],
      [boom, 409, null],
    ],
  );
});

// HC7 (D): a status that is no success is an error
Deno.test("client() rejects with the error in the answer", async () => {
  const error = new KitError("already_exists", "There is one", {
    details: [{ a: 1 }],
    retryAfterMs: 5,
  });
  const handler = server(() => Promise.reject(error), { decode: () => undefined });
  await serving(handler as Handler, async (url) => {
    await assert.rejects(client(url)(1, background()), {
      name: "KitError",
      code: "already_exists",
      message: "There is one",
      details: [{ a: 1 }],
      retryAfterMs: 5,
    });
  });
});

Deno.test("client() takes the code of the status when the body cannot be read", async () => {
  const bodies: (() => Response)[] = [
    () => new Response("x".repeat(200), { status: 503 }),
    () =>
      new Response(new ReadableStream({ pull: (c) => c.error(new TypeError("cut")) }), {
        status: 503,
      }),
    () => new Response(null, { status: 503 }),
  ];
  for (const body of bodies) {
    const call = client("http://h/", { fetch: faking(body), maxBytes: 100 });
    await assert.rejects(call(1, background()), { code: "unavailable" });
  }
});

const answers: [string, () => Response, unknown][] = [
  ["JSON", () => json(`{"a":1}`), { a: 1 }],
  ["204", () => new Response(null, { status: 204 }), undefined],
  ["no body", () => new Response(null), undefined],
  ["201", () => json("1", { status: 201 }), 1],
];
for (const [name, response, result] of answers) {
  Deno.test(`client() decodes ${name}`, async () => {
    assert.deepEqual(
      await client("http://h/", { fetch: faking(response) })(1, background()),
      result,
    );
  });
}

Deno.test("client() rejects with internal when the answer is no JSON, and quotes nothing", async () => {
  for (const body of ["<html>", "hunter2", ""]) {
    await assert.rejects(
      client("http://h/", { fetch: faking(() => json(body)) })(1, background()),
      {
        code: "internal",
        message: "Cannot decode response as it is not JSON",
      },
    );
  }
});

// P12, S3
Deno.test("client() refuses an answer over the limit, by its length and while it reads", async () => {
  const text = JSON.stringify("x".repeat(98));
  for (const body of [text, ReadableStream.from([new TextEncoder().encode(text)])]) {
    const handler: Handler = () => new Response(body);
    await serving(handler, async (url) => {
      await assert.rejects(client(url, { maxBytes: 99 })(1, background()), {
        code: "resource_exhausted",
        message: "Cannot read response as it has more than 99 bytes",
      });
    });
  }
  for (const maxBytes of [100, Infinity]) {
    const fetch = faking(() => json(text));
    assert.equal(
      await client<unknown, string>("http://h/", { fetch, maxBytes })(1, background()),
      "x".repeat(98),
    );
  }
});

// P12, S3: who promises too much is not waited for
Deno.test("client() refuses an answer over the limit by its length alone", async () => {
  let isCancelled = false;
  const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
  const fetch = faking(() => new Response(body, { headers: { "content-length": "2147483647" } }));
  await assert.rejects(client("http://h/", { fetch, timeoutMs: 1000 })(1, background()), {
    code: "resource_exhausted",
  });
  assert(isCancelled);
});

// P12, S3: what fetch decompresses is counted decompressed
for (const coding of ["br", "gzip"] as const) {
  Deno.test(`client() refuses a ${coding} bomb while it reads`, async () => {
    const body = await bomb(coding, 64);
    for (const status of [200, 503]) {
      const handler: Handler = () =>
        new Response(body, { status, headers: { "content-encoding": coding } });
      await serving(handler, async (url) => {
        const before = Deno.memoryUsage().rss;
        await assert.rejects(client(url)(1, background()), {
          code: status === 200 ? "resource_exhausted" : "unavailable",
        });
        assert((Deno.memoryUsage().rss - before) / 2 ** 20 < 40);
      });
    }
  });
}

Deno.test("client() reads compressed answers, and rejects with unavailable for damaged ones", async () => {
  const good = new Uint8Array(gzipSync(`{"a":1}`));
  const handler: Handler = (request) => {
    const path = new URL(request.url).pathname;
    const body = path === "/br"
      ? new Uint8Array(brotliCompressSync(`{"a":1}`))
      : path === "/half"
      ? good.slice(0, 15)
      : good;
    return new Response(body, { headers: { "content-encoding": path === "/br" ? "br" : "gzip" } });
  };
  await serving(handler, async (url) => {
    for (const path of ["/gzip", "/br"]) {
      assert.deepEqual(await client(url + path)(1, background()), { a: 1 });
    }
    await assert.rejects(client(`${url}/half`)(1, background()), { code: "unavailable" });
  });
});

Deno.test("client() rejects with unavailable when the host cannot be reached or goes", async () => {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await assert.rejects(client(`http://${HOST}:${port}/`)(1, background()), (error: KitError) => {
    assert.equal(error.code, "unavailable");
    assert.equal(error.message, "Cannot reach service");
    assert(error.cause instanceof TypeError);
    return true;
  });
  for (
    const reply of [
      "",
      "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{",
    ]
  ) {
    await answering(reply, async (url) => {
      await assert.rejects(client(url)(1, background()), { code: "unavailable" });
    });
  }
});

// P4
Deno.test("client() sends on what is left of the deadline, as before leaves it", async () => {
  const left = async (ctx: Context, options: ClientOptions<unknown, unknown> = {}) => {
    const fetch = faking(() => json("1"));
    await client("http://h/", { fetch, ...options })(1, ctx);
    return new Headers(fetch.calls[0]![1].headers).get("x-request-timeout-ms");
  };
  const isAbout = (text: string | null, ms: number) => {
    assert.match(text!, /^\d+$/);
    assert(Number(text) <= ms && Number(text) > ms - 100, `${text}`);
  };
  assert.equal(await left(background()), null);
  using timed = withTimeout(background(), 1000);
  isAbout(await left(timed), 1000);
  isAbout(await left(timed, { timeoutMs: 500 }), 500);
  isAbout(await left(timed, { timeoutMs: 5000 }), 1000);
  using shorter = withTimeout(timed, 300);
  isAbout(await left(timed, { before: [() => shorter] }), 300);
  assert.equal(await left(timed, { deadlineHeader: false }), null);
  isAbout(await left(withOutgoing(timed, metadata({ "x-request-timeout-ms": "7" }))), 1000);
});

// P4: three hops never end later than the first
Deno.test("client() and server() shorten the deadline from hop to hop", async () => {
  const deadlines: number[] = [];
  const last = server((_: unknown, ctx) => {
    deadlines.push(ctx.deadline!);
    return Promise.resolve(1);
  });
  const via = (handler: Handler): Handler => {
    const next = client("http://h/", {
      fetch: async (url, init) => await handler(new Request(url, init)),
    });
    return server((request: unknown, ctx) => {
      deadlines.push(ctx.deadline!);
      return next(request, ctx);
    }) as Handler;
  };
  using ctx = withTimeout(background(), 1000);
  const call = client("http://h/", {
    fetch: async (url, init) => await via(via(last as Handler))(new Request(url, init)),
  });
  assert.equal(await call(1, ctx), 1);
  assert.equal(deadlines.length, 3);
  for (const deadline of deadlines) assert(deadline <= ctx.deadline! + 50);
});

// P3
Deno.test("client() sends nothing when the context is over already", async () => {
  const fetch = faking(() => json("1"));
  const reason = new Error("enough");
  using cancelled = withSignal(background(), AbortSignal.abort(reason));
  await assert.rejects(client("http://h/", { fetch })(1, cancelled), reason);
  using late = withTimeout(background(), 0);
  await assert.rejects(client("http://h/", { fetch })(1, late), { code: "deadline_exceeded" });
  assert.equal(fetch.calls.length, 0);
});

// P4, W9
Deno.test("client() rejects with the signal's reason and ends the request", async () => {
  const reason = new KitError("cancelled", "Enough");
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const handler: Handler = (request) => {
    request.signal.addEventListener("abort", () => end());
    begin();
    return new Promise<Response>((resolve) => ended.then(() => resolve(new Response("late"))));
  };
  await serving(handler, async (url) => {
    const controller = new AbortController();
    using ctx = withSignal(background(), controller.signal);
    const call = client(url)(1, ctx);
    await begun;
    controller.abort(reason);
    await assert.rejects(call, reason);
    await soon(ended, 1000);
  });
});

// P4, W9, HC6 (D)
Deno.test("client() rejects with deadline_exceeded when timeoutMs is over", async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const handler: Handler = (request) => {
    request.signal.addEventListener("abort", () => end());
    return new Promise<Response>((resolve) => ended.then(() => resolve(new Response("late"))));
  };
  await serving(handler, async (url) => {
    await assert.rejects(client(url, { timeoutMs: 30 })(1, background()), {
      code: "deadline_exceeded",
    });
    await soon(ended, 1000);
  });
});

Deno.test("client() rejects with the reason when aborted while it reads the body", async () => {
  for (const status of [200, 503]) {
    const { promise: cancelled, resolve } = Promise.withResolvers<void>();
    const handler: Handler = () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode(`{"a":`)),
          cancel: () => resolve(),
        }),
        { status },
      );
    await serving(handler, async (url) => {
      const controller = new AbortController();
      const reason = new Error("enough");
      using ctx = withSignal(background(), controller.signal);
      const call = client(url, {
        after: [(ctx) => {
          queueMicrotask(() => controller.abort(reason));
          return ctx;
        }],
      });
      await assert.rejects(call(1, ctx), reason);
      await soon(cancelled);
    });
  }
});

// The sanitizers see a body that is left and a timer that is.
Deno.test("client() leaves neither body nor timer behind, however the call ends", async () => {
  const boom = new Error("boom");
  const fail = () => {
    throw boom;
  };
  await serving(() => new Response("x".repeat(100_000)), async (url) => {
    const options: ClientOptions<unknown, unknown>[] = [
      { decode: fail },
      { decode: () => Promise.reject(boom) },
      { after: [fail] },
      { before: [fail] },
      { encode: fail },
      {
        decode: async (response) => {
          for await (const _ of response.body!) fail();
        },
      },
      {
        decode: async (response) => {
          const reader = response.body!.getReader();
          await reader.read();
          reader.releaseLock();
          fail();
        },
      },
    ];
    for (const each of options) {
      await assert.rejects(client(url, { timeoutMs: 60_000, ...each })(1, background()), boom);
    }
    const status = client(url, { timeoutMs: 60_000, decode: (response) => response.status });
    assert.equal(await status(1, background()), 200);
  });
});

// HC3
Deno.test("client() cancels a body that decode leaves, but for streams and the response itself", async () => {
  const responses: Response[] = [];
  const call = <Res>(decode: (response: Response) => Res) =>
    client<unknown, Res>("http://h/", {
      fetch: () => {
        const response = new Response(ReadableStream.from([Uint8Array.of(1)]));
        responses.push(response);
        return Promise.resolve(response);
      },
      decode,
    })(1, background());
  await call((response) => response.status);
  assert((await responses[0]!.body!.getReader().read()).done);
  assert.equal((await (await call((response) => response)).bytes()).length, 1);
  assert.equal((await Array.fromAsync(await call((response) => response.body!))).length, 1);
  await call(() => null);
  assert((await responses.at(-1)!.body!.getReader().read()).done);
});

/** Reads lines as they come. */
async function* lines(response: Response): AsyncGenerator<string> {
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    yield* text.trim().split("\n");
  }
}

// HC4, R10, S3: the context of a stream lives until its end
Deno.test("client() keeps a stream open beyond the answer, and its timer until its end", async () => {
  const pieces = new TransformStream<Uint8Array>();
  const writer = pieces.writable.getWriter();
  const ends: unknown[] = [];
  await serving(() => new Response(pieces.readable), async (url) => {
    const call: Endpoint<unknown, AsyncGenerator<string>> = client(url, {
      decode: lines,
      timeoutMs: 60_000,
      finalizer: [(_, { error, status }) => void ends.push(error, status)],
    });
    const stream = await call(1, background());
    for (const text of ["a", "b"]) {
      writer.write(new TextEncoder().encode(`${text}\n`));
      assert.deepEqual(await soon(stream.next()), { done: false, value: text });
      assert.deepEqual(ends, []);
    }
    await writer.close();
    assert((await stream.next()).done);
    assert.deepEqual(ends, [undefined, 200]);
  });
});

// HC4, R10
Deno.test("client() ends a stream at timeoutMs, and when its consumer leaves", async () => {
  let cancelled = 0;
  const handler: Handler = () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("a\n")),
        cancel: () => void cancelled++,
      }),
    );
  await serving(handler, async (url) => {
    const late = await client(url, { decode: lines, timeoutMs: 100 })(1, background());
    assert.equal((await late.next()).value, "a");
    await assert.rejects(late.next(), { code: "deadline_exceeded" });
    for await (
      const text of await client(url, { decode: lines, timeoutMs: 60_000 })(1, background())
    ) {
      assert.equal(text, "a");
      break;
    }
  });
  assert.equal(cancelled, 2);
});

Deno.test("client() streams a body that encode gives", async () => {
  const handler = server((text: string) => Promise.resolve(text), {
    decode: (request) => request.text(),
  });
  await serving(handler as Handler, async (url) => {
    const call = client<string[], string>(url, {
      encode: (request, outgoing) =>
        void (outgoing.body = ReadableStream.from(
          request.map((text) => new TextEncoder().encode(text)),
        )),
    });
    assert.equal(await call(["a", "b", "c"], background()), "abc");
  });
});

// S8, and section 7 of PROMISES
Deno.test("client() lets no line break into a header", async () => {
  const fetch = faking(() => json("1"));
  const evil = "1\r\nx-evil: 1";
  const call = client("http://h/", { fetch });
  for (const pair of [["x-a", evil], [evil, "1"]] as const) {
    await assert.rejects(call(1, withOutgoing(background(), metadata([pair]))), {
      code: "invalid_argument",
    });
  }
  await assert.rejects(call({ headers: () => ({ "x-a": evil }) }, background()), TypeError);
  assert.equal(fetch.calls.length, 0);
});

// Section 7 of PROMISES: what came in by one connection says nothing of another
Deno.test("client() sends the outgoing metadata, but nothing that is about a connection", async () => {
  const asked = await answering("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1", async (url) => {
    const outgoing = metadata([
      ["x-a", "1"],
      ["x-a", "2"],
      ["Host", "evil"],
      ["Content-Length", "1"],
      ["Transfer-Encoding", "chunked"],
      ["Connection", "x"],
      ["Upgrade", "x"],
      ["TE", "x"],
    ]);
    assert.equal(await client(url)({ s: 1 }, withOutgoing(background(), outgoing)), 1);
  });
  assert.match(asked, /\r\nx-a: 1, 2\r\n/);
  assert.match(asked, /\r\ncontent-length: 7\r\n/);
  assert.match(asked, /\r\nhost: 127\.0\.0\.1:\d+\r\n/);
  assert(!/evil|chunked|\r\n(?:connection|upgrade|te):/i.test(asked), asked);
});

// P19, S7
Deno.test("client() follows no redirect by default", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const fetch = faking(() => new Response(null, { status, headers: { location: "/b" } }));
    await assert.rejects(client("http://h/", { fetch })(1, background()), {
      code: "unknown",
      message: `Call failed with status ${status}`,
    });
    assert.equal(fetch.calls.length, 1);
    assert.equal(fetch.calls[0]![1].redirect, "manual");
  }
  await serving(() => Response.redirect("http://h.invalid/"), async (url) => {
    await assert.rejects(client(url)(1, background()), { message: "Call failed with status 302" });
  });
});

const misuses: [string, () => unknown, object][] = [
  ["no URL", () => client("/a"), { name: "TypeError" }],
  ["another protocol", () => client("file:///etc/passwd"), { name: "TypeError" }],
  ["data:", () => client("data:text/plain,1"), { name: "TypeError" }],
  ["credentials", () => client("http://u:hunter2@h/"), {
    name: "TypeError",
    message: `Cannot use "target" as it has credentials: set a header in "before"`,
  }],
  ["a method with a space", () => client("http://h/", { method: "A B" }), { name: "TypeError" }],
  ["CONNECT", () => client("http://h/", { method: "CONNECT" }), { name: "TypeError" }],
  ["a deadline header with a space", () => client("http://h/", { deadlineHeader: "a b" }), {
    name: "TypeError",
  }],
  ["timeoutMs 0", () => client("http://h/", { timeoutMs: 0 }), { name: "RangeError" }],
  ["maxBytes NaN", () => client("http://h/", { maxBytes: NaN }), { name: "RangeError" }],
];
for (const [name, build, error] of misuses) {
  Deno.test(`client() refuses ${name} when it is built`, () => {
    assert.throws(build, error);
  });
}

Deno.test("client() takes a URL object, and never throws where it should reject", async () => {
  const fetch = faking(() => json("1"));
  assert.equal(await client(new URL("http://h/a"), { fetch })(1, background()), 1);
  assert.equal(fetch.calls[0]![0], "http://h/a");
  const throwing = client("http://h/", {
    fetch: () => {
      throw new Error("boom");
    },
  });
  await assert.rejects(throwing(1, background()), { message: "boom" });
  await settled();
});
