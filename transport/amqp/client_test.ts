import assert from "node:assert/strict";
import {
  background,
  type Context,
  contextKey,
  KitError,
  metadata,
  withOutgoing,
  withSignal,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { settled } from "@kit/endpoint/testing";
import { brokerWith, bytes, soon, textOf } from "./_support_testing.ts";
import { client } from "./client.ts";
import { parseGoKitErrorReply } from "./error_reply.ts";
import {
  setContentEncoding,
  setContentType,
  setCorrelationId,
  setDeliveryMode,
  setExchange,
  setHeader,
  setKey,
  setPriority,
} from "./functions.ts";
import type { DeliveryHandler } from "./handler.ts";
import type { Delivery } from "./message.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";

/** Answers nothing, and keeps what came. */
function collecting(): DeliveryHandler & { seen: Delivery[] } {
  const seen: Delivery[] = [];
  return Object.assign((delivery: Delivery) => {
    seen.push(delivery);
    return Promise.resolve({ reply: undefined, error: undefined });
  }, { seen });
}

const echo = server((request: unknown) => Promise.resolve(request));

// AP3, AP1
Deno.test("client() runs its steps in Go kit's order and threads the context", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  await using _serving = serve(connection, { q: echo });
  const notes: string[] = [];
  const step = contextKey<string>("step");
  const note = (ctx: Context, text: string) => {
    notes.push(`${text}(${ctx.value(step) ?? ""})`);
    return withValue(ctx, step, text);
  };
  const call = client<string, string>(connection, {
    key: "q",
    encode: (request, message, ctx) => {
      note(ctx, "encode");
      message.body = bytes(request);
    },
    before: [(ctx) => note(ctx, "before1"), (ctx, { body }) => {
      assert.equal(body.length, 3);
      return note(ctx, "before2");
    }],
    after: [(ctx, reply) => note(ctx, `after1 ${textOf(reply)} `), (ctx) => note(ctx, "after2")],
    decode: (reply, ctx) => {
      note(ctx, "decode");
      return textOf(reply);
    },
    finalizer: [(ctx) => void note(ctx, "finalizer1"), (ctx) => void note(ctx, "finalizer2")],
  });
  assert.equal(await call(`"a"`, background()), `"a"`);
  assert.deepEqual(notes, [
    "encode()",
    "before1()",
    "before2(before1)",
    `after1 "a" (before2)`,
    `after2(after1 "a" )`,
    "decode(after2)",
    "finalizer1(after2)",
    "finalizer2(after2)",
  ]);
});

// AP3
Deno.test("client() rejects with what encode and decode throw", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  await using _serving = serve(connection, { q: echo });
  const fail = () => Promise.reject(new Error("err!"));
  const errors: unknown[] = [];
  const finalizer = [(_: Context, error: unknown) => void errors.push((error as Error).message)];
  const encoding = client<number, number>(connection, { key: "q", encode: fail, finalizer });
  await assert.rejects(encoding(1, background()), { message: "err!" });
  const decoding = client<number, number>(connection, { key: "q", decode: fail, finalizer });
  await assert.rejects(decoding(1, background()), { message: "err!" });
  assert.deepEqual(errors, ["err!", "err!"]);
});

// AP3
Deno.test("client() rejects with deadline_exceeded when no reply comes in time", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  const call = client<number, number>(connection, { key: "q", timeoutMs: 20 });
  await assert.rejects(soon(call(1, background())), { code: "deadline_exceeded" });
});

// AP3, NP3
Deno.test("client() sends its time of ten seconds as header and as expiration", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  const handler = collecting();
  await using _serving = serve(connection, { q: handler });
  using ctx = withTimeout(background(), 60_000);
  using cancelled = withSignal(ctx, AbortSignal.timeout(5));
  await assert.rejects(client<number, number>(connection, { key: "q" })(1, cancelled));
  const [delivery] = handler.seen;
  const left = Number(delivery?.headers["x-request-timeout-ms"]);
  assert(left > 9000 && left <= 10_000, String(left));
  assert.equal(delivery?.properties.expiration, String(left));
});

