import assert from "node:assert/strict";
import {
  type Context,
  contextKey,
  detach,
  type Endpoint,
  KitError,
  metadata,
  withOutgoing,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { scripted, settled } from "@kit/endpoint/testing";
import { bytes, chunked, post, serving, soon } from "./_support_test.ts";
import { setContentType, setHeader } from "./functions.ts";
import type { Handler } from "./handler.ts";
import { HttpError } from "./http_error.ts";
import { httpRequest, remoteAddress } from "./keys.ts";
import { problem } from "./problem.ts";
import { type ResponseSummary, server, type ServerOptions } from "./server.ts";

const echo: Endpoint<unknown, unknown> = (request) => Promise.resolve(request);

/** A request that needs no body. */
const get = () => new Request("http://localhost/");

/** Options of a handler whose every step leaves a note. */
function noting(notes: string[]): ServerOptions<string, string> {
  const step = contextKey<string>("step");
  const note = (ctx: Context, text: string) => {
    notes.push(`${text}(${ctx.value(step) ?? ""})`);
    return withValue(ctx, step, text);
  };
  return {
    before: [(ctx) => note(ctx, "before1"), (ctx) => note(ctx, "before2")],
    decode: async (request, ctx) => {
      note(ctx, "decode");
      return await request.text();
    },
    after: [(ctx) => note(ctx, "after1"), (ctx) => note(ctx, "after2")],
    encode: (response, ctx, headers) => {
      note(ctx, "encode");
      return new Response(response, { headers });
    },
    onError: (error, ctx) => void note(ctx, `onError ${(error as Error).message} `),
    encodeError: (error, ctx) => {
      note(ctx, "encodeError");
      return problem(error);
    },
    finalizer: [
      (ctx) => void note(ctx, "finalizer1"),
      (ctx) => void note(ctx, "finalizer2"),
    ],
  };
}

// HS1, HS2, HS4, HS5, HS9, HF1, S1, S2
Deno.test("server() runs its steps in Go kit's order and threads the context", async () => {
  const notes: string[] = [];
  const handler = server((s: string) => {
    notes.push("endpoint");
    return Promise.resolve(s);
  }, noting(notes));
  const response = await handler(post("hi"));
  assert(!notes.some((note) => note.startsWith("finalizer")));
  assert.equal(await response.text(), "hi");
  assert.deepEqual(notes, [
    "before1()",
    "before2(before1)",
    "decode(before2)",
    "endpoint",
    "after1(before2)",
    "after2(after1)",
    "encode(after2)",
    "finalizer1(after2)",
    "finalizer2(after2)",
  ]);
});

// HS3, HS4, TR5, S1, S2
const failures: [
  string,
  Partial<ServerOptions<string, string>>,
  Endpoint<string, string>,
  string[],
][] = [
  [
    "decode throws",
    {
      decode: () => {
        throw new Error("x");
      },
    },
    (s) => Promise.resolve(s),
    ["before1()", "before2(before1)"],
  ],
  [
    "decode rejects",
    { decode: () => Promise.reject(new Error("x")) },
    (s) => Promise.resolve(s),
    ["before1()", "before2(before1)"],
  ],
  ["the endpoint rejects", {}, () => Promise.reject(new Error("x")), [
    "before1()",
    "before2(before1)",
    "decode(before2)",
  ]],
  ["the endpoint throws", {}, () => {
    throw new Error("x");
  }, ["before1()", "before2(before1)", "decode(before2)"]],
  [
    "encode throws",
    {
      encode: () => {
        throw new Error("x");
      },
    },
    (s) => Promise.resolve(s),
    [
      "before1()",
      "before2(before1)",
      "decode(before2)",
      "after1(before2)",
      "after2(after1)",
    ],
  ],
  [
    "encode rejects",
    { encode: () => Promise.reject(new Error("x")) },
    (s) => Promise.resolve(s),
    [
      "before1()",
      "before2(before1)",
      "decode(before2)",
      "after1(before2)",
      "after2(after1)",
    ],
  ],
];
for (const [name, options, endpoint, steps] of failures) {
  Deno.test(`server() answers 500 by encodeError, told onError before, when ${name}`, async () => {
    const notes: string[] = [];
    const handler = server(endpoint, { ...noting(notes), ...options });
    const response = await handler(post("hi"));
    assert.equal(response.status, 500);
    assert.equal((await response.json()).detail, "Unknown error");
    const last = steps.at(-1)!.startsWith("after2") ? "after2" : "before2";
    assert.deepEqual(notes, [
      ...steps,
      `onError x (${last})`,
      `encodeError(${last})`,
      `finalizer1(${last})`,
      `finalizer2(${last})`,
    ]);
  });
}

// HS3: what fails in `before` is answered as well
Deno.test("server() answers 500 when before throws", async () => {
  const handler = server(echo, {
    before: [() => {
      throw new Error("x");
    }],
  });
  assert.equal((await handler(get())).status, 500);
});

// TR1, TR2
Deno.test("server() gives onError the very error, and its throwing changes nothing", async () => {
  const error = new KitError("not_found", "Gone");
  const told: unknown[] = [];
  const handler = server(() => Promise.reject(error), {
    decode: () => undefined,
    onError: (error) => {
      told.push(error);
      throw new Error("onError");
    },
    encodeError: () => new Response("mine", { status: 418 }),
  });
  const response = await handler(get());
  assert.equal(response.status, 418);
  assert.equal(await response.text(), "mine");
  assert.equal(told.length, 1);
  assert.equal(told[0], error);
});

// TR6
Deno.test("server() does not tell onError of a failure inside the response", async () => {
  const told: unknown[] = [];
  const handler = server(
    () => Promise.resolve({ err: "Empty", failed: () => new Error("Empty") }),
    {
      decode: () => undefined,
      onError: (error) => told.push(error),
    },
  );
  const response = await handler(get());
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { err: "Empty" });
  assert.deepEqual(told, []);
});

