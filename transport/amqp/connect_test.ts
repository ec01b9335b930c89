import assert from "node:assert/strict";
import { background, codeOf, type KitError } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import { soon } from "./_support_testing.ts";
import { Broker } from "./_memory_broker.ts";
import { client } from "./client.ts";
import { connect } from "./connect.ts";
import type { ConnectionStatus } from "./connection.ts";
import { publish } from "./publish.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";

Deno.test("connect() opens nothing before it is used, and one link for all", async () => {
  const broker = new Broker();
  const statuses: ConnectionStatus[] = [];
  const connection = broker.connect({ onStatus: (status) => statuses.push(status) });
  assert.equal(connection.status, "idle");
  await settled();
  assert.equal(broker.dials, 0);
  await Promise.all([connection.ready(), connection.ready()]);
  await connection.ready();
  assert.equal(broker.dials, 1);
  await connection[Symbol.asyncDispose]();
  await connection[Symbol.asyncDispose]();
  assert.deepEqual(statuses, ["connecting", "connected", "closed"]);
  await assert.rejects(connection.ready(), { code: "unavailable" });
});

Deno.test("connect() that was never used is closed without being opened", async () => {
  const broker = new Broker();
  const connection = broker.connect();
  await connection[Symbol.asyncDispose]();
  assert.deepEqual([connection.status, broker.dials], ["closed", 0]);
  await assert.rejects(connection.ready(), { code: "unavailable" });
});

// CM3 in spirit: R1, S20
Deno.test("connect() tries again with growing pauses, and tells when", async () => {
  const broker = new Broker();
  broker.isDown = true;
  const clock = new FakeClock();
  const errors: unknown[] = [];
  await using connection = broker.connect({
    clock,
    random: () => 1,
    minBackoffMs: 100,
    maxBackoffMs: 350,
    onError: (error) => errors.push(error),
  });
  await assert.rejects(connection.ready(), { code: "unavailable" });
  await settled();
  assert.equal(connection.status, "waiting");
  await clock.advance(40);
  const error = await connection.ready().then(() => undefined, (error) => error as KitError);
  assert.equal(error?.code, "unavailable");
  assert.equal(Math.round(error!.retryAfterMs!), 60);
  const dials: number[] = [];
  for (const ms of [59, 1, 199, 1, 349, 1, 349, 1]) {
    await clock.advance(ms);
    dials.push(broker.dials);
  }
  assert.deepEqual(dials, [1, 2, 2, 3, 3, 4, 4, 5]);
  assert.equal(errors.length, 5);
  broker.isDown = false;
  await clock.advance(350);
  await connection.ready();
  assert.equal(connection.status, "connected");
});

Deno.test("connect() leaves half of a pause to chance", async () => {
  const broker = new Broker();
  broker.isDown = true;
  const clock = new FakeClock();
  await using connection = broker.connect({ clock, random: () => 0, minBackoffMs: 100 });
  await assert.rejects(connection.ready());
  await clock.advance(49);
  assert.equal(broker.dials, 1);
  await clock.advance(1);
  assert.equal(broker.dials, 2);
});

Deno.test("connect() opens again at once what lasted, and after a pause what did not", async () => {
  const broker = new Broker();
  const clock = new FakeClock();
  await using connection = broker.connect({ clock, random: () => 1, minBackoffMs: 100 });
  await connection.ready();
  await clock.advance(1000);
  broker.cut();
  await settled();
  assert.deepEqual([connection.status, broker.dials], ["connected", 2]);
  broker.cut();
  await settled();
  assert.deepEqual([connection.status, broker.dials], ["waiting", 2]);
  await clock.advance(100);
  assert.deepEqual([connection.status, broker.dials], ["connected", 3]);
});

Deno.test("connect() has calls wait for the attempt that is under way", async () => {
  const broker = new Broker();
  await using connection = broker.connect({ topology: { queues: { q: {} } } });
  const opening = connection.ready();
  assert.equal(connection.status, "connecting");
  await publish(connection, { key: "q" })(1, background());
  await opening;
  assert.equal(broker.dials, 1);
});

Deno.test("connect() declares the topology anew with every link", async () => {
  const broker = new Broker();
  await using connection = broker.connect({
    topology: {
      exchanges: { events: {}, dead: { type: "fanout" } },
      queues: { q: { deadLetter: { exchange: "dead" } }, graveyard: {} },
      bindings: [
        { exchange: "events", queue: "q", key: "order.*" },
        { exchange: "dead", queue: "graveyard" },
      ],
    },
    minBackoffMs: 1,
  });
  await connection.ready();
  broker.queues.clear();
  broker.exchanges.clear();
  broker.cut();
  while (broker.links.size === 0 || broker.queues.size === 0) {
    await new Promise((r) => setTimeout(r, 1));
  }
  await settled();
  assert.deepEqual([...broker.queues.keys()], ["q", "graveyard"]);
  assert.equal(broker.exchanges.get("events")?.type, "topic");
  const send = publish(connection, { exchange: "events", key: "order.paid" });
  await send(7, background());
  assert.equal(broker.queues.get("q")?.messages.length, 1);
});

