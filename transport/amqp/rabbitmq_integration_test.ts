// Kit's AMQP transport on a real RabbitMQ, and with Go kit and pika, each as client and as server.
import assert from "node:assert/strict";
import {
  background,
  type Context,
  delay,
  KitError,
  metadata,
  withOutgoing,
  withTimeout,
} from "@kit/endpoint";
import { eventually, TcpProxy } from "../../sd/testdata/server_process.ts";
import { soon, textOf } from "./_support_testing.ts";
import { client } from "./client.ts";
import { connect, type ConnectOptions } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { parseGoKitErrorReply } from "./error_reply.ts";
import { setDeliveryMode, setPriority } from "./functions.ts";
import type { DeliveryHandler } from "./handler.ts";
import type { Delivery } from "./message.ts";
import { publish } from "./publish.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";
import { RABBITMQ, RabbitMq } from "./testdata/rabbitmq.ts";
import type { QueueOptions, Topology } from "./topology.ts";

const GOKIT = Deno.env.get("KIT_AMQP_GOKIT");
const PIKA = Deno.env.get("KIT_PIKA");

const rabbit = RABBITMQ === undefined ? undefined : await RabbitMq.start();
globalThis.addEventListener("unload", () => rabbit?.end());

function test(name: string, fn: () => Promise<void>, needs: [string, unknown][] = []): void {
  const missing = [["KIT_RABBITMQ", RABBITMQ], ...needs].filter(([, found]) => found === undefined);
  const why = missing.length === 0 ? "" : ` (no ${missing.map(([what]) => what).join(" and ")})`;
  Deno.test({ name: `${name}${why}`, ignore: why !== "", fn });
}

let numbers = 0;

/** A connection with one queue, which goes away with the broker. */
function connected(
  options: ConnectOptions & { url?: string; queue?: QueueOptions; more?: Topology } = {},
): { connection: Connection; queue: string } {
  const { url = rabbit!.url, more = {}, ...rest } = options;
  const queue = `q${++numbers}`;
  const own = { [queue]: { durable: false, ...options.queue } };
  const connection = connect(url, {
    ...rest,
    topology: { ...more, queues: { ...more.queues, ...own } },
  });
  return { connection, queue };
}

interface Word {
  readonly s: string;
}

const word = {
  "~standard": {
    version: 1 as const,
    vendor: "me",
    validate: (value: unknown) =>
      typeof (value as Word | null)?.s === "string"
        ? { value: value as Word }
        : { issues: [{ message: "must be text", path: ["s"] }] },
  },
};

const uppercase = server((request: Word, ctx: Context) => {
  switch (request.s) {
    case "missing":
      return Promise.reject(new KitError("not_found", `Cannot find "missing"`));
    case "secret":
      return Promise.reject(new Error("password=hunter2"));
    case "busy":
      return Promise.reject(
        new KitError("unavailable", "Busy", { retryAfterMs: 2500, details: [{ a: 1 }] }),
      );
  }
  return Promise.resolve({
    v: request.s.toUpperCase(),
    id: ctx.metadata.get("x-request-id"),
    list: ctx.metadata.getAll("list"),
    isTimed: ctx.deadline !== undefined,
  });
}, { schema: word });