// HS7
Deno.test("server() leaves the whole answer of an error to encodeError", async () => {
  const teapot = new Error("teapot");
  const handler = server(() => Promise.reject(teapot), {
    decode: () => undefined,
    encodeError: (error, ctx, request) => {
      assert.equal(error, teapot);
      assert.equal(ctx.value(httpRequest), request);
      return new Response("short and stout", { status: 418 });
    },
  });
  const response = await handler(get());
  assert.equal(response.status, 418);
  assert.equal(response.headers.get("content-type"), "text/plain;charset=UTF-8");
  assert.equal(await response.text(), "short and stout");
});

Deno.test("server() answers for an encodeError that throws, and tells onError of it", async () => {
  for (const error of [new Error("password=hunter2"), new KitError("not_found", "Gone")]) {
    const told: unknown[] = [];
    const handler = server(() => Promise.reject(error), {
      decode: () => undefined,
      onError: (error) => told.push((error as Error).message),
      encodeError: () => {
        throw new Error("hunter2 again");
      },
    });
    const response = await handler(get());
    const body = await response.json();
    const expected = error instanceof KitError ? [404, "not_found"] : [500, "internal"];
    assert.deepEqual([response.status, body.code], expected);
    assert(!JSON.stringify(body).includes("hunter2"));
    assert.deepEqual(told, [error.message, "hunter2 again"]);
  }
});

// HS14
Deno.test("server() sends JSON with its type, status and length", async () => {
  await serving(server(echo) as Handler, async (url) => {
    const response = await fetch(url, { method: "POST", body: `{"s":"<ü&>"}` });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.equal(response.headers.get("content-length"), "13");
    assert.equal(await response.text(), `{"s":"<ü&>"}`);
  });
});