Deno.test("connect() fails as the broker refuses a declaration, and tries again", async () => {
  const broker = new Broker();
  broker.exchanges.set("events", { type: "fanout", bindings: [] });
  const errors: unknown[] = [];
  await using connection = broker.connect({
    topology: { exchanges: { events: { type: "direct" } } },
    onError: (error) => errors.push(error),
    minBackoffMs: 1,
  });
  await assert.rejects(connection.ready(), {
    code: "failed_precondition",
    message: 'Cannot declare exchange "events" as the broker refuses it',
  });
  broker.exchanges.clear();
  while (connection.status !== "connected") await new Promise((r) => setTimeout(r, 1));
  assert.equal(codeOf(errors[0]), "failed_precondition");
});

Deno.test("connect() survives hooks that throw", async () => {
  const broker = new Broker();
  const fail = () => {
    throw new Error("hook");
  };
  await using connection = broker.connect({ onStatus: fail, onError: fail, minBackoffMs: 1 });
  await connection.ready();
  broker.cut();
  while (broker.dials < 2) await new Promise((r) => setTimeout(r, 1));
});

Deno.test("connect() leaves no timer when it is closed between two attempts", async () => {
  const broker = new Broker();
  broker.isDown = true;
  const clock = new FakeClock();
  const connection = broker.connect({ clock });
  const running = serve(connection, { q: server((n: number) => Promise.resolve(n)) }, { clock });
  await settled();
  assert.equal(clock.pending, 1);
  await soon(running.shutdown());
  await assert.rejects(running.ready, { code: "unavailable" });
  await soon(connection[Symbol.asyncDispose]());
  assert.equal(clock.pending, 0);
});

Deno.test("connect() rejects with unavailable where nobody listens", async () => {
  await using connection = connect("amqp://127.0.0.1:1");
  await assert.rejects(connection.ready(), { code: "unavailable" });
  const call = client<number, number>(connection, { key: "q" });
  await assert.rejects(call(1, background()), { code: "unavailable" });
});

Deno.test("connect() gives up on a broker that says nothing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  await using connection = connect(`amqp://127.0.0.1:${listener.addr.port}`, {
    connectTimeoutMs: 50,
  });
  await assert.rejects(soon(connection.ready()), { code: "unavailable" });
  (await accepted).close();
});

Deno.test("connect() can be closed while a broker says nothing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connection = connect(`amqp://127.0.0.1:${listener.addr.port}`);
  const opening = connection.ready();
  const accepted = await listener.accept();
  await soon(connection[Symbol.asyncDispose]());
  await assert.rejects(opening, { code: "unavailable" });
  accepted.close();
});

for (
  const [what, bytes] of [
    ["speaks HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["declares 2 GiB", "\x01\x00\x00\x7f\xff\xff\xffxxxxxxxx"],
    ["sends garbage", "\xff".repeat(100)],
    ["closes at once", ""],
  ] as const
) {
  Deno.test(`connect() rejects with unavailable when the peer ${what}`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const peer = (async () => {
      using accepted = await listener.accept();
      await accepted.read(new Uint8Array(8));
      if (bytes === "") return;
      await accepted.write(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
      await accepted.read(new Uint8Array(8)).catch(() => {});
    })();
    await using connection = connect(`amqp://127.0.0.1:${listener.addr.port}`, {
      connectTimeoutMs: 1000,
    });
    await assert.rejects(soon(connection.ready()), { code: "unavailable" });
    await connection[Symbol.asyncDispose]();
    await peer;
  });
}

Deno.test("connect() refuses what cannot be, and tells no password", () => {
  assert.throws(() => connect("nonsense:hunter2@"), (error: Error) => {
    assert(error instanceof TypeError && !error.message.includes("hunter2"));
    return true;
  });
  assert.throws(() => connect("http://localhost"), TypeError);
  assert.throws(() => connect("amqp://localhost", { heartbeatMs: -1 }), RangeError);
  assert.throws(() => connect("amqp://localhost", { connectTimeoutMs: 0 }), RangeError);
  assert.throws(() => connect("amqp://localhost", { minBackoffMs: 0 }), RangeError);
  assert.throws(() => connect("amqp://localhost", { maxBackoffMs: Number.NaN }), RangeError);
});
