import { background, codeOf, delay } from "@kit/endpoint";
import assert from "node:assert/strict";
import { once } from "node:events";
import { eventually, TcpProxy } from "../../sd/testdata/server_process.ts";
import { frame, RawClient } from "./_raw_testing.ts";
import { methods, Pair } from "./_support_test.ts";
import { channel } from "./channel.ts";
import { client } from "./client.ts";
import type { ServeOptions } from "./serve.ts";
import { server } from "./server.ts";

const one = frame(new TextEncoder().encode("1"));

/** A server whose calls last as many milliseconds as they say; `ended` is told how. */
function open(options: ServeOptions, ended: string[] = []): Promise<Pair> {
  const binding = server(methods.unary, async (ms, { signal }) => {
    await delay(ms, { signal });
    return ms;
  }, { finalizer: [(_, error) => ended.push(error === undefined ? "ok" : codeOf(error))] });
  return Pair.open([binding], options);
}

Deno.test("serve() drops a client that answers no ping, and its calls", async () => {
  const ended: string[] = [];
  await using pair = await open({ keepalive: { timeMs: 100, timeoutMs: 50 } }, ended);
  await using proxy = new TcpProxy(pair.server.addr.port);
  await using raw = new RawClient(proxy.port);
  assert.equal((await raw.call(methods.unary.path, {}, one)).trailer["grpc-status"], "0");
  const call = raw.call(methods.unary.path, {}, frame(new TextEncoder().encode("60000")));
  await delay(30);
  const begin = performance.now();
  proxy.blackhole();
  await eventually(() => ended.length === 2, { withinMs: 2000 });
  assert(performance.now() - begin < 1000);
  assert.deepEqual(ended, ["ok", "cancelled"]);
  proxy.restore();
  await call;
});

Deno.test("serve() keeps a client that answers its pings, with calls and without", async () => {
  const ended: string[] = [];
  await using pair = await open({ keepalive: { timeMs: 20, timeoutMs: 500 } }, ended);
  await using raw = new RawClient(pair.server.addr.port);
  let pings = 0;
  raw.session.on("ping", () => pings++);
  const answer = await raw.call(methods.unary.path, {}, frame(new TextEncoder().encode("200")));
  assert.equal(answer.trailer["grpc-status"], "0");
  await delay(200);
  assert(!raw.session.closed && pings >= 5, `${pings} pings`);
});

Deno.test("serve() closes a connection after maxIdleMs without calls, and takes the next", async () => {
  await using pair = await open({ maxIdleMs: 100 });
  await using raw = new RawClient(pair.server.addr.port);
  const closed = once(raw.session, "close");
  const goaway = once(raw.session, "goaway");
  const begin = performance.now();
  // A call that lasts longer does not count as idle.
  const answer = await raw.call(methods.unary.path, {}, frame(new TextEncoder().encode("250")));
  assert.equal(answer.trailer["grpc-status"], "0");
  assert.equal((await goaway)[0], 0);
  await closed;
  const ms = performance.now() - begin;
  assert(ms >= 340 && ms < 2000, `${ms} ms`);
});

Deno.test("client() outlives connections that are closed while idle", async () => {
  await using pair = await open({ maxIdleMs: 50 });
  await using proxy = new TcpProxy(pair.server.addr.port);
  using there = channel(`127.0.0.1:${proxy.port}`);
  for (let i = 1; i <= 3; i++) {
    assert.equal(await client(there, methods.unary)(1, background()), 1);
    assert.equal(proxy.accepted, i);
    await delay(150);
  }
});