// HS14, HS17, R11, S4
Deno.test("server() obeys statusCode() and adds every value of headers()", async () => {
  const handler = server(() =>
    Promise.resolve({
      v: 1,
      statusCode: () => 402,
      headers: () =>
        [["Vary", "Origin"], ["Vary", "User-Agent"], ["Set-Cookie", "a=1"], [
          "Set-Cookie",
          "b=2",
        ]] as [string, string][],
    }), { decode: () => undefined });
  const response = await handler(get());
  assert.equal(response.status, 402);
  assert.equal(response.headers.get("vary"), "Origin, User-Agent");
  assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.deepEqual(await response.json(), { v: 1 });
});

// HS14 (D): one content type, that of the response
Deno.test("server() sends one content type when the response has its own", async () => {
  const finalizer: ServerOptions<void, unknown>["finalizer"] = [() => {}];
  for (const options of [{}, { finalizer }]) {
    const handler = server(
      () => Promise.resolve({ headers: () => ({ "content-type": "application/hal+json" }) }),
      { decode: () => {}, after: [setContentType("text/plain")], ...options },
    );
    const response = await handler(get());
    assert.equal(response.headers.get("content-type"), "application/hal+json");
  }
});

// HS14
for (const status of [204, 205, 304]) {
  for (const finalizer of [[], [() => {}]]) {
    Deno.test(`server() sends no body with ${status} and ${finalizer.length} finalizers`, async () => {
      const handler = server(() => Promise.resolve({ statusCode: () => status, v: 1 }), {
        decode: () => undefined,
        finalizer,
      });
      const response = await handler(get());
      assert.equal(response.status, status);
      assert.equal(response.body, null);
      await settled();
    });
  }
}

// HS14 (D): nothing is sent before the JSON is made
for (const finalizer of [[], [() => {}]]) {
  for (const bad of [{ n: 1n }, () => {}, { toJSON: () => undefined }, { statusCode: () => 42 }]) {
    Deno.test(`server() answers 500 for a response that is no JSON: ${typeof bad} ${Object.keys(bad)} ${finalizer.length}`, async () => {
      const told: unknown[] = [];
      const handler = server(() => Promise.resolve<unknown>(bad), {
        decode: () => undefined,
        onError: (error) => told.push(error),
        finalizer,
      });
      const response = await handler(get());
      assert.equal(response.status, 500);
      assert.equal((await response.json()).detail, "Unknown error");
      assert.equal(told.length, 1);
    });
  }
}

// HS16
Deno.test("server() sends null for a response of undefined", async () => {
  for (const finalizer of [[], [() => {}]]) {
    const handler = server(() => Promise.resolve(undefined), {
      decode: () => undefined,
      finalizer,
    });
    const response = await handler(get());
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "null");
  }
});

// HF2
Deno.test("server() sends what after sets, be there an encode or not", async () => {
  for (
    const encode of [
      undefined,
      (s: unknown, _: Context, headers: Headers) => new Response(String(s), { headers }),
    ]
  ) {
    const handler = server(() => Promise.resolve("hi"), {
      decode: () => undefined,
      after: [setHeader("x-a", "1"), setHeader("X-A", "2"), setContentType("text/x")],
      ...(encode && { encode }),
    });
    const response = await handler(get());
    assert.equal(response.headers.get("x-a"), "2");
    assert.equal(response.headers.get("content-type"), "text/x");
    await response.body?.cancel();
  }
});

/** Serves once and tells what the finalizer was told. */
async function summarized<Res>(
  endpoint: Endpoint<void, Res>,
  options: Partial<ServerOptions<void, Res>>,
  use: (url: string) => Promise<void>,
): Promise<
  ResponseSummary & { readonly url: string | undefined; readonly agent: string | undefined }
> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof summarized>>>();
  const handler = server(endpoint, {
    decode: () => {},
    ...options,
    finalizer: [(ctx, summary) => {
      resolve({
        ...summary,
        url: ctx.value(httpRequest)?.url,
        agent: ctx.metadata.get("user-agent"),
      });
    }],
  });
  await serving(handler as Handler, use);
  return await soon(promise);
}

