import assert from "node:assert/strict";
import http2 from "node:http2";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import type { KitError } from "@kit/endpoint";
import { scripted } from "@kit/endpoint/testing";
import { bomb, bytes, chunked, HOST, post, Raw, serving, soon } from "./_support_test.ts";
import type { Handler } from "./handler.ts";
import { server, type ServerOptions } from "./server.ts";

/** What a server with these options makes of a request: what its endpoint got, or the problem. */
async function read(
  request: Request,
  options: ServerOptions<unknown, unknown> = {},
): Promise<{ status: number; got?: unknown; detail?: string; headers: Headers }> {
  const endpoint = scripted<unknown, unknown>(null);
  const response = await server(endpoint, { decompress: true, ...options })(request);
  const body = await response.json();
  const { status, headers } = response;
  assert.equal(endpoint.calls.length, status === 200 ? 1 : 0);
  return status === 200
    ? { status, headers, got: endpoint.calls[0]!.request }
    : { status, headers, detail: body.detail };
}

const good: [string, () => Request][] = [
  ["declared", () => post(`{"s":"ü"}`)],
  [
    "declared as a form, as curl -d does",
    () => post(`{"s":"ü"}`, { "content-type": "application/x-www-form-urlencoded" }),
  ],
  ["chunked", () => chunked([...bytes(`{"s":"ü"}`)].map((byte) => Uint8Array.of(byte)))],
  ["with a byte order mark", () => post(`\ufeff{"s":"ü"}`)],
  ["chunked with a byte order mark", () => chunked([bytes(`\ufeff{"s":"ü"}`)])],
  ["of coding identity", () => post(`{"s":"ü"}`, { "content-encoding": "identity" })],
  ["gzipped", () => post(new Uint8Array(gzipSync(`{"s":"ü"}`)), { "content-encoding": "gzip" })],
  [
    "of coding X-GZIP",
    () => post(new Uint8Array(gzipSync(`{"s":"ü"}`)), { "content-encoding": " X-GZIP " }),
  ],
  [
    "deflated",
    () => post(new Uint8Array(deflateSync(`{"s":"ü"}`)), { "content-encoding": "deflate" }),
  ],
  [
    "of coding br",
    () => post(new Uint8Array(brotliCompressSync(`{"s":"ü"}`)), { "content-encoding": "br" }),
  ],
  [
    "gzipped and chunked",
    () =>
      chunked([...gzipSync(`{"s":"ü"}`)].map((byte) => Uint8Array.of(byte)), {
        "content-encoding": "gzip",
      }),
  ],
];
for (const [name, request] of good) {
  for (const strict of [false, true]) {
    Deno.test(`server() reads JSON ${name}${strict ? " with strict" : ""}`, async () => {
      assert.deepEqual((await read(request(), { strict })).got, { s: "ü" });
    });
  }
}

const bad: [string, () => Request, number, RegExp][] = [
  ["no body", () => new Request("http://localhost/", { method: "POST" }), 400, /as it is empty$/],
  ["GET", () => new Request("http://localhost/"), 400, /as it is empty$/],
  ["an empty body", () => post(""), 400, /as it is empty$/],
  ["an empty chunked body", () => chunked([]), 400, /as it is empty$/],
  [
    "an empty gzip",
    () => post(new Uint8Array(gzipSync("")), { "content-encoding": "gzip" }),
    400,
    /as it is empty$/,
  ],
  ["half an object", () => post(`{"s":`), 400, /not JSON: it ends too early$/],
  [
    "half an object in pieces",
    () => chunked([bytes(`{"s`), bytes(`":`)]),
    400,
    /not JSON: it ends too early$/,
  ],
  ["text after the end", () => post(`{"s":1} x`), 400, /not JSON: error at position 8$/],
  ["a word", () => post(`hunter2`), 400, /as it is not JSON$/],
  [
    "damaged gzip",
    () => {
      const zipped = new Uint8Array(gzipSync(`{"s":"hello, world"}`));
      zipped[14]! ^= 0xff;
      return post(zipped, { "content-encoding": "gzip" });
    },
    400,
    /decompress body as it is damaged$/,
  ],
  [
    "half a gzip",
    () =>
      post(new Uint8Array(gzipSync(`{"s":"hello, world"}`)).slice(0, 20), {
        "content-encoding": "gzip",
      }),
    400,
    /as it is damaged$/,
  ],
  [
    "gzip that is none",
    () => post(`{"s":1}`, { "content-encoding": "gzip" }),
    400,
    /as it is damaged$/,
  ],
  [
    "brotli that is none",
    () => post(`{"s":1}`, { "content-encoding": "br" }),
    400,
    /as it is damaged$/,
  ],
  [
    "an unknown coding",
    () => post(`{}`, { "content-encoding": "zstd" }),
    415,
    /coding is not known$/,
  ],
  [
    "two codings",
    () => post(new Uint8Array(gzipSync(gzipSync(`{}`))), { "content-encoding": "gzip, gzip" }),
    415,
    /coding is not known$/,
  ],
  // S9
  [
    "coding constructor",
    () => post(`{}`, { "content-encoding": "constructor" }),
    415,
    /coding is not known$/,
  ],
  [
    "coding __proto__",
    () => post(`{}`, { "content-encoding": "__proto__" }),
    415,
    /coding is not known$/,
  ],
];
for (const [name, request, status, detail] of bad) {
  for (const strict of [false, true]) {
    Deno.test(`server() answers ${status} for ${name}${strict ? " with strict" : ""}`, async () => {
      const answer = await read(request(), { strict });
      assert.equal(answer.status, status);
      assert.match(answer.detail!, detail);
      assert(!answer.detail!.includes("hunter2"));
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
      assert.equal(answer.headers.has("accept-encoding"), status === 415);
    });
  }
}