/** Runs a peer to its end, and reads what it writes. */
async function run(program: string, args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(program, {
    args,
    env: PIKA === undefined ? {} : { PYTHONPATH: PIKA },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Runs a peer that serves, while `use` runs. */
async function serving(program: string, args: string[], use: () => Promise<void>): Promise<void> {
  const child = new Deno.Command(program, {
    args,
    env: PIKA === undefined ? {} : { PYTHONPATH: PIKA },
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    assert.equal((await soon(reader.read(), 20_000)).value?.trim(), "ready");
    await use();
  } finally {
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
  }
}

const PEER = new URL("testdata/pika/peer.py", import.meta.url).pathname;

test("client() and serve() call over RabbitMQ, metadata, deadline and errors included", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  await using running = serve(connection, { [queue]: uppercase });
  await running.ready;
  const call = client<Word, { v: string; id?: string; isTimed: boolean }>(connection, {
    key: queue,
  });
  const ctx = withOutgoing(background(), metadata({ "x-request-id": "7", list: ["a", "b"] }));
  assert.deepEqual(await call({ s: "hello" }, ctx), {
    v: "HELLO",
    id: "7",
    list: ["a", "b"],
    isTimed: true,
  });
  await assert.rejects(call({ s: "missing" }, ctx), {
    code: "not_found",
    message: `Cannot find "missing"`,
  });
  await assert.rejects(call({ s: "secret" }, ctx), { code: "unknown", message: "Unknown error" });
  await assert.rejects(call({ s: "busy" }, ctx), {
    code: "unavailable",
    retryAfterMs: 2500,
    details: [{ a: 1 }],
  });
  const results = await Promise.all(
    Array.from({ length: 500 }, (_, n) => call({ s: `w${n}` }, ctx)),
  );
  assert.deepEqual(results.map(({ v }) => v), results.map((_, n) => `W${n}`));
  const large = "ä".repeat(500_000);
  assert.equal((await call({ s: large }, ctx)).v.length, large.length);
});

test("client() rejects at once where RabbitMQ finds no queue or no exchange", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  const slow = server((n: number) => delay(100).then(() => n));
  await using running = serve(connection, { [queue]: slow });
  await running.ready;
  const call = client<number, number>(connection, { key: queue });
  const others = [1, 2, 3].map((n) => call(n, background()));
  const startedAt = performance.now();
  const lost = client<Word, unknown>(connection, { key: "nobody" });
  await assert.rejects(lost({ s: "" }, background()), { code: "unavailable" });
  const nowhere = client<Word, unknown>(connection, { exchange: "nowhere", key: queue });
  await assert.rejects(nowhere({ s: "" }, background()), { code: "unavailable" });
  assert(performance.now() - startedAt < 2000);
  // Whoever calls rightly does not suffer: the broker has closed no channel over it.
  assert.deepEqual(await Promise.all(others), [1, 2, 3]);
});

test("client() does not wait for TCP to gather more", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  await using _running = serve(connection, { [queue]: uppercase });
  const call = client<Word, unknown>(connection, { key: queue });
  await call({ s: "a" }, background());
  const startedAt = performance.now();
  for (let i = 0; i < 50; i++) await call({ s: "a" }, background());
  // It would be 40 ms a call.
  assert(performance.now() - startedAt < 1000);
});

test("client() has RabbitMQ drop requests that nobody waits for any more", async () => {
  const { connection, queue } = connected({ queue: { deadLetter: { exchange: "", key: "late" } } });
  await using _connection = connection;
  const dead: Delivery[] = [];
  await using other = connect(rabbit!.url, { topology: { queues: { late: { durable: false } } } });
  await using running = serve(other, {
    late: (delivery) => {
      dead.push(delivery);
      return Promise.resolve({ reply: undefined, error: undefined });
    },
  });
  await running.ready;
  using ctx = withTimeout(background(), 100);
  const call = client<Word, unknown>(connection, { key: queue });
  await assert.rejects(soon(call({ s: "a" }, ctx)), { code: "deadline_exceeded" });
  await eventually(() => dead.length === 1);
  assert.equal(dead[0]!.headers["x-first-death-reason"], "expired");
});

test("publish() resolves when RabbitMQ has confirmed, and rejects what it refuses", async () => {
  const { connection, queue } = connected({
    queue: { maxLength: 2, arguments: { "x-overflow": "reject-publish" } },
    more: {
      exchanges: { events: { durable: false } },
      bindings: [{ exchange: "events", queue: `q${numbers + 1}`, key: "order.#" }],
    },
  });
  await using _connection = connection;
  const send = publish<number>(connection, { exchange: "events", key: "order.paid.late" });
  await send(1, background());
  await send(2, background());
  await assert.rejects(send(3, background()), { code: "resource_exhausted" });
  const unheard = { exchange: "events", key: "user" };
  await assert.rejects(publish(connection, unheard)(1, background()), { code: "unavailable" });
  await publish(connection, { ...unheard, mandatory: false })(1, background());
  const seen: string[] = [];
  await using _running = serve(connection, {
    [queue]: (delivery) => {
      seen.push(`${delivery.key} ${textOf(delivery)} ${delivery.properties.deliveryMode}`);
      return Promise.resolve({ reply: undefined, error: undefined });
    },
  });
  await eventually(() => seen.length === 2);
  assert.deepEqual(seen, ["order.paid.late 1 2", "order.paid.late 2 2"]);
});

test("publish() waits while more is sent than the connection takes", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  const send = publish<string>(connection, { key: queue, before: [setDeliveryMode(1)] });
  const body = "x".repeat(4000);
  await Promise.all(Array.from({ length: 5000 }, () => send(body, background())));
  let seen = 0;
  await using _running = serve(connection, { [queue]: server(() => Promise.resolve(seen++)) });
  await eventually(() => seen === 5000);
});