// HS8, HS10, HF4
Deno.test("server() tells finalizers status, headers and size of a JSON answer", async () => {
  let length: string | null = null;
  const summary = await summarized(() => Promise.resolve({ s: "ü", statusCode: () => 418 }), {
    after: [setHeader("x-served-by", "kit")],
  }, async (url) => {
    const response = await fetch(url);
    length = response.headers.get("content-length");
    assert.equal(await response.text(), `{"s":"ü"}`);
  });
  assert.equal(summary.status, 418);
  assert.equal(summary.headers.get("x-served-by"), "kit");
  assert.equal(summary.size, 10);
  assert.equal(length, "10");
  assert.equal(summary.error, undefined);
  // The host has let go of the request after the answer.
  assert.match(summary.url!, /^http:/);
  assert.match(summary.agent!, /^Deno/);
});

// HS8 (T): code 418, header set in encode, size of the body
Deno.test("server() tells finalizers of a custom encode, also one that streams", async () => {
  for (
    const body of [
      "go eat a fly ugly\n",
      ReadableStream.from([new Uint8Array(7), new Uint8Array(11)]),
    ]
  ) {
    const summary = await summarized(() => Promise.resolve("x"), {
      encode: () => new Response(body, { status: 418, headers: { "X-Header": "1" } }),
    }, async (url) => void await (await fetch(url)).bytes());
    assert.equal(summary.status, 418);
    assert.equal(summary.headers.get("x-header"), "1");
    assert.equal(summary.size, 18);
  }
});

// HS8, HS10, S1
Deno.test("server() tells finalizers of errors, HEAD, and answers without a body", async () => {
  const error = new KitError("unavailable", "Down");
  const failed = await summarized(
    () => Promise.reject(error),
    {},
    async (url) => void await (await fetch(url)).text(),
  );
  assert.equal(failed.status, 503);
  assert.equal(failed.error, error);
  assert(failed.size > 50);

  const head = await summarized(() => Promise.resolve("x"), {
    encode: () => new Response(ReadableStream.from([new Uint8Array(3)])),
  }, async (url) => void await (await fetch(url, { method: "HEAD" })).text());
  assert.equal(head.status, 200);

  const empty = await summarized(() => Promise.resolve("x"), {
    encode: () => new Response(null, { status: 204 }),
  }, async (url) => void await (await fetch(url)).text());
  assert.deepEqual([empty.status, empty.size, empty.url !== undefined], [204, 0, true]);
});

// S1, R9
Deno.test("server() tells finalizers when the client gives a stream up, and cancels it", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const summary = await summarized(() => Promise.resolve("x"), {
    encode: () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(5)),
          cancel: () => resolve(),
        }),
      ),
  }, async (url) => {
    const response = await fetch(url);
    const reader = response.body!.getReader();
    assert.equal((await reader.read()).value!.length, 5);
    await reader.cancel();
    await soon(cancelled);
  });
  assert.equal(summary.size, 5);
});

// S1, HS12 (D): an error after the first byte cuts the body off, and the finalizer knows
Deno.test("server() tells finalizers the error of a stream that fails", async () => {
  const broken = new Error("broken");
  const summary = await summarized(() => Promise.resolve("x"), {
    encode: () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(new Uint8Array(5));
            controller.error(broken);
          },
        }, { highWaterMark: 0 }),
      ),
  }, async (url) => {
    await assert.rejects(async () => await (await fetch(url)).bytes());
  });
  assert.equal(summary.error, broken);
});

