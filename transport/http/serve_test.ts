import assert from "node:assert/strict";
import { type KitError, withTimeout } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import { HOST, Raw, soon } from "./_support_test.ts";
import type { Handler } from "./handler.ts";
import { routes } from "./routes.ts";
import { serve, type ServeOptions } from "./serve.ts";
import { server } from "./server.ts";

const LISTEN = `${HOST}:0`;

/** Serves while `use` runs, without a hold on the signals of the process. */
async function serving(
  handler: Handler,
  use: (url: string, port: number) => Promise<void>,
  options: ServeOptions = {},
): Promise<void> {
  await using running = serve(handler, { listen: LISTEN, signals: [], ...options });
  await use(`http://${HOST}:${running.addr.port}`, running.addr.port);
}

const ok: Handler = () => new Response("ok");

Deno.test("serve() listens on a port that is free, and tells it", async () => {
  await using running = serve(ok, { listen: LISTEN });
  assert.equal(running.addr.hostname, HOST);
  assert(running.addr.port > 0);
  assert.equal(await (await fetch(`http://${HOST}:${running.addr.port}`)).text(), "ok");
  await Promise.resolve();
});

Deno.test("serve() refuses a port in use and an address that is not its own", async () => {
  await serving(ok, (_, port) => {
    assert.throws(() => serve(ok, { listen: `${HOST}:${port}`, signals: [] }), {
      name: "KitError",
      code: "unavailable",
      message: `Cannot listen on "${HOST}:${port}" as it is in use`,
    });
    return Promise.resolve();
  });
  assert.throws(() => serve(ok, { listen: "192.0.2.1:0", signals: [] }), {
    code: "unavailable",
    message: `Cannot listen on "192.0.2.1:0" as ${
      Deno.permissions.querySync({ name: "net", host: "192.0.2.1" }).state === "granted"
        ? "this host has no such address"
        : "the process lacks the permission --allow-net"
    }`,
  });
});

const misuses: [string, ServeOptions, RegExp][] = [
  ["a bad address", { listen: "8080" }, /^TypeError: .*":port" or "host:port"/],
  ["a certificate without a key", { cert: "x" }, /^TypeError: .*both "cert" and "key"/],
  ["a key without a certificate", { key: "x" }, /^TypeError: .*both "cert" and "key"/],
  ["a certificate that is none", { listen: LISTEN, cert: "x", key: "y" }, /certificate or the key/],
  ["handlerTimeoutMs 0", { handlerTimeoutMs: 0 }, /^RangeError: /],
  ["bodyTimeoutMs NaN", { bodyTimeoutMs: NaN }, /^RangeError: /],
  ["drainMs -1", { drainMs: -1 }, /^RangeError: /],
  ["delayMs -1", { delayMs: -1 }, /^RangeError: /],
];
for (const [name, options, message] of misuses) {
  Deno.test(`serve() refuses ${name}`, () => {
    assert.throws(() => serve(ok, options), message);
  });
}

// R10, S1: RFC 9112 section 3.2
Deno.test("serve() answers 400 for a request without Host, unless told not to", async () => {
  for (const requireHost of [true, false]) {
    await serving(ok, async (_, port) => {
      using raw = await Raw.connect(port);
      await raw.write("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
      const answer = await raw.readAll();
      assert.match(answer, requireHost ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 200 /);
      if (requireHost) assert.match(answer, /application\/problem\+json[^]*no Host header/);
    }, { requireHost });
  }
});

Deno.test("serve() takes the host localhost when it is there", async () => {
  await serving(ok, async (_, port) => {
    for (const host of ["localhost", `localhost:${port}`, "localhost.example"]) {
      using raw = await Raw.connect(port);
      await raw.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      assert.match(await raw.readAll(), /^HTTP\/1\.1 200 /);
    }
  });
});

Deno.test("serve() with routes() answers 404 and 405 as problems", async () => {
  await serving(routes({ "POST /a": ok }), async (url) => {
    const missing = await fetch(`${url}/b`);
    assert.equal(missing.status, 404);
    assert.equal(missing.headers.get("content-type"), "application/problem+json");
    await missing.body?.cancel();
    const refused = await fetch(`${url}/a`);
    assert.equal(refused.status, 405);
    assert.equal(refused.headers.get("allow"), "POST");
    await refused.body?.cancel();
  });
});

// P11, S2, P4: 408 over the wire
Deno.test("serve() answers 408 to a body that stalls", async () => {
  const told: unknown[] = [];
  const { promise: failed, resolve } = Promise.withResolvers<void>();
  const handler = server((request: unknown) => Promise.resolve(request), {
    onError: (error) => {
      told.push((error as KitError).code);
      resolve();
    },
  });
  for (
    const head of ["Content-Length: 10\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"]
  ) {
    const clock = new FakeClock();
    await serving(handler as Handler, async (_, port) => {
      using raw = await Raw.connect(port);
      await raw.write(`POST / HTTP/1.1\r\nHost: h\r\n${head}`);
      // The runtime keeps the connection until the client leaves it.
      const answer = raw.read(/\}$/);
      while (clock.pending === 0) await settled();
      while (!await Promise.race([answer.then(() => true), settled().then(() => false)])) {
        clock.tick(1000);
      }
      assert.match(await answer, /^HTTP\/1\.1 408 [^]*connection: close/i);
    }, { bodyTimeoutMs: 4000, clock });
    // What waits for the body is told as well.
    await soon(failed);
  }
  assert.equal(told[0], "invalid_argument");
});