// P12: without decompression there is no bomb
Deno.test("server() answers 415 for a compressed body unless told to decompress", async () => {
  const zipped = new Uint8Array(gzipSync(`{"s":1}`));
  for (const coding of ["gzip", "x-gzip", "gzip, gzip", "zstd", "__proto__"]) {
    const headers = { "content-encoding": coding };
    for (const strict of [false, true]) {
      for (const request of [post(zipped, headers), chunked([zipped], headers)]) {
        const answer = await read(request, { strict, decompress: false });
        assert.equal(answer.status, 415);
        assert.equal(answer.detail, "Cannot read body as it is compressed");
        assert.equal(answer.headers.get("accept-encoding"), "identity");
      }
    }
  }
  for (const coding of ["identity", "Identity ", ""]) {
    for (const request of [post("1", { "content-encoding": coding }), chunked([bytes("1")])]) {
      assert.equal((await read(request, { decompress: false })).got, 1);
    }
  }
});

// W2: what Go's decoder takes and a parser of the platform does not
Deno.test("server() with strict refuses invalid UTF-8 and keys that occur twice", async () => {
  const broken = () => new Uint8Array([...bytes(`{"s":"`), 0xff, ...bytes(`"}`)]);
  for (const request of [() => post(broken()), () => chunked([broken()])]) {
    assert.deepEqual((await read(request())).got, { s: "\ufffd" });
    const answer = await read(request(), { strict: true });
    assert.equal(answer.status, 400);
    assert.match(answer.detail!, /not UTF-8$/);
  }
  const twice = `{"s":1,"\\u0073":2}`;
  for (const request of [() => post(twice), () => chunked([bytes(twice)])]) {
    assert.deepEqual((await read(request())).got, { s: 2 });
    const answer = await read(request(), { strict: true });
    assert.equal(answer.status, 400);
    assert.match(answer.detail!, /key "s" occurs twice$/);
  }
});

Deno.test("server() with strict tells no more than the beginning of a key", async () => {
  const key = "k".repeat(100_000);
  const answer = await read(post(`{"${key}":1,"${key}":2}`), { strict: true });
  assert.equal(answer.status, 400);
  assert(answer.detail!.length < 200);
});

// S9, and section 7 of PROMISES
Deno.test("server() hands on __proto__ and constructor as plain keys", async () => {
  const answer = await read(post(`{"__proto__":{"admin":true},"constructor":1}`));
  assert.equal((answer.got as { admin?: boolean }).admin, undefined);
  assert.deepEqual(Object.keys(answer.got as object), ["__proto__", "constructor"]);
});

// P12
Deno.test("server() refuses a declared length over the limit before it reads", async () => {
  let isRead = false;
  for (const length of ["101", "4294967297", "1e9", "abc", "5, 5"]) {
    const request = new Request("http://localhost/", {
      method: "POST",
      headers: { "content-length": length },
      body: new ReadableStream({ pull: () => void (isRead = true) }, { highWaterMark: 0 }),
      duplex: "half",
    } as RequestInit);
    const answer = await read(request, { maxBytes: 100 });
    assert.equal(answer.status, 413, length);
    assert.match(answer.detail!, /more than 100 bytes/);
  }
  assert(!isRead);
});

// P12
Deno.test("server() cuts a body of unknown length off at the limit and cancels it", async () => {
  let sent = 0;
  let isCancelled = false;
  const request = new Request("http://localhost/", {
    method: "POST",
    body: new ReadableStream({
      pull(controller) {
        sent += 10;
        controller.enqueue(new Uint8Array(10).fill(0x20));
      },
      cancel: () => void (isCancelled = true),
    }, { highWaterMark: 0 }),
    duplex: "half",
  } as RequestInit);
  assert.equal((await read(request, { maxBytes: 100 })).status, 413);
  assert.equal(sent, 110);
  assert(isCancelled);
});