// HS9
Deno.test("server() runs every finalizer though one throws, and tells onError", async () => {
  const notes: string[] = [];
  const handler = server(() => Promise.resolve("x"), {
    decode: () => undefined,
    finalizer: [() => {
      throw new Error("first");
    }, () => notes.push("second")],
    onError: (error) => {
      notes.push(`told ${(error as Error).message}`);
      throw new Error("onError");
    },
  });
  assert.equal(await (await handler(get())).text(), `"x"`);
  assert.deepEqual(notes, ["told first", "second"]);
});

// HS9, HS13: without finalizers the response is handed on as it is
Deno.test("server() hands on the very response of encode without finalizers", async () => {
  const response = new Response("x");
  assert.equal(
    await server(() => Promise.resolve("x"), { decode: () => undefined, encode: () => response })(
      get(),
    ),
    response,
  );
  const upgrade = Object.assign(new Response(null), { marker: true });
  const handler = server(() => Promise.resolve("x"), {
    decode: () => undefined,
    encode: () => upgrade,
    finalizer: [() => {}],
  });
  assert.equal(await handler(get()), upgrade);
  await settled();
});

Deno.test("server() answers 500 when encode gives a response that is used up", async () => {
  const used = new Response("x");
  await used.text();
  for (const encode of [() => used, () => Promise.resolve(used)]) {
    const handler = server(() => Promise.resolve("x"), {
      decode: () => undefined,
      encode,
      finalizer: [() => {}],
    });
    const response = await handler(get());
    assert.equal(response.status, 500);
    await response.body?.cancel();
  }
});

// R9: a body is streamed through finalizers piece by piece
Deno.test("server() streams a body while the finalizer waits for its end", async () => {
  const pieces = new TransformStream<Uint8Array>();
  const writer = pieces.writable.getWriter();
  let size: number | undefined;
  const handler = server(() => Promise.resolve("x"), {
    decode: () => undefined,
    encode: () => new Response(pieces.readable),
    finalizer: [(_, summary) => size = summary.size],
  });
  await serving(handler as Handler, async (url) => {
    const response = await fetch(url);
    const reader = response.body!.getReader();
    for (let i = 1; i <= 3; i++) {
      await writer.write(new Uint8Array(i));
      assert.equal((await soon(reader.read())).value!.length, i);
      assert.equal(size, undefined);
    }
    await writer.close();
    assert((await reader.read()).done);
  });
  assert.equal(size, 6);
});

// HF3, HS6, HS18
Deno.test("server() gives the context request, metadata and remote address", async () => {
  const seen: unknown[] = [];
  const handler = server((_: unknown, ctx) => {
    const request = ctx.value(httpRequest)!;
    seen.push(
      request.method,
      new URL(request.url).pathname,
      new URL(request.url).search,
      ctx.metadata.get("X-Request-ID"),
      ctx.metadata.get("X-Absent"),
      ctx.metadata.getAll("__proto__"),
      ctx.value(contextKey("http request")),
      /^127\.0\.0\.1:\d+$/.test(ctx.value(remoteAddress)!),
      [...ctx.outgoing].length,
    );
    return Promise.resolve("x");
  }, { decode: () => undefined });
  await serving(handler as Handler, async (url) => {
    const response = await fetch(`${url}/search?q=sympatico`, {
      headers: { "x-request-id": "a1b2c3d4e5" },
    });
    await response.text();
  });
  assert.deepEqual(seen, [
    "GET",
    "/search",
    "?q=sympatico",
    "a1b2c3d4e5",
    undefined,
    [],
    undefined,
    true,
    0,
  ]);
});

Deno.test("server() knows no address from hosts that tell none, and brackets IPv6", async () => {
  const handler = server((_: unknown, ctx) => Promise.resolve(ctx.value(remoteAddress)), {
    decode: () => undefined,
  });
  const addresses: [Parameters<Handler>[1], unknown][] = [
    [undefined, null],
    [{}, null],
    [{ remoteAddr: {} }, null],
    [{ remoteAddr: { hostname: "::1", port: 80 } }, "[::1]:80"],
    [{ remoteAddr: { hostname: "10.0.0.1", port: 80 } }, "10.0.0.1:80"],
    [{ remoteAddr: { hostname: "10.0.0.1" } }, "10.0.0.1"],
  ];
  for (const [info, address] of addresses) {
    assert.deepEqual(await (await handler(get(), info)).json(), address);
  }
});