test("serve() gives poison to the dead letter exchange of RabbitMQ", async () => {
  for (const type of ["classic", "quorum"]) {
    const dead: string[] = [];
    const graveyard = `dead-${type}`;
    const { connection, queue } = connected({
      queue: { type, durable: true, deadLetter: { exchange: "graves", key: type } },
      more: {
        exchanges: { graves: { type: "direct" } },
        queues: { [graveyard]: {} },
        bindings: [{ exchange: "graves", queue: graveyard, key: type }],
      },
    });
    await using _connection = connection;
    let calls = 0;
    await using _running = serve(connection, {
      [queue]: server((s: string) => {
        calls++;
        return Promise.reject(new KitError(s === "later" ? "unavailable" : "internal", "x"));
      }),
      [graveyard]: (delivery) => {
        dead.push(textOf(delivery));
        return Promise.resolve({ reply: undefined, error: undefined });
      },
    }, { requeueDelayMs: 1 });
    const send = publish<string>(connection, { key: queue });
    await send("poison", background());
    await eventually(() => dead.length === 1);
    assert.equal(calls, 1);
    await send("later", background());
    await eventually(() => dead.length === 2);
    assert.deepEqual([dead, calls], [[`"poison"`, `"later"`], 3]);
  }
});

test("serve() gives up at drainMs what does not end, and RabbitMQ delivers it again", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  const begun = Promise.withResolvers<void>();
  const running = serve(connection, {
    [queue]: server(async (_: string, ctx: Context) => {
      begun.resolve();
      await delay(60_000, { signal: ctx.signal });
    }),
  }, { drainMs: 50 });
  await running.ready;
  await publish(connection, { key: queue })("a", background());
  await begun.promise;
  assert(!(await soon(running.shutdown())));
  const seen: Delivery[] = [];
  const take: DeliveryHandler = (delivery) => {
    seen.push(delivery);
    return Promise.resolve({ reply: undefined, error: undefined });
  };
  await using _next = serve(connection, { [queue]: take });
  await eventually(() => seen.length === 1);
  assert(seen[0]?.redelivered);
});

test("serve() finishes and replies to what it has begun when it stops on RabbitMQ", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  const slow = server(async (n: number) => {
    await delay(20);
    return n;
  });
  const call = client<number, number>(connection, { key: queue });
  const first = serve(connection, { [queue]: slow }, { prefetch: 4 });
  await first.ready;
  const results = Array.from({ length: 40 }, (_, n) => call(n, background()));
  await delay(30);
  assert(await soon(first.shutdown()));
  await using _second = serve(connection, { [queue]: slow });
  assert.deepEqual(await soon(Promise.all(results)), results.map((_, n) => n));
});