Deno.test("client() sends no time when it has none, and none when told so", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  const handler = collecting();
  await using _serving = serve(connection, { q: handler });
  const calls = [
    client<number, number>(connection, { key: "q", timeoutMs: Infinity }),
    client<number, number>(connection, { key: "q", deadlineHeader: false }),
  ];
  for (const call of calls) {
    const controller = new AbortController();
    using ctx = withSignal(background(), controller.signal);
    const result = call(1, ctx);
    await settled();
    controller.abort(new KitError("cancelled", "enough"));
    await assert.rejects(result, { code: "cancelled", message: "enough" });
  }
  assert.equal(handler.seen.length, 2);
  for (const { headers, properties } of handler.seen) {
    assert.deepEqual([{ ...headers }, properties.expiration], [{}, undefined]);
  }
});

// AP2
Deno.test("client() makes a random correlation id and waits for the reply with it", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  const ids: string[] = [];
  await using _serving = serve(connection, {
    q: (delivery) => {
      ids.push(delivery.properties.correlationId!);
      return echo(delivery);
    },
  });
  const call = client<number, number>(connection, { key: "q" });
  for (let i = 0; i < 20; i++) assert.equal(await call(i, background()), i);
  assert.equal(new Set(ids).size, 20);
  for (const id of ids) assert.match(id, /^[0-9a-f-]{36}$/);
});

// AP4, AP5: fixed
Deno.test("client() shares one reply queue and joins replies that come in any order", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  const waiting: (() => void)[] = [];
  const backwards = server(async (n: number) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return n * 2;
  });
  await using _serving = serve(connection, { q: backwards }, { prefetch: 100 });
  const one = client<number, number>(connection, { key: "q" });
  const other = client<number, number>(connection, { key: "q" });
  const results = Array.from({ length: 50 }, (_, n) => (n % 2 ? one : other)(n, background()));
  while (waiting.length < 50) await settled();
  for (const resolve of waiting.reverse()) resolve();
  assert.deepEqual(await soon(Promise.all(results)), results.map((_, n) => n * 2));
  // One for requests, one for replies, one to consume.
  assert.equal(broker.channels.size, 3);
});

Deno.test("client() ignores replies that nobody waits for", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  await using _serving = serve(connection, {
    q: server((n: number) => Promise.resolve(n), { after: [setCorrelationId("stranger")] }),
  });
  const call = client<number, number>(connection, { key: "q", timeoutMs: 20 });
  await assert.rejects(soon(call(1, background())), { code: "deadline_exceeded" });
});

// AS5
Deno.test("client() sends the properties that before sets", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  broker.exchanges.set("ex", { type: "direct", bindings: [{ queue: "q", key: "k" }] });
  const handler = collecting();
  await using _serving = serve(connection, { q: handler });
  const call = client<number, number>(connection, {
    timeoutMs: 20,
    before: [
      setExchange("ex"),
      setKey("k"),
      setDeliveryMode(2),
      setContentType("text/plain"),
      setContentEncoding("identity"),
      setCorrelationId("mine"),
      setPriority(3),
      setHeader("x-a", "1"),
    ],
  });
  await assert.rejects(soon(call(1, background())), { code: "deadline_exceeded" });
  const [{ exchange, key, properties, headers }] = handler.seen as [Delivery];
  assert.deepEqual([exchange, key, headers["x-a"]], ["ex", "k", "1"]);
  assert.equal(properties.deliveryMode, 2);
  assert.equal(properties.contentType, "text/plain");
  assert.equal(properties.contentEncoding, "identity");
  assert.equal(properties.correlationId, "mine");
  assert.equal(properties.priority, 3);
});

