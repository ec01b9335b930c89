import assert from "node:assert/strict";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { contextKey, type KitError, withTimeout, withValue } from "@kit/endpoint";
import { answering, HOST, Raw, serving, soon } from "./_support_test.ts";
import { setHeader } from "./functions.ts";
import type { Handler } from "./handler.ts";
import { proxy, type ProxyOptions } from "./proxy.ts";

/** Runs a proxy in front of a handler. */
function proxied(
  origin: Handler,
  use: (url: string, port: number, origin: string) => Promise<void>,
  options: ProxyOptions = {},
): Promise<void> {
  return serving(
    origin,
    (base) => serving(proxy(base, options), (url, port) => use(url, port, base)),
  );
}

// RP1
Deno.test("proxy() passes status, headers and body through", async () => {
  await proxied(
    (request) =>
      new URL(request.url).pathname === "/hey"
        ? new Response("hey", {
          headers: [["x-a", "1"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]],
        })
        : new Response("nothing here", { status: 404, statusText: "Gone Fishing" }),
    async (url) => {
      const hey = await fetch(`${url}/hey`);
      assert.equal(hey.status, 200);
      assert.equal(hey.headers.get("x-a"), "1");
      assert.equal(hey.headers.get("content-length"), "3");
      assert.deepEqual(hey.headers.getSetCookie(), ["a=1", "b=2"]);
      assert.equal(await hey.text(), "hey");
      const missing = await fetch(`${url}/x`);
      assert.equal(missing.status, 404);
      assert.equal(await missing.text(), "nothing here");
    },
  );
});

// RP1
Deno.test("proxy() passes method and body on, be the length known or not", async () => {
  await proxied(
    async (request) =>
      new Response(
        `${request.method} ${await request.text()} ${request.headers.get("content-type")}`,
      ),
    async (url) => {
      const headers = { "content-type": "text/x" };
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        for (const body of ["hello", ReadableStream.from([new TextEncoder().encode("hello")])]) {
          const response = await fetch(url, { method, body, headers });
          assert.equal(await response.text(), `${method} hello text/x`);
        }
      }
      const big = "x".repeat(3_000_000);
      assert.equal(
        (await (await fetch(url, { method: "POST", body: big, headers })).text()).length,
        big.length + 12,
      );
    },
  );
});

// RP4
const joins: [string, string, string][] = [
  ["http://o", "/a", "http://o/a"],
  ["http://o/", "/a?b=1", "http://o/a?b=1"],
  ["http://o/api", "/", "http://o/api/"],
  ["http://o/api/", "/a", "http://o/api/a"],
  ["http://o/api?v=1", "/a?b=2", "http://o/api/a?v=1&b=2"],
  ["http://o/api?v=1", "/a", "http://o/api/a?v=1"],
  ["http://o", "/a%2fb/%C3%BC?x=%26", "http://o/a%2fb/%C3%BC?x=%26"],
  ["http://o", "//evil.test/a", "http://o//evil.test/a"],
  ["http://o/api", "/../admin", "http://o/api/admin"],
  ["http://o/api", "/%2e%2e/admin", "http://o/api/admin"],
  ["http://o/api", "/..\\..\\admin", "http://o/api/admin"],
  ["http://o:81/a b", "/c", "http://o:81/a%20b/c"],
];
for (const [base, path, url] of joins) {
  Deno.test(`proxy() sends ${path} of ${base} to ${url}`, async () => {
    const handler = proxy(base, { fetch: (url) => Promise.resolve(new Response(url)) });
    const request = new Proxy(new Request("http://h/"), {
      get: (target, name) => name === "url" ? `http://h${path}` : Reflect.get(target, name, target),
    });
    assert.equal(await (await handler(request)).text(), url);
  });
}

// RP2 (D: the context counts)
Deno.test("proxy() runs before in order, on the headers that the origin gets", async () => {
  const key = contextKey<string>("k");
  const seen: unknown[] = [];
  await proxied((request) => new Response(request.headers.get("x-set")), async (url) => {
    assert.equal(await (await fetch(url, { headers: { "x-set": "client" } })).text(), "proxy");
  }, {
    before: [
      (ctx, headers) => {
        seen.push(headers.get("x-set"));
        return withValue(ctx, key, "v");
      },
      (ctx, headers) => {
        seen.push(ctx.value(key));
        return setHeader("x-set", "proxy")(ctx, headers);
      },
    ],
  });
  assert.deepEqual(seen, ["client", "v"]);
});