// R1, "reconnect without losing the subscription"
test("serve() and client() go on after the connection was cut again and again", async () => {
  await using proxy = new TcpProxy(rabbit!.port);
  const url = `amqp://127.0.0.1:${proxy.port}`;
  const { connection, queue } = connected({ url, minBackoffMs: 10, maxBackoffMs: 50 });
  await using _connection = connection;
  await using _running = serve(connection, { [queue]: uppercase });
  const call = client<Word, { v: string }>(connection, { key: queue, timeoutMs: 2000 });
  for (let i = 0; i < 5; i++) {
    await eventually(async () => (await call({ s: "a" }, background())).v === "A");
    const pending = Array.from({ length: 20 }, () => call({ s: "b" }, background()));
    proxy.cut();
    for (const result of await Promise.allSettled(pending)) {
      if (result.status === "rejected") assert.equal(result.reason.code, "unavailable");
    }
    proxy.restore();
  }
  await eventually(async () => (await call({ s: "a" }, background())).v === "A");
});

test("connect() notices by heartbeats that RabbitMQ has gone silent", async () => {
  await using proxy = new TcpProxy(rabbit!.port);
  const url = `amqp://127.0.0.1:${proxy.port}`;
  const { connection, queue } = connected({ url, heartbeatMs: 1000, minBackoffMs: 10 });
  await using _connection = connection;
  await using _running = serve(connection, { [queue]: uppercase });
  const call = client<Word, { v: string }>(connection, { key: queue, timeoutMs: 30_000 });
  assert.equal((await call({ s: "a" }, background())).v, "A");
  proxy.blackhole();
  const startedAt = performance.now();
  await assert.rejects(soon(call({ s: "b" }, background()), 20_000), { code: "unavailable" });
  const tookMs = performance.now() - startedAt;
  assert(tookMs > 900 && tookMs < 5000, String(tookMs));
  proxy.restore();
  const soonEnough = client<Word, { v: string }>(connection, { key: queue, timeoutMs: 1000 });
  await eventually(async () => (await soonEnough({ s: "c" }, background())).v === "C", {
    withinMs: 20_000,
  });
});

test("connect() can be closed while RabbitMQ is silent", async () => {
  await using proxy = new TcpProxy(rabbit!.port);
  const { connection, queue } = connected({ url: `amqp://127.0.0.1:${proxy.port}` });
  const running = serve(connection, { [queue]: uppercase }, { drainMs: 50 });
  await running.ready;
  const call = client<Word, { v: string }>(connection, { key: queue });
  assert.equal((await call({ s: "a" }, background())).v, "A");
  proxy.blackhole();
  const pending = call({ s: "b" }, background());
  const refused = assert.rejects(pending, { code: "unavailable" });
  const startedAt = performance.now();
  await running.shutdown();
  await connection[Symbol.asyncDispose]();
  await refused;
  assert(performance.now() - startedAt < 6000);
});

test("connect() says goodbye to RabbitMQ, which takes no time", async () => {
  const { connection } = connected();
  await connection.ready();
  const startedAt = performance.now();
  await connection[Symbol.asyncDispose]();
  assert(performance.now() - startedAt < 1000);
});

test("connect() tells of a password that RabbitMQ does not take, and not which", async () => {
  const url = rabbit!.url.replace("//", "//guest:hunter2@");
  await using connection = connect(url);
  await assert.rejects(connection.ready(), (error: KitError) => {
    assert.equal(error.code, "permission_denied");
    assert(!error.message.includes("hunter2"));
    return true;
  });
});