// Hosts of all kinds pass something of their own as second argument.
Deno.test("server() leaves the info of another host alone", async () => {
  const info = Object.freeze({ env: 1 });
  const handler = server(echo);
  const response = await handler(post(`{"a":1}`), info as Parameters<Handler>[1]);
  assert.deepEqual(await response.json(), { a: 1 });
});

/** A request that tells what of it was touched. */
function touched(request: Request): [Request, string[]] {
  const names: string[] = [];
  const proxy = new Proxy(request, {
    get(target, name) {
      names.push(String(name));
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return [proxy, names];
}

Deno.test("server() touches neither signal, URL nor body stream of a request unless asked", async () => {
  const [request, names] = touched(post(`{"a":1}`));
  const handler = server((request: unknown, ctx) => {
    assert.equal(ctx.deadline, undefined);
    assert(ctx.canAbort);
    return Promise.resolve(request);
  });
  await handler(request);
  assert.deepEqual(new Set(names), new Set(["headers", "json"]));
});

Deno.test("server() touches the signal of a request when its context's is read", async () => {
  const [request, names] = touched(post(`{"a":1}`));
  const handler = server((request: unknown, ctx) => {
    assert(!names.includes("signal"));
    assert.equal(ctx.signal, ctx.signal);
    assert(names.includes("signal"));
    return Promise.resolve(request);
  });
  assert.equal((await handler(request)).status, 200);
});

// P4
Deno.test("server() aborts the signal of a call within 100 ms when the client goes", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<[number, unknown]>();
  const client = new AbortController();
  let goneAt = 0;
  const handler = server((_: unknown, ctx) =>
    new Promise<string>((_, reject) => {
      ctx.signal.addEventListener("abort", () => {
        resolve([performance.now() - goneAt, ctx.signal.reason]);
        reject(ctx.signal.reason);
      });
      goneAt = performance.now();
      client.abort();
    }), { decode: () => undefined });
  await serving(handler as Handler, async (url) => {
    await assert.rejects(fetch(url, { signal: client.signal }), { name: "AbortError" });
    const [ms, reason] = await soon(aborted);
    assert(ms < 100, `${ms} ms`);
    assert.equal((reason as Error).name, "AbortError");
  });
});

// W9, P4
Deno.test("server() sets the deadline of a call from the header", async () => {
  let left = 0;
  const handler = server((_: unknown, ctx) => {
    left = ctx.deadline! - Date.now();
    return Promise.resolve("x");
  }, { decode: () => undefined });
  const response = await handler(
    new Request("http://localhost/", { headers: { "x-request-timeout-ms": "250" } }),
  );
  await response.text();
  assert(left > 100 && left <= 260, `${left}`);
});

// P4
Deno.test("server() aborts the signal at the deadline with deadline_exceeded", async () => {
  const handler = server(
    (_: unknown, ctx) =>
      new Promise<string>((_, reject) =>
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))
      ),
    { decode: () => undefined },
  );
  await serving(handler as Handler, async (url) => {
    const begunAt = performance.now();
    // A timer of the context does not keep the process, so something else has to.
    const response = await fetch(url, { headers: { "x-request-timeout-ms": "30" } });
    assert.equal(response.status, 504);
    assert.equal((await response.json()).code, "deadline_exceeded");
    assert(performance.now() - begunAt < 1000);
  });
});

