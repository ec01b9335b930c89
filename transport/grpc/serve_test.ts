import { background, codeOf, type Context } from "@kit/endpoint";
import assert from "node:assert/strict";
import { freePort } from "../../sd/testdata/server_process.ts";
import { collect, eventually, methods, Pair, serving } from "./_support_test.ts";
import { certificates, hasOpenssl } from "./_tls_testing.ts";
import { channel } from "./channel.ts";
import { client } from "./client.ts";
import { peerCertificate } from "./keys.ts";
import { serve, type ServeOptions, type ServiceHost } from "./serve.ts";
import { server } from "./server.ts";

const echo = server(methods.unary, (n) => Promise.resolve(n));
const quiet: ServeOptions = { listen: "127.0.0.1:0", signals: [] };

Deno.test("serve() refuses options that make no sense", async () => {
  const bad: [ServeOptions, ErrorConstructor][] = [
    [{ listen: "nowhere" }, TypeError],
    [{ drainMs: -1 }, RangeError],
    [{ delayMs: -1 }, RangeError],
    [{ maxBytes: 0 }, RangeError],
    [{ maxStreams: 1.5 }, RangeError],
    [{ maxAgeMs: 0 }, RangeError],
    [{ maxAgeGraceMs: 0 }, RangeError],
    [{ maxIdleMs: NaN }, RangeError],
    [{ keepalive: { timeMs: 0 } }, RangeError],
    [{ keepalive: { timeoutMs: 0 } }, RangeError],
  ];
  for (const [options, error] of bad) {
    await assert.rejects(serve([echo], { ...quiet, ...options }), error, JSON.stringify(options));
  }
  await assert.rejects(serve([echo, echo], quiet), TypeError);
});

Deno.test("channel() refuses options that make no sense", () => {
  assert.throws(() => channel(""), TypeError);
  assert.throws(() => channel("a:1", { tls: { cert: "x" } }), TypeError);
  assert.throws(() => channel("a:1", { keepalive: { timeMs: 9999 } }), RangeError);
  assert.throws(() => channel("a:1", { maxBytes: 0 }), RangeError);
  assert.throws(() => channel("a:1", { reconnectMaxMs: 0 }), RangeError);
  using there = channel("a:1");
  assert.throws(() => client(there, methods.unary, { timeoutMs: 0 }), RangeError);
});

Deno.test("serve() rejects with unavailable when it cannot listen", async () => {
  await using running = await serve([echo], quiet);
  const listen = `127.0.0.1:${running.addr.port}`;
  await assert.rejects(serve([echo], { ...quiet, listen }), {
    code: "unavailable",
    message: `Cannot listen on "${listen}" as it is in use`,
  });
});

// S6, P10
Deno.test("serve() finishes what is in flight when it stops, and takes nothing more", async () => {
  const go = Promise.withResolvers<void>();
  const begun: string[] = [];
  await using pair = await Pair.open([
    server(methods.unary, async (n) => {
      begun.push("unary");
      await go.promise;
      return n;
    }),
    server(methods.bidi, (stream) => {
      begun.push("bidi");
      return Promise.resolve(stream);
    }),
  ]);
  const slow = client(pair.channel, methods.unary)(7, background());
  const source = async function* () {
    yield 1;
    await go.promise;
    yield 2;
  };
  const stream = await client(pair.channel, methods.bidi)(source(), background());
  await eventually(() => begun.length === 2);
  const stopped = pair.server.shutdown();
  using other = channel(`127.0.0.1:${pair.server.addr.port}`);
  await assert.rejects(client(other, methods.unary)(1, background()), { code: "unavailable" });
  go.resolve();
  assert.equal(await slow, 7);
  assert.deepEqual(await collect(stream), [1, 2]);
  assert(await stopped);
  assert(await pair.server.finished);
  assert.equal(begun.length, 2);
});