// AP7
Deno.test("client() sets neither content type nor delivery mode for an encode of its own", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  const handler = collecting();
  await using _serving = serve(connection, { q: handler });
  const call = client<number, number>(connection, { key: "q", timeoutMs: 20, encode: () => {} });
  await assert.rejects(soon(call(1, background())));
  const { contentType, contentEncoding, deliveryMode } = handler.seen[0]!.properties;
  assert.deepEqual([contentType, contentEncoding, deliveryMode], [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("client() sends the outgoing metadata along, and not what came in", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  await using _serving = serve(connection, {
    q: server((_: number, ctx) => Promise.resolve([...ctx.metadata])),
  });
  const call = client<number, [string, string][]>(connection, { key: "q" });
  const ctx = withOutgoing(background(), metadata({ traceparent: "00-x", via: ["a", "b"] }));
  const found = await call(1, ctx);
  assert.deepEqual(found.filter(([name]) => name !== "x-request-timeout-ms"), [
    ["traceparent", "00-x"],
    ["via", "a"],
    ["via", "b"],
  ]);
});

Deno.test("client() rejects with unavailable at once when no queue takes the request", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  await using _serving = serve(connection, { q: echo });
  const lost = client<number, number>(connection, { key: "nobody" });
  const found = client<number, number>(connection, { key: "q" });
  const before = found(1, background());
  await assert.rejects(lost(1, background()), {
    code: "unavailable",
    message: "Cannot deliver message as no queue takes it",
  });
  const nowhere = client<number, number>(connection, { exchange: "nowhere" });
  await assert.rejects(nowhere(1, background()), {
    code: "unavailable",
    message: 'Cannot find exchange "nowhere"',
  });
  // The others do not suffer.
  assert.equal(await before, 1);
  assert.equal(await found(2, background()), 2);
  broker.exchanges.set("nowhere", { type: "fanout", bindings: [{ queue: "q", key: "" }] });
  assert.equal(await nowhere(3, background()), 3);
});

Deno.test("client() rejects with the error that the server replies", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  const details = [{ pointer: "/s" }];
  await using _serving = serve(connection, {
    q: server((kind: string) => {
      if (kind === "secret") return Promise.reject(new Error("hunter2"));
      return Promise.reject(
        new KitError("resource_exhausted", "Busy", { details, retryAfterMs: 250 }),
      );
    }),
  });
  const call = client<string, string>(connection, { key: "q" });
  await assert.rejects(call("busy", background()), {
    code: "resource_exhausted",
    message: "Busy",
    details,
    retryAfterMs: 250,
  });
  await assert.rejects(call("secret", background()), { code: "unknown", message: "Unknown error" });
});

Deno.test("client() finds the errors of Go kit when told to", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  await using _serving = serve(connection, {
    q: server(() => Promise.resolve({ err: "no such word" })),
  });
  const plain = client<number, unknown>(connection, { key: "q" });
  assert.deepEqual(await plain(1, background()), { err: "no such word" });
  const call = client<number, unknown>(connection, { key: "q", decodeError: parseGoKitErrorReply });
  await assert.rejects(call(1, background()), { code: "unknown", message: "no such word" });
});

for (
  const [what, body, code, schema] of [
    ["is no JSON", "{", "internal", undefined],
    ["is empty", "", "internal", undefined],
    ["is too large", `"${"a".repeat(100)}"`, "resource_exhausted", undefined],
    ["is not what the schema wants", "1", "internal", "never"],
  ] as const
) {
  Deno.test(`client() rejects with ${code} when the reply ${what}`, async () => {
    const { connection } = brokerWith("q");
    await using _connection = connection;
    await using _serving = serve(connection, {
      q: server(() => Promise.resolve(body), {
        encode: (text, reply) => void (reply.body = bytes(text)),
      }),
    });
    const call = client<number, string>(connection, {
      key: "q",
      maxBytes: 50,
      ...(schema === undefined ? {} : {
        schema: {
          "~standard": {
            version: 1,
            vendor: "me",
            validate: () => ({ issues: [{ message: "never" }] }),
          },
        },
      }),
    });
    await assert.rejects(call(1, background()), { code });
  });
}

