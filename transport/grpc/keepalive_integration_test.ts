/**
 * A client finds out by its pings that its server is gone. It takes a while: a client must not ping
 * more often than every 10 seconds.
 */
import { background, delay } from "@kit/endpoint";
import assert from "node:assert/strict";
import { TcpProxy } from "../../sd/testdata/server_process.ts";
import { collect, methods, Pair } from "./_support_test.ts";
import { channel } from "./channel.ts";
import { client } from "./client.ts";
import { server } from "./server.ts";

Deno.test("client() fails with unavailable when its server answers no ping, and connects again", async () => {
  await using pair = await Pair.open([
    server(methods.unary, (n) => Promise.resolve(n)),
    server(methods.serverStream, (n, { signal }) =>
      Promise.resolve((async function* () {
        yield n;
        await delay(60_000, { signal });
      })())),
  ], { drainMs: 0 });
  await using proxy = new TcpProxy(pair.server.addr.port);
  using there = channel(`127.0.0.1:${proxy.port}`, {
    keepalive: { timeMs: 10_000, timeoutMs: 500 },
  });
  const stream = await client(there, methods.serverStream)(1, background());
  const begin = performance.now();
  const rest = collect(stream);
  const failed = assert.rejects(rest, { code: "unavailable" });
  await delay(200);
  proxy.blackhole();
  await failed;
  const ms = performance.now() - begin;
  assert(ms > 10_000 && ms < 12_500, `${ms} ms`);
  proxy.restore();
  assert.equal(await client(there, methods.unary)(7, background()), 7);
  assert.equal(proxy.accepted, 2);
});