// P11, S2, P4: 504 over the wire, and the handler is told
for (const isLate of [false, true]) {
  const when = isLate ? "after" : "before";
  Deno.test(`serve() answers 504 for a handler that hangs and tells it, asking ${when}`, async () => {
    const clock = new FakeClock();
    const { promise: aborted, resolve } = Promise.withResolvers<unknown>();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const handler = server(async (_: unknown, ctx) => {
      if (isLate) await answered;
      else await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
      resolve(ctx.signal.reason);
    }, { decode: () => undefined });
    await serving(handler as Handler, async (url) => {
      const response = fetch(url);
      while (!await Promise.race([response.then(() => true), settled().then(() => false)])) {
        if (clock.pending > 0) clock.tick(1000);
      }
      assert.equal((await response).status, 504);
      await (await response).body?.cancel();
      answer();
      assert.equal(((await soon(aborted)) as KitError).code, "deadline_exceeded");
    }, { handlerTimeoutMs: 4000, clock });
  });
}

// P4
Deno.test("serve() tells the handler when the client goes", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const client = new AbortController();
  await serving(async (_, info) => {
    info!.signal!.addEventListener("abort", () => resolve());
    assert.equal(info!.signal, info!.signal);
    client.abort();
    await aborted;
    return new Response("late");
  }, async (url) => {
    await assert.rejects(fetch(url, { signal: client.signal }));
    await soon(aborted);
  });
});

// S12
Deno.test("serve() answers 500 for a handler that throws, and tells onError", async () => {
  const told: unknown[] = [];
  await serving(() => {
    throw new Error("password=hunter2");
  }, async (url) => {
    const response = await fetch(url);
    assert.equal(response.status, 500);
    assert(!(await response.text()).includes("hunter2"));
  }, { onError: (error) => told.push((error as Error).message) });
  assert.deepEqual(told, ["password=hunter2"]);
});

// S6, P10: in-process; the sanitizers see what is left open
Deno.test("serve() finishes what is in flight and refuses the rest when it is shut down", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const running = serve(async () => {
    begin();
    await gate;
    return new Response("done");
  }, { listen: LISTEN, signals: [] });
  const url = `http://${HOST}:${running.addr.port}`;
  const first = fetch(url);
  await begun;
  const finished = running.shutdown();
  assert.equal(running.shutdown(), running.finished);
  const refused = await fetch(url);
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).code, "unavailable");
  open();
  const response = await first;
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("connection"), "close");
  assert.equal(await response.text(), "done");
  assert(await finished);
  assert(await running.finished);
  await assert.rejects(fetch(url));
});

// S6
Deno.test("serve() goes on serving for delayMs before it stops", async () => {
  const clock = new FakeClock();
  const running = serve(ok, { listen: LISTEN, signals: [], delayMs: 5000, clock });
  const url = `http://${HOST}:${running.addr.port}`;
  const finished = running.shutdown();
  await clock.advance(4999);
  assert.equal(await (await fetch(url)).text(), "ok");
  await clock.advance(1);
  assert(await finished);
  assert.equal(clock.pending, 0);
});

// S6, G3
Deno.test("serve() cuts off after drainMs what has not ended, and tells so", async () => {
  const clock = new FakeClock();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const running = serve(() => {
    begin();
    return new Promise<Response>(() => {});
  }, { listen: LISTEN, signals: [], drainMs: 3000, clock });
  const call = fetch(`http://${HOST}:${running.addr.port}`);
  call.catch(() => {});
  await begun;
  let isFinished = false;
  running.finished.then(() => isFinished = true);
  running.shutdown();
  await clock.advance(2999);
  assert(!isFinished);
  await clock.advance(1);
  const isClean = await soon(running.finished);
  assert(!isClean);
  await assert.rejects(call);
  assert.equal(clock.pending, 0);
});