Deno.test("server() takes a body of exactly the limit", async () => {
  const text = JSON.stringify("x".repeat(98));
  const zipped = new Uint8Array(gzipSync(text));
  for (
    const request of [
      () => post(text),
      () => chunked([bytes(text)]),
      () => chunked([...bytes(text)].map((byte) => Uint8Array.of(byte))),
      () => post(zipped, { "content-encoding": "gzip" }),
    ]
  ) {
    assert.equal((await read(request(), { maxBytes: 100 })).status, 200);
    assert.equal((await read(request(), { maxBytes: 99 })).status, 413);
    assert.equal((await read(request(), { maxBytes: Infinity })).status, 200);
  }
});

// P12, S3: 256 MiB out of a few bytes
for (const coding of ["br", "gzip", "deflate"] as const) {
  Deno.test(`server() refuses a ${coding} bomb while it reads, in little time and memory`, async () => {
    const body = await bomb(coding, 256);
    // The modules are there already when a service has run for a while.
    await read(post(new Uint8Array(gzipSync("1")), { "content-encoding": "gzip" }));
    for (
      const request of [
        () => post(body, { "content-encoding": coding }),
        () => chunked([body], { "content-encoding": coding }),
      ]
    ) {
      const before = Deno.memoryUsage().rss;
      const begunAt = performance.now();
      const answer = await read(request());
      const ms = performance.now() - begunAt;
      const grown = (Deno.memoryUsage().rss - before) / 2 ** 20;
      assert.equal(answer.status, 413);
      // Twice what is promised, for the load of other tests; all of it would be 256 MiB and 700 ms.
      assert(grown <= 32, `${grown} MiB`);
      assert(ms <= 300, `${ms} ms`);
    }
  });
}

// P12: pieces of one byte must not cost more than their sum
Deno.test("server() keeps a body of small pieces small", async () => {
  const piece = Uint8Array.of(0x20);
  const before = Deno.memoryUsage().rss;
  const answer = await read(
    chunked(function* () {
      for (let i = 0; i < 200_000; i++) yield piece.slice();
      yield bytes("1");
    }()),
  );
  assert.equal(answer.got, 1);
  assert((Deno.memoryUsage().rss - before) / 2 ** 20 < 40);
});

Deno.test("server() answers 413 over the wire to a client that sends 5 MiB", async () => {
  const endpoint = scripted<unknown, unknown>(null);
  await serving(server(endpoint) as Handler, async (url) => {
    const big = new Uint8Array(5 << 20);
    for (const body of [big, ReadableStream.from([big])]) {
      const response = await fetch(url, { method: "POST", body });
      assert.equal(response.status, 413);
      assert.equal((await response.json()).code, "resource_exhausted");
    }
  });
  assert.equal(endpoint.calls.length, 0);
});

Deno.test("server() outlives a client that goes in the middle of its body", async () => {
  const { promise: told, resolve } = Promise.withResolvers<unknown>();
  const endpoint = scripted<unknown, unknown>(null);
  const handler = server(endpoint, { onError: resolve });
  for (
    const head of [
      "Content-Length: 100\r\n\r\n{",
      'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
    ]
  ) {
    await serving(handler as Handler, async (url, port) => {
      {
        using raw = await Raw.connect(port);
        await raw.write(`POST / HTTP/1.1\r\nHost: h\r\n${head}`);
      }
      const error = await soon(told) as KitError;
      assert.equal(error.code, "invalid_argument");
      assert.equal(error.message, "Cannot read body as it did not arrive whole");
      assert.equal(await fetch(url, { method: "POST", body: "1" }).then((r) => r.text()), "null");
    });
  }
});

// P12: the length that a request declares is the one it has
Deno.test("server() never gets a body that is longer than it was declared", async () => {
  const endpoint = scripted<unknown, unknown>(null);
  await serving(server(endpoint) as Handler, async (_, port) => {
    const session = http2.connect(`http://${HOST}:${port}`);
    const stream = session.request({ ":method": "POST", ":path": "/", "content-length": "2" });
    const closed = new Promise<void>((resolve) => stream.on("close", resolve));
    stream.on("error", () => {});
    stream.end(`{"much":"more than two bytes"}`);
    await soon(closed);
    session.destroy();
  });
  assert.equal(endpoint.calls.length, 0);
});

Deno.test("server() tells a host that asks whether the body is there", async () => {
  const seen: (boolean | undefined)[] = [];
  const info = { bodyReceived: true };
  const handler = server((_: unknown) => {
    seen.push(info.bodyReceived);
    return Promise.resolve(null);
  });
  const body = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>();
  const response = handler(
    new Request(
      "http://localhost/",
      { method: "POST", body: body.readable, duplex: "half" } as RequestInit,
    ),
    info,
  );
  seen.push(info.bodyReceived);
  const writer = body.writable.getWriter();
  await writer.write(bytes("1"));
  await writer.close();
  await (await response).text();
  assert.deepEqual(seen, [false, true]);
});