// NP3
Deno.test("client() sends nothing for a call that is cancelled before", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  using ctx = withSignal(background(), AbortSignal.abort(new KitError("cancelled", "never")));
  const call = client<number, number>(connection, { key: "q" });
  await assert.rejects(call(1, ctx), { code: "cancelled", message: "never" });
  assert.equal(broker.dials, 0);
});

Deno.test("client() sends nothing when its time has passed before it could", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  await connection.ready();
  const call = client<number, number>(connection, {
    key: "q",
    timeoutMs: 5,
    before: [(ctx) => {
      const end = performance.now() + 10;
      while (performance.now() < end);
      return ctx;
    }],
  });
  await assert.rejects(soon(call(1, background())), { code: "deadline_exceeded" });
  assert.equal(broker.queues.get("q")?.messages.length, 0);
});

Deno.test("client() refuses a correlation id that is in use, and takes it again after", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  const call = client<number, number>(connection, {
    key: "q",
    before: [setCorrelationId("mine")],
    timeoutMs: 20,
  });
  const first = call(1, background());
  await assert.rejects(call(2, background()), { code: "already_exists" });
  await assert.rejects(soon(first), { code: "deadline_exceeded" });
  broker.queues.get("q")!.messages.length = 0;
  await using _serving = serve(connection, { q: echo });
  const longer = client<number, number>(connection, {
    key: "q",
    before: [setCorrelationId("mine")],
  });
  assert.equal(await longer(3, background()), 3);
});

Deno.test("client() fails calls in flight when the connection is lost, and makes the next", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  const call = client<number, number>(connection, { key: "q" });
  const results = [call(1, background()), call(2, background())];
  while (broker.queues.get("q")?.messages.length !== 2) await settled();
  broker.cut();
  for (const result of results) {
    await assert.rejects(result, { code: "unavailable", message: "Connection to broker was lost" });
  }
  broker.queues.get("q")!.messages.length = 0;
  await using _serving = serve(connection, { q: echo });
  // Lost within a second of being made, it is not made again at once.
  while (connection.status !== "connected") await new Promise((r) => setTimeout(r, 5));
  assert.equal(await call(3, background()), 3);
});

Deno.test("client() opens another channel when the broker has closed one", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  const call = client<number, number>(connection, { key: "q" });
  const result = call(1, background());
  while (broker.queues.get("q")?.messages.length !== 1) await settled();
  for (const channel of [...broker.channels.values()]) {
    assert.throws(() => channel.fail(406, "PRECONDITION_FAILED"));
  }
  await assert.rejects(result, { code: "unavailable" });
  await using _serving = serve(connection, { q: echo });
  assert.equal(await call(2, background()), 2);
  assert.equal(broker.dials, 1);
});

Deno.test("client() refuses what cannot be sent, and only that", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  await using _serving = serve(connection, { q: echo });
  const refused: [Parameters<typeof client>[1], object][] = [
    [{ before: [setDeliveryMode(3)] }, TypeError],
    [{ before: [setHeader("x", "a".repeat(50_000))] }, { code: "resource_exhausted" }],
    [{
      before: [(ctx, { properties }) => {
        properties.expiration = "soon";
        return ctx;
      }],
    }, TypeError],
  ];
  for (const [options, error] of refused) {
    await assert.rejects(client(connection, { key: "q", ...options })(1, background()), error);
  }
  assert.equal(await client(connection, { key: "q" })(1, background()), 1);
});

Deno.test("client() refuses options that cannot be", () => {
  const { connection } = brokerWith();
  assert.throws(() => client(connection, { timeoutMs: 0 }), RangeError);
  assert.throws(() => client(connection, { maxBytes: -1 }), RangeError);
  assert.throws(() => client(connection, { deadlineHeader: "a b" }), TypeError);
  const other = { status: "idle", ready: () => Promise.resolve() } as const;
  const fake = { ...other, [Symbol.asyncDispose]: () => Promise.resolve() };
  assert.throws(() => client(fake), TypeError);
});