test("serve() has its subscriptions back when RabbitMQ was killed and started again", async () => {
  await using own = await RabbitMq.start();
  const { connection, queue } = connected({
    url: own.url,
    queue: { durable: true },
    minBackoffMs: 10,
    maxBackoffMs: 200,
  });
  await using _connection = connection;
  const seen: string[] = [];
  await using running = serve(connection, {
    [queue]: server((s: string) => {
      seen.push(s);
      return Promise.resolve(s);
    }),
  });
  await running.ready;
  const call = client<string, string>(connection, { key: queue });
  assert.equal(await call("a", background()), "a");
  const pending = client<string, string>(connection, { key: "nobody-yet" });
  await assert.rejects(pending("a", background()), { code: "unavailable" });
  await own.kill();
  await assert.rejects(call("b", background()), { code: "unavailable" });
  await own.start();
  await eventually(async () => await call("c", background()) === "c", { withinMs: 30_000 });
  // What was confirmed outlives the restart.
  await running.shutdown();
  await publish<string>(connection, { key: queue })("kept", background());
  await own.kill();
  await own.start();
  await using _again = serve(connection, {
    [queue]: server((s: string) => Promise.resolve(seen.push(s))),
  });
  await eventually(() => seen.includes("kept"), { withinMs: 30_000 });
});

test("serve() declares and consumes again a queue that was deleted on RabbitMQ", async () => {
  const { connection, queue } = connected({ minBackoffMs: 10 });
  await using _connection = connection;
  await using running = serve(connection, { [queue]: uppercase });
  await running.ready;
  const { connect: connectBare } = await import("amqplib");
  const bare = await connectBare(rabbit!.url);
  await (await bare.createChannel()).deleteQueue(queue);
  await bare.close();
  const call = client<Word, { v: string }>(connection, { key: queue, timeoutMs: 1000 });
  await eventually(async () => (await call({ s: "a" }, background())).v === "A");
});

test("serve() goes on after a message with headers nested 12000 deep, sent by pika", async () => {
  const { connection, queue } = connected({
    queue: { deadLetter: { exchange: "", key: "unreadable" } },
    more: { queues: { unreadable: { durable: false } } },
  });
  await using _connection = connection;
  let lost = 0;
  await using watched = connect(rabbit!.url, { onError: () => lost++ });
  const seen: unknown[] = [];
  await using running = serve(watched, {
    [queue]: (delivery, info) => {
      seen.push(delivery.headers);
      return server((s: string) => Promise.resolve(s))(delivery, info);
    },
  });
  await connection.ready();
  await running.ready;
  await run("python3", [PEER, "nested", String(rabbit!.port), queue]);
  await eventually(() => seen.length === 1);
  await publish(connection, { key: queue })("next", background());
  await eventually(() => seen.length === 2);
  assert.equal(lost, 0);
}, [["KIT_PIKA", PIKA]]);

interface GoAnswer {
  readonly body: string;
  readonly contentType: string;
  readonly headers: Record<string, unknown> | null;
  readonly sameId: boolean;
  readonly err?: string;
}

// AP2, AS2, AS3
test("serve() answers Go kit's publisher", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  await using running = serve(connection, { [queue]: uppercase });
  await running.ready;
  const answers: GoAnswer[] = JSON.parse(await run(GOKIT!, ["client", rabbit!.url, queue]));
  const [hello, empty, missing, secret, busy, garbage] = answers.map((answer) => ({
    ...answer,
    body: JSON.parse(answer.body),
  }));
  assert(answers.every(({ sameId, err }) => sameId && err === undefined));
  assert.deepEqual(hello!.body, { v: "HELLO", id: "a1b2", list: [], isTimed: true });
  assert.equal(hello!.contentType, "application/json");
  assert.equal(empty!.body.v, "");
  assert.deepEqual(missing!.body, { err: `Cannot find "missing"` });
  assert.deepEqual(missing!.headers, { "kit-error-code": "not_found" });
  assert.deepEqual(secret!.body, { err: "Unknown error" });
  assert.deepEqual(busy!.headers, {
    "kit-error-code": "unavailable",
    "kit-error-details": `[{"a":1}]`,
    "kit-retry-after-ms": "2500",
  });
  assert.deepEqual(garbage!.body, { err: "Cannot decode body as it is not JSON" });
  assert(!JSON.stringify(answers).includes("hunter2"));
}, [["KIT_AMQP_GOKIT", GOKIT]]);