// RP2 (D), P4
Deno.test("proxy() ends the request with the signal that before derives", async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  await proxied((request) => {
    request.signal.addEventListener("abort", () => end());
    return new Promise<Response>((resolve) => ended.then(() => resolve(new Response("late"))));
  }, async (url) => {
    const response = await fetch(url);
    assert.equal(response.status, 504);
    assert.equal((await response.json()).code, "deadline_exceeded");
    await soon(ended);
  }, { before: [(ctx) => withTimeout(ctx, 50)] });
});

// RP3, RP5
Deno.test("proxy() answers 502 when the origin cannot be reached, and tells onError", async () => {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const told: unknown[] = [];
  await serving(
    proxy(`http://${HOST}:${port}`, { onError: (error) => told.push(error) }),
    async (url) => {
      const response = await fetch(url);
      assert.equal(response.status, 502);
      const text = await response.text();
      assert.equal(JSON.parse(text).code, "unavailable");
      assert(!text.includes(String(port)));
    },
  );
  assert.equal((told[0] as KitError).message, "Cannot reach origin");
  assert((told[0] as KitError).cause instanceof TypeError);
});

// RP5
Deno.test("proxy() lets encodeError answer, and answers for hooks that throw", async () => {
  const fetch = () => Promise.reject(new TypeError("down"));
  const mine = proxy("http://o", {
    fetch,
    encodeError: () => new Response("mine", { status: 599 }),
  });
  assert.equal((await mine(new Request("http://h/"))).status, 599);
  const bad = () => {
    throw new Error("hunter2");
  };
  for (const options of [{ onError: bad }, { encodeError: bad }]) {
    const response = await proxy("http://o", { fetch, ...options })(new Request("http://h/"));
    assert.equal(response.status, 502);
    await response.body?.cancel();
  }
  const broken = await proxy("http://o", { fetch, before: [bad] })(new Request("http://h/"));
  assert.equal(broken.status, 500);
  assert(!(await broken.text()).includes("hunter2"));
});

// Section 7 of PROMISES
Deno.test("proxy() forwards no header of one hop, nor one that Connection names", async () => {
  const asked = await answering(
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive, x-named\r\nkeep-alive: timeout=5\r\n" +
      "x-named: 1\r\nproxy-authenticate: x\r\nx-kept: 1\r\n\r\nok",
    async (origin) => {
      await serving(proxy(origin), async (_, port) => {
        using raw = await Raw.connect(port);
        await raw.write(
          "POST / HTTP/1.1\r\nHost: front.test\r\nConnection: close, X-Mine,  X-Other \r\nX-Mine: 1\r\nX-Other: 1\r\n" +
            "Keep-Alive: x\r\nProxy-Authorization: x\r\nProxy-Connection: x\r\nTE: trailers\r\nTrailer: x\r\n" +
            "Upgrade: websocket\r\nX-Kept: 1\r\nContent-Length: 5\r\n\r\nhello",
        );
        const answer = await raw.readAll();
        assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
        assert.match(answer, /\r\nx-kept: 1\r\n/);
        assert(!/\r\n(?:x-named|keep-alive|proxy-authenticate):/i.test(answer), answer);
      });
    },
  );
  assert.match(asked, /\r\nx-kept: 1\r\n/);
  assert(
    !/\r\n(?:connection|x-mine|x-other|keep-alive|proxy-\w+|te|trailer|upgrade):/i.test(asked),
    asked,
  );
  // One way of telling how long the body is, never two
  assert(!(/\r\ncontent-length:/.test(asked) && /\r\ntransfer-encoding:/.test(asked)), asked);
  assert.match(asked, /hello/);
});

// RP4
Deno.test("proxy() tells the origin who asked, for whom and how", async () => {
  const asked = await answering(
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    async (origin) => {
      await serving(proxy(origin), async (_, port) => {
        using raw = await Raw.connect(port);
        await raw.write(
          "GET / HTTP/1.1\r\nHost: front.test:8080\r\nX-Forwarded-For: 10.0.0.1\r\nConnection: close\r\n\r\n",
        );
        await raw.readAll();
      });
    },
  );
  assert.match(asked, /\r\nx-forwarded-for: 10\.0\.0\.1, 127\.0\.0\.1\r\n/);
  assert.match(asked, /\r\nx-forwarded-host: front\.test:8080\r\n/);
  assert.match(asked, /\r\nx-forwarded-proto: http\r\n/);
  assert.match(asked, /\r\nhost: 127\.0\.0\.1:\d+\r\n/);
});

