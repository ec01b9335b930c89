import assert from "node:assert/strict";
import { background, withTimeout } from "@kit/endpoint";
import { soon } from "../http/_support_test.ts";
import { remoteAddress } from "../http/keys.ts";
import { enframe } from "./_inbox.ts";
import { endpoints, Gauntlet, HOST, processor, serving } from "./_support_test.ts";
import * as thrift from "./mod.ts";

const { methods } = Gauntlet;

Deno.test("client() tells who encodes wrongly which field it is", async () => {
  using connection = thrift.connect(`${HOST}:1`);
  await assert.rejects(endpoints(connection).slow({ ms: 2 ** 31 }, background()), {
    code: "invalid_argument",
    message: 'Cannot encode arguments of "slow" as field "ms" is wrong: it must be an integer ' +
      "from -2147483648 to 2147483647: current value is 2147483648",
  });
});

Deno.test("client() keeps its time over TCP, while it waits for a socket as well", async () => {
  await using running = serving(processor());
  using connection = thrift.connect(`${HOST}:${running.addr.port}`, { maxSockets: 1 });
  const { slow, ping } = endpoints(connection);
  const first = slow({ ms: 60 }, background());
  using ctx = withTimeout(background(), 10);
  await assert.rejects(ping({}, ctx), { code: "deadline_exceeded" });
  assert.equal(await first, 60);
  const timed = thrift.client(connection, methods.slow, { timeoutMs: 10 });
  await assert.rejects(timed({ ms: 50 }, background()), { code: "deadline_exceeded" });
  assert.equal(await ping({}, background()), undefined);
});

Deno.test("connect() opens no more sockets than it may, and uses them again", async () => {
  let most = 0;
  const addresses = new Set<unknown>();
  let running = 0;
  const own = processor({
    slow: async ({ ms }, ctx) => {
      most = Math.max(most, ++running);
      addresses.add(ctx.value(remoteAddress));
      await new Promise((resolve) => setTimeout(resolve, ms));
      running--;
      return ms;
    },
  });
  await using server = serving(own);
  using connection = thrift.connect(`${HOST}:${server.addr.port}`, { maxSockets: 3 });
  const { slow } = endpoints(connection);
  await Promise.all(Array.from({ length: 30 }, () => slow({ ms: 1 }, background())));
  assert.equal(most, 3);
  assert.equal(addresses.size, 3);
});

Deno.test("connect() opens a socket for who waits when another call has cost its own", async () => {
  await using running = serving(processor());
  using connection = thrift.connect(`${HOST}:${running.addr.port}`, { maxSockets: 1 });
  const { slow, ping } = endpoints(connection);
  using ctx = withTimeout(background(), 10);
  const late = assert.rejects(slow({ ms: 50 }, ctx), { code: "deadline_exceeded" });
  assert.equal(await soon(ping({}, background())), undefined);
  await late;
});

Deno.test("connect() fails calls in flight and waiting ones when it is disposed of", async () => {
  await using running = serving(processor());
  const connection = thrift.connect(`${HOST}:${running.addr.port}`, { maxSockets: 1 });
  const { slow, ping } = endpoints(connection);
  const calls = [slow({ ms: 200 }, background()), ping({}, background())];
  const all = Promise.allSettled(calls);
  await new Promise((resolve) => setTimeout(resolve, 10));
  connection[Symbol.dispose]();
  for (const result of await all) {
    assert.equal((result as PromiseRejectedResult).reason.code, "unavailable");
  }
  await assert.rejects(ping({}, background()), { code: "unavailable" });
});

Deno.test("connect() opens another socket when the server has closed the one that lay idle", async () => {
  const first = serving(processor());
  const { port } = first.addr;
  using connection = thrift.connect(`${HOST}:${port}`);
  const { find } = endpoints(connection);
  assert.equal(await find({ id: "a" }, background()), "found a");
  await first.shutdown();
  await using _second = serving(processor(), { listen: `${HOST}:${port}` });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await find({ id: "b" }, background()), "found b");
});

/** Answers the first call on each connection with fixed bytes. */
async function answering(reply: Uint8Array, use: (address: string) => Promise<void>) {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  const served = (async () => {
    for await (const socket of listener) {
      await socket.read(new Uint8Array(4096));
      await socket.write(reply);
      while (await socket.read(new Uint8Array(64)).catch(() => null) !== null);
      socket.close();
    }
  })();
  await use(`${HOST}:${listener.addr.port}`);
  listener.close();
  await served;
}

const bad: readonly (readonly [string, string, RegExp])[] = [
  ["of another method", "80010002 00000004 66696e64 00000001 00", /of another method/],
  ["of another call", "80010002 00000004 70696e67 00000009 00", /of another call/],
  ["that is a call", "80010001 00000004 70696e67 00000001 00", /neither a reply nor/],
  ["that is garbage", "ff".repeat(40), /binary version/],
];
for (const [name, bytes, why] of bad) {
  Deno.test(`client() refuses a reply ${name}`, async () => {
    await answering(Uint8Array.fromHex(bytes.replaceAll(" ", "")), async (address) => {
      using connection = thrift.connect(address);
      await assert.rejects(soon(Promise.resolve(endpoints(connection).ping({}, background()))), {
        code: "internal",
        message: why,
      });
    });
  });
}

Deno.test("client() refuses a reply without a result, and one over the limit", async () => {
  const empty = Uint8Array.fromHex("80010002000000 0466696e640000000100".replaceAll(" ", ""));
  const isFramed = true;
  await answering(enframe(empty, isFramed), async (address) => {
    using connection = thrift.connect(address, { framed: true });
    await assert.rejects(endpoints(connection).find({ id: "x" }, background()), {
      code: "internal",
      message: /it has no result/,
    });
  });
  await answering(Uint8Array.fromHex("00001001"), async (address) => {
    using connection = thrift.connect(address, { framed: true, maxBytes: 4096 });
    await assert.rejects(endpoints(connection).ping({}, background()), {
      code: "resource_exhausted",
      message: /more than 4096 bytes/,
    });
  });
});