Deno.test("serve() finishes a body that is still coming when it is shut down", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const handler = server((request: unknown) => Promise.resolve(request)) as Handler;
  const running = serve((request, info) => {
    begin();
    return handler(request, info);
  }, { listen: LISTEN, signals: [] });
  const body = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>();
  const writer = body.writable.getWriter();
  const response = fetch(`http://${HOST}:${running.addr.port}`, {
    method: "POST",
    body: body.readable,
  });
  await writer.write(new TextEncoder().encode(`{"a":`));
  await begun;
  const finished = running.shutdown();
  await writer.write(new TextEncoder().encode("1}"));
  await writer.close();
  assert.deepEqual(await (await response).json(), { a: 1 });
  assert(await finished);
});

Deno.test("serve() finishes a stream that is still going when it is shut down", async () => {
  const body = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>();
  const writer = body.writable.getWriter();
  const running = serve(() => new Response(body.readable), { listen: LISTEN, signals: [] });
  const first = writer.write(Uint8Array.of(1));
  const response = await fetch(`http://${HOST}:${running.addr.port}`);
  await first;
  const finished = running.shutdown();
  await writer.write(Uint8Array.of(2));
  await writer.close();
  assert.deepEqual([...await response.bytes()], [1, 2]);
  assert(await finished);
});

/** Whether `openssl` is there. */
function hasOpenssl(): boolean {
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") return false;
  try {
    return new Deno.Command("openssl", { args: ["version"] }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "serve() serves TLS, HTTP/1.1 and HTTP/2, for the host name localhost too",
  ignore: !hasOpenssl(),
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      const run = async (...args: string[]) => {
        const { success, stderr } = await new Deno.Command("openssl", { args, cwd: dir }).output();
        assert(success, new TextDecoder().decode(stderr));
      };
      const subject = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
      await run(
        "req",
        "-x509",
        ...subject,
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-subj",
        "/CN=ca",
        "-days",
        "2",
      );
      await run(
        "req",
        ...subject,
        "-keyout",
        "key.pem",
        "-out",
        "leaf.csr",
        "-subj",
        "/CN=localhost",
      );
      await Deno.writeTextFile(
        `${dir}/ext`,
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
      );
      await run(
        "x509",
        "-req",
        "-in",
        "leaf.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-out",
        "cert.pem",
        "-days",
        "2",
        "-extfile",
        "ext",
      );
      const read = (name: string) => Deno.readTextFile(`${dir}/${name}`);
      const [cert, key, ca] = await Promise.all([
        read("cert.pem"),
        read("key.pem"),
        read("ca.pem"),
      ]);
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const { promise: gate, resolve: open } = Promise.withResolvers<void>();
      const running = serve(async (request) => {
        if (request.url.endsWith("/slow")) {
          begin();
          await gate;
        }
        return new Response("ok");
      }, { listen: LISTEN, signals: [], cert, key });
      const { port } = running.addr;
      for (const http2 of [true, false]) {
        using client = Deno.createHttpClient({ caCerts: [ca], http1: !http2, http2 });
        for (const host of [HOST, "localhost"]) {
          assert.equal(await (await fetch(`https://${host}:${port}/`, { client })).text(), "ok");
        }
      }
      // HTTP/2 has no `connection` header: the answers of a drain must do without.
      using client = Deno.createHttpClient({ caCerts: [ca], http1: false, http2: true });
      const slow = fetch(`https://localhost:${port}/slow`, { client });
      await begun;
      const finished = running.shutdown();
      const refused = await fetch(`https://localhost:${port}/`, { client });
      assert.equal(refused.status, 503);
      assert.equal(refused.headers.get("connection"), null);
      await refused.body?.cancel();
      open();
      assert.equal(await (await slow).text(), "ok");
      assert(await finished);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

// P4: the middleware's own timer costs no timer of the runtime, as the server's keeps one armed
Deno.test("serve() spares calls with a deadline a timer of the runtime each", async () => {
  const handler = server(async (_: unknown, ctx) => {
    using timed = withTimeout(ctx, 30_000);
    await settled();
    return timed.signal.aborted;
  }, { decode: () => undefined });
  await serving(handler as Handler, async (url) => {
    await (await fetch(url)).text();
    const { setTimeout } = globalThis;
    let armed = 0;
    globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
      armed++;
      return setTimeout(...args);
    }) as typeof setTimeout;
    try {
      for (let i = 0; i < 50; i++) assert.equal(await (await fetch(url)).text(), "false");
    } finally {
      globalThis.setTimeout = setTimeout;
    }
    assert(armed <= 5, `${armed} timers`);
  });
});