// AP1, AP4, AS3
test("client() calls Go kit's subscriber", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  await connection.ready();
  await serving(GOKIT!, ["server", rabbit!.url, queue], async () => {
    const call = client<Word, unknown>(connection, {
      key: queue,
      decodeError: parseGoKitErrorReply,
    });
    const ctx = withOutgoing(background(), metadata({ "x-request-id": "a1b2" }));
    assert.deepEqual(await call({ s: "hello" }, ctx), {
      v: "HELLO",
      id: "a1b2",
      kind: "application/json",
      timed: true,
    });
    await assert.rejects(call({ s: "missing" }, ctx), { code: "unknown", message: "no such word" });
    const garbage = client<Word, unknown>(connection, {
      key: queue,
      decodeError: parseGoKitErrorReply,
      encode: (_, message) => void (message.body = new TextEncoder().encode("{")),
    });
    await assert.rejects(garbage({ s: "" }, ctx), { code: "unknown" });
    const results = Array.from({ length: 100 }, (_, n) => call({ s: `w${n}` }, background()));
    const found = await Promise.all(results) as { v: string }[];
    assert.deepEqual(found.map(({ v }) => v), results.map((_, n) => `W${n}`));
  });
}, [["KIT_AMQP_GOKIT", GOKIT]]);

test("serve() answers pika, headers both ways", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  await using running = serve(connection, { [queue]: uppercase });
  await running.ready;
  const text = await run("python3", [PEER, "client", String(rabbit!.port), queue]);
  const answers: { id: string; type: string; headers: Record<string, unknown>; body: string }[] =
    JSON.parse(text);
  assert.deepEqual(answers.map(({ id }) => id), answers.map((_, i) => `call-${i}`));
  assert.deepEqual(answers.map(({ type }) => type), answers.map(() => "application/json"));
  assert.deepEqual(JSON.parse(answers[0]!.body), {
    v: "HELLO",
    id: "a1b2",
    list: ["a", "b"],
    isTimed: true,
  });
  assert.deepEqual(answers.map(({ headers }) => headers["kit-error-code"]), [
    undefined,
    "not_found",
    "unknown",
    "unavailable",
    "invalid_argument",
    "invalid_argument",
    "deadline_exceeded",
  ]);
  assert(!text.includes("hunter2"));
}, [["KIT_PIKA", PIKA]]);

test("client() calls pika, properties and headers both ways", async () => {
  const { connection, queue } = connected();
  await using _connection = connection;
  await connection.ready();
  await serving("python3", [PEER, "server", String(rabbit!.port), queue], async () => {
    const seen: Delivery[] = [];
    const call = client<Word, Record<string, unknown>>(connection, {
      key: queue,
      before: [setDeliveryMode(2), setPriority(3)],
      after: [(ctx, reply) => {
        seen.push(reply);
        return ctx;
      }],
    });
    const ctx = withOutgoing(background(), metadata({ "x-request-id": "7", list: ["a", "b"] }));
    const { headers, ...rest } = await call({ s: "hello" }, ctx);
    assert.deepEqual(rest, {
      v: "HELLO",
      type: "application/json",
      mode: 2,
      priority: 3,
      expires: true,
    });
    const { "x-request-timeout-ms": left, ...sent } = headers as Record<string, unknown>;
    assert.deepEqual(sent, { "x-request-id": "7", list: ["a", "b"] });
    assert(Number(left) > 9000);
    const [reply] = seen;
    assert.deepEqual({ ...reply!.headers }, { "x-served-by": "pika", n: 7, list: ["a", "b"] });
    await assert.rejects(call({ s: "missing" }, ctx), {
      code: "not_found",
      message: "no such word",
      details: [{ word: "missing" }],
      retryAfterMs: 250,
    });
  });
}, [["KIT_PIKA", PIKA]]);