// S6, P10, P4
Deno.test("serve() cuts off what is still in flight at drainMs, and tells both sides", async () => {
  const contexts: Context[] = [];
  let ended = 0;
  await using pair = await Pair.open([
    server(methods.unary, (_, ctx) => {
      contexts.push(ctx);
      return new Promise(() => {});
    }),
    server(methods.serverStream, (_, ctx) => {
      contexts.push(ctx);
      return Promise.resolve((async function* () {
        try {
          for (let i = 0;; i++) {
            yield i;
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        } finally {
          ended++;
        }
      })());
    }),
  ], { drainMs: 50 });
  const hung = client(pair.channel, methods.unary)(1, background()).catch((error) => error);
  const endless = collect(await client(pair.channel, methods.serverStream)(1, background()))
    .catch((error) => error);
  await eventually(() => contexts.length === 2);
  const begunAt = performance.now();
  assert(!(await pair.server.shutdown()));
  assert(performance.now() - begunAt < 1000);
  assert.equal(codeOf(await hung), "unavailable");
  assert.equal(codeOf(await endless), "unavailable");
  for (const ctx of contexts) assert.equal(codeOf(ctx.signal.reason), "unavailable");
  await eventually(() => ended === 1);
});

// S6
Deno.test("serve() stops in time for a client that does not read", async () => {
  const big = { serialize: (b: Uint8Array) => b, deserialize: (b: Uint8Array) => b };
  const { serverStream } = await import("./method.ts");
  const method = serverStream("/t.T/Big", { request: big, response: big });
  let ended = 0;
  await using pair = await Pair.open([
    server(method, () =>
      Promise.resolve((async function* () {
        try {
          for (;;) yield new Uint8Array(65536);
        } finally {
          ended++;
        }
      })())),
  ], { drainMs: 50 });
  const stream = await client(pair.channel, method)(new Uint8Array(), background());
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  assert(!(await pair.server.shutdown()));
  await eventually(() => ended === 1);
  await iterator.return?.();
});

Deno.test("serve() tells services of its bindings and of its stop, and serves them", async () => {
  let host: ServiceHost | undefined;
  const order: string[] = [];
  const running = await serve([server(methods.bidi, (s) => Promise.resolve(s))], {
    ...quiet,
    delayMs: 30,
    services: [(found) => {
      host = found;
      found.stopping.addEventListener("abort", () => order.push("stopping"));
      return [echo];
    }],
  });
  using there = channel(`127.0.0.1:${running.addr.port}`);
  assert.deepEqual(host!.bindings.map(({ method }) => method.path), [
    methods.bidi.path,
    methods.unary.path,
  ]);
  const call = client(there, methods.unary);
  assert.equal(await call(1, background()), 1);
  const stopped = running.shutdown();
  assert.deepEqual(order, ["stopping"]);
  // Within delayMs it still serves.
  assert.equal(await call(2, background()), 2);
  assert(await stopped);
});

// P10, G2
Deno.test("client() finds a server again that was restarted, and loses only what was in flight", async () => {
  const port = freePort();
  using there = channel(`127.0.0.1:${port}`, { reconnectMinMs: 20, reconnectMaxMs: 100 });
  const call = client(there, methods.unary);
  for (let i = 0; i < 5; i++) {
    const running = await serve(
      [server(methods.unary, (n) => n < 0 ? new Promise(() => {}) : Promise.resolve(n))],
      { ...quiet, listen: `127.0.0.1:${port}`, drainMs: i % 2 === 0 ? 0 : 1000 },
    );
    await eventually(async () => await call(i, background()) === i, { withinMs: 2000 });
    if (i % 2 === 0) {
      const lost = call(-1, background()).catch((error) => error);
      await new Promise((resolve) => setTimeout(resolve, 10));
      await running.shutdown();
      assert.equal(codeOf(await lost), "unavailable");
    } else assert(await running.shutdown());
  }
});

// P10
Deno.test("serve() loses no call of a client that sends more while it stops", async () => {
  const answer = async (n: number) => {
    await new Promise((resolve) => setTimeout(resolve, n % 3));
    return n;
  };
  const bindings = [server(methods.unary, answer)];
  let running = await Promise.all([serve(bindings, quiet), serve(bindings, quiet)]);
  for (let round = 0; round < 10; round++) {
    const targets = running.map(({ addr }) => `127.0.0.1:${addr.port}`).join();
    using there = channel(`ipv4:${targets}`, { balance: "round_robin" });
    const call = client(there, methods.unary);
    await Promise.all(Array.from({ length: 8 }, (_, n) => call(n, background())));
    const stopped = running[0].shutdown();
    let isStopped = false;
    stopped.then(() => isStopped = true);
    do await Promise.all(Array.from({ length: 8 }, (_, n) => call(n, background()))); while (
      !isStopped
    );
    assert(await stopped);
    running = [running[1], await serve(bindings, quiet)];
  }
  for (const one of running) await one.shutdown();
});

// P10
Deno.test("serve() rotates connections at maxAgeMs, and loses no call but to its connection", async () => {
  await using there = await serving(methods.unary, (n) => Promise.resolve(n), {
    serve: { maxAgeMs: 50, maxAgeGraceMs: 1000 },
  });
  const end = performance.now() + 500;
  const outcomes: (number | string)[] = [];
  while (performance.now() < end) {
    const calls = [1, 2, 3, 4].map((n) => there.call(n, background()).catch(codeOf));
    outcomes.push(...await Promise.all(calls));
  }
  // grpc-js ends a connection in one step, so that a call on its way to it may be too late.
  const failed = outcomes.filter((outcome) => typeof outcome === "string");
  assert(failed.every((code) => code === "unavailable"), failed.join());
  assert(failed.length < outcomes.length / 4, `${failed.length} of ${outcomes.length}`);
});

Deno.test("serve() lets a connection have maxStreams calls at once, the rest wait", async () => {
  let running = 0;
  let most = 0;
  await using there = await serving(methods.unary, async (n) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    return n;
  }, { serve: { maxStreams: 3 } });
  await there.call(0, background());
  const all = Array.from({ length: 12 }, (_, i) => i);
  assert.deepEqual(await Promise.all(all.map((n) => there.call(n, background()))), all);
  assert(most <= 3, String(most));
});