// P4: a child's deadline is never later than its parent's
Deno.test("server() lets before shorten the deadline, not lengthen it", async () => {
  for (const [own, expected] of [[50, 50], [5000, 250]] as const) {
    let left = 0;
    const handler = server((_: unknown, ctx) => {
      left = ctx.deadline! - Date.now();
      return Promise.resolve("x");
    }, { decode: () => undefined, before: [(ctx) => withTimeout(ctx, own)] });
    await (await handler(
      new Request("http://localhost/", { headers: { "x-request-timeout-ms": "250" } }),
    )).text();
    assert(left <= expected + 5 && left > expected - 100, `${left}`);
  }
});

// P3, O5
Deno.test("server() begins no work after the deadline", async () => {
  const endpoint = scripted<unknown, string>("x");
  const zero = { "x-request-timeout-ms": "0" };
  for (const request of [chunked([bytes("1")], zero), post(`"${"x".repeat(65536)}"`, zero)]) {
    const response = await server(endpoint)(request);
    assert.equal(response.status, 504);
    await response.text();
  }
  // What is queued behind other work can run out while its body is read.
  const late = await server(endpoint, {
    decode: async () => {
      const until = performance.now() + 5;
      while (performance.now() < until) await settled();
    },
  })(post("1", { "x-request-timeout-ms": "1" }));
  assert.equal(late.status, 504);
  await late.text();
  assert.equal(endpoint.calls.length, 0);
});

for (
  const value of [
    "",
    "abc",
    "-1",
    "1.5",
    "1e3",
    "12345678901",
    "5, 5",
    "0x10",
    "\u00a01",
    "__proto__",
  ]
) {
  Deno.test(`server() answers 400 for the deadline ${JSON.stringify(value)}`, async () => {
    const endpoint = scripted<unknown, string>("x");
    for (const ask of [undefined, (ctx: Context) => ctx.deadline, (ctx: Context) => ctx.signal]) {
      const handler = ask === undefined
        ? server(endpoint, { decode: () => 1 })
        : server((request, ctx) => (ask(ctx), endpoint(request, ctx)));
      const response = await handler(post("1", { "x-request-timeout-ms": value }));
      assert.equal(response.status, 400);
      assert.match((await response.json()).detail, /x-request-timeout-ms/);
    }
    assert.equal(endpoint.calls.length, 0);
  });
}

Deno.test("server() begins no work that asks for a deadline of zero", async () => {
  const endpoint = scripted<unknown, string>("x");
  const handler = server((request, ctx) => {
    using bounded = withTimeout(ctx, 1000);
    return endpoint(request, bounded);
  });
  const response = await handler(post("1", { "x-request-timeout-ms": "0" }));
  assert.equal(response.status, 504);
  assert.equal((await response.json()).code, "deadline_exceeded");
  assert.equal(endpoint.calls.length, 0);
});

// P4: what a body takes to come counts, where it may take long
Deno.test("server() counts the time from the arrival of a large body's beginning", async () => {
  let left = 0;
  const handler = server((_: unknown, ctx) => {
    left = ctx.deadline! - Date.now();
    return Promise.resolve("x");
  });
  async function* slow() {
    yield bytes("1");
    const until = Date.now() + 20;
    while (Date.now() < until) await settled();
  }
  const response = await handler(
    new Request("http://localhost/", {
      method: "POST",
      headers: { "x-request-timeout-ms": "1000" },
      body: ReadableStream.from(slow()),
      duplex: "half",
    } as RequestInit),
  );
  assert.equal(await response.text(), `"x"`);
  assert(left <= 981, `${left}`);
});

Deno.test("server() takes the deadline from the header it is told, or from none", async () => {
  const deadline = (_: unknown, ctx: Context) => Promise.resolve(ctx.deadline !== undefined);
  for (
    const [deadlineHeader, expected] of [["x-mine", true], ["x-other", false], [
      false,
      false,
    ]] as const
  ) {
    const handler = server(deadline, { decode: () => undefined, deadlineHeader });
    const request = new Request("http://localhost/", {
      headers: { "x-mine": "100", "x-request-timeout-ms": "garbage" },
    });
    assert.equal(await (await handler(request)).json(), expected);
  }
});