Deno.test("proxy() passes HEAD, 204, 205 and 304 through without a body", async () => {
  await proxied((request) => {
    const status = Number(new URL(request.url).pathname.slice(1));
    return status === 200
      ? new Response("hello", { headers: { etag: `"1"` } })
      : new Response(null, { status, headers: { etag: `"1"` } });
  }, async (url) => {
    const head = await fetch(`${url}/200`, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("content-length"), head.headers.get("etag")], [
      200,
      "5",
      `"1"`,
    ]);
    for (const status of [204, 205, 304]) {
      const response = await fetch(`${url}/${status}`);
      assert.deepEqual([response.status, response.headers.get("etag"), await response.text()], [
        status,
        `"1"`,
        "",
      ]);
    }
  });
});

Deno.test("proxy() gives redirects back to the caller", async () => {
  await proxied(() => Response.redirect("http://elsewhere.test/b", 307), async (url) => {
    const response = await fetch(url, { redirect: "manual" });
    assert.equal(response.status, 307);
    assert.equal(response.headers.get("location"), "http://elsewhere.test/b");
    await response.body?.cancel();
  });
});

// What fetch has undone must not be said to be there still, and what it has not must.
const text = JSON.stringify("hello, world ".repeat(20));
const codings: [string, (text: string) => Uint8Array][] = [
  ["gzip", gzipSync],
  ["GZIP", gzipSync],
  ["br", brotliCompressSync],
  ["deflate", deflateSync],
  ["x-gzip", gzipSync],
  ["gzip, gzip", (text) => gzipSync(gzipSync(text))],
  ["identity", (text) => new TextEncoder().encode(text)],
];
for (const [coding, encode] of codings) {
  Deno.test(`proxy() passes an answer of coding ${coding} through so that it can be read`, async () => {
    const body = new Uint8Array(encode(text));
    await proxied(
      () => new Response(body, { headers: { "content-encoding": coding } }),
      async (url, port) => {
        using raw = await Raw.connect(port);
        await raw.write(
          "GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
        );
        const isMarked = /\r\ncontent-encoding:/.test(await raw.readAll());
        const bytes = await (await fetch(url)).bytes();
        // With a mark that `fetch` knows the client undoes it, else the bytes are the origin's.
        const isText = new TextDecoder().decode(bytes) === text;
        assert(isText || bytes.length === body.length);
        assert.equal(isMarked, !/^(gzip|br)$/i.test(coding));
      },
    );
  });
}

Deno.test("proxy() streams both ways", async () => {
  await proxied((request) => new Response(request.body), async (url) => {
    const pieces = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>();
    const writer = pieces.writable.getWriter();
    const write = writer.write(Uint8Array.of(1));
    const response = await soon(fetch(url, { method: "POST", body: pieces.readable }));
    await write;
    const reader = response.body!.getReader();
    assert.deepEqual([...(await soon(reader.read())).value!], [1]);
    await writer.write(Uint8Array.of(2));
    assert.deepEqual([...(await soon(reader.read())).value!], [2]);
    await writer.close();
    assert((await reader.read()).done);
  });
});

// P4
Deno.test("proxy() ends the request to the origin when the client goes", async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const controller = new AbortController();
  await proxied((request) => {
    request.signal.addEventListener("abort", () => end());
    controller.abort();
    return new Promise<Response>((resolve) => ended.then(() => resolve(new Response("late"))));
  }, async (url) => {
    await assert.rejects(fetch(url, { signal: controller.signal }), { name: "AbortError" });
    await soon(ended);
  });
});

Deno.test("proxy() cancels the answer of the origin when the client leaves it", async () => {
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>();
  await proxied(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(1)),
        cancel: () => cancel(),
      }),
    ), async (url) => {
    const reader = (await fetch(url)).body!.getReader();
    await reader.read();
    await reader.cancel();
    await soon(cancelled);
  });
});

// HS13: what fetch cannot send is refused, not mangled
Deno.test("proxy() forwards no switch of protocols", async () => {
  await proxied(
    (request) => new Response(String(request.headers.has("upgrade"))),
    async (_, port) => {
      using raw = await Raw.connect(port);
      await raw.write(
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
      );
      assert.match(await raw.readAll(), /^HTTP\/1\.1 200 OK\r\n[^]*false$/);
    },
  );
});

Deno.test("proxy() refuses a base that is no URL of HTTP", () => {
  for (const base of ["", "/a", "ftp://o/", "file:///a", "o:80"]) {
    assert.throws(() => proxy(base), { name: "TypeError", message: /http or https URL/ });
  }
  proxy(new URL("https://o/"));
});