Deno.test("channel() shares its connection, over one of the two ways to balance", async () => {
  const a = await serve([server(methods.unary, () => Promise.resolve(1))], quiet);
  const b = await serve([server(methods.unary, () => Promise.resolve(2))], quiet);
  const target = `ipv4:127.0.0.1:${a.addr.port},127.0.0.1:${b.addr.port}`;
  for (const balance of ["pick_first", "round_robin"] as const) {
    using there = channel(target, { balance });
    const call = client(there, methods.unary);
    const seen = new Set<number>();
    await eventually(async () => {
      seen.add(await call(0, background()));
      return seen.size === (balance === "pick_first" ? 1 : 2);
    });
  }
  await a.shutdown();
  await b.shutdown();
});

Deno.test({
  name: "serve() and channel() speak TLS, and check each other's certificates",
  ignore: !hasOpenssl,
  async fn() {
    const { ca, signed: [own, caller] } = await certificates("server", "caller");
    const { ca: otherCa, signed: [stranger] } = await certificates("stranger");
    const names: (string | undefined)[] = [];
    const who = server(methods.unary, (n, ctx) => {
      const name = ctx.value(peerCertificate)?.subject.CN;
      names.push(Array.isArray(name) ? name[0] : name);
      return Promise.resolve(n);
    });
    const attempt = async (
      clientCa: string | undefined,
      tls: Parameters<typeof channel>[1] & object,
    ): Promise<string> => {
      const mine = { cert: own!.cert, key: own!.key, ...(clientCa ? { clientCa } : {}) };
      await using running = await serve([who], { ...quiet, tls: mine });
      using there = channel(`localhost:${running.addr.port}`, tls);
      return await client(there, methods.unary)(1, background()).then(String, codeOf);
    };
    assert.equal(await attempt(undefined, { tls: { ca } }), "1");
    assert.equal(await attempt(undefined, { tls: { ca: otherCa } }), "unavailable");
    assert.equal(await attempt(undefined, {}), "unavailable");
    assert.equal(await attempt(ca, { tls: { ca, ...caller } }), "1");
    assert.equal(await attempt(ca, { tls: { ca } }), "unavailable");
    assert.equal(await attempt(ca, { tls: { ca, ...stranger } }), "unavailable");
    assert.deepEqual(names, [undefined, "caller"]);
  },
});