// Sanitizers see a timer that is left.
Deno.test("server() leaves no timer behind when a call with a deadline is over", async () => {
  const handler = server((_: unknown, ctx) => Promise.resolve(ctx.signal.aborted), {
    decode: () => undefined,
  });
  const headers = { "x-request-timeout-ms": "600000" };
  const response = await handler(new Request("http://localhost/", { headers }));
  assert.equal(await response.text(), "false");
  await serving(handler as Handler, async (url) => {
    assert.equal(await (await fetch(url, { headers })).text(), "false");
  });
});

// HS6: work that outlives its call is detached, as the signal of a call may end with it
Deno.test("server() lets detached work go on after the answer, with its metadata", async () => {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const handler = server((_: unknown, ctx) => {
    const own = detach(withOutgoing(ctx, metadata(ctx.metadata)));
    answered.then(() => resolve(own.signal.aborted ? "aborted" : own.outgoing.get("x-id")));
    return Promise.resolve("x");
  }, { decode: () => undefined });
  await serving(handler as Handler, async (url) => {
    await (await fetch(url, { headers: { "x-id": "7" } })).text();
    answer();
    assert.equal(await soon(promise), "7");
  });
});

// S12, HS3: canary in message, stack, cause, headers and name
Deno.test("server() never shows what is inside an error", async () => {
  const secret = "hunter2";
  const errors: unknown[] = [
    new Error(secret, { cause: new Error(secret) }),
    Object.assign(new Error(secret), { code: "not_found", details: [{ secret }], retryAfterMs: 1 }),
    new KitError("internal", "Broken", { cause: new Error(secret) }),
    new HttpError(500, "Broken", { cause: secret }),
    new DOMException(secret, "AbortError"),
    new DOMException(secret, "TimeoutError"),
    new AggregateError([new Error(secret)], secret),
    secret,
    { message: secret, stack: secret },
    Symbol(secret),
    null,
    undefined,
  ];
  for (const error of errors) {
    const handler = server(() => Promise.reject(error), { decode: () => undefined });
    await serving(handler as Handler, async (url) => {
      const response = await fetch(url);
      assert(response.status >= 499);
      const wire = JSON.stringify([...response.headers]) + response.statusText +
        await response.text();
      assert(!wire.includes(secret), wire);
    });
  }
});

// W8 (D): a handler that throws is answered, and the connection lives
Deno.test("server() never rejects and never throws, whatever its hooks do", async () => {
  const bad = () => {
    throw new Error("x");
  };
  const hostile: unknown[] = [
    new HttpError(42, "x"),
    new HttpError(400, "x", { headers: { "x-a": "a\r\nx-b: c" } }),
    new HttpError(400, "x", { headers: { "a b": "c" } }),
    new KitError("not_found", "x", { details: [{ n: 1n }] }),
    new KitError("constructor" as "unknown", "x"),
    new KitError("ok" as "unknown", "x"),
    new KitError("unavailable", "x", { retryAfterMs: Infinity }),
    new KitError("unavailable", "x", { retryAfterMs: NaN }),
    Object.assign(new Error("x"), { statusCode: bad, headers: bad }),
  ];
  for (const error of hostile) {
    const handler = server(() => Promise.reject(error), {
      decode: () => undefined,
      onError: bad,
      finalizer: [bad],
    });
    const response = await handler(get());
    assert(response.status >= 400, String(response.status));
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.equal(response.headers.get("x-b"), null);
    await response.json();
  }
});

Deno.test("server() refuses options that make no sense", () => {
  for (const maxBytes of [0, -1, NaN]) assert.throws(() => server(echo, { maxBytes }), RangeError);
  assert.throws(() => server(echo, { deadlineHeader: "a b" }), TypeError);
  server(echo, { maxBytes: Infinity, deadlineHeader: false });
});
