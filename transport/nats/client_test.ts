import assert from "node:assert/strict";
import {
  background,
  CODES,
  contextKey,
  type Endpoint,
  KitError,
  metadata,
  withOutgoing,
  withSignal,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { settled } from "@kit/endpoint/testing";
import { headers as createHeaders, PermissionViolationError } from "@nats-io/nats-core";
import { Link } from "./_link.ts";
import type { Message } from "./connection.ts";
import { bytesOf, headersOf, responder, soon, textOf } from "./_support_test.ts";
import { client } from "./client.ts";
import { errorReply, parseGoKitErrorReply } from "./error_reply.ts";
import type { IncomingReply } from "./functions.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";
import { memoryBroker } from "./testing.ts";
import * as http from "../http/mod.ts";
import type { Schema, SchemaResult } from "../schema.ts";

const ctx = background();

Deno.test("client() gives the data of the reply to the decoder", async () => { // NP1
  await using connection = memoryBroker().connect();
  responder(connection, "a", (message) => message.respond("logged in"));
  const call = client<string, string>(connection, "a", { decode: ({ data }) => textOf(data) });
  assert.equal(await call("x", ctx), "logged in");
});

Deno.test("client() runs its hooks in Go kit's order, which may change all of a message", async () => { // NP2
  await using connection = memoryBroker().connect();
  const seen: string[] = [];
  responder(connection, "b", (message) => {
    seen.push(`${message.subject} ${message.string()} ${message.headers?.get("X-a")}`);
    message.respond("reply");
  });
  const step = contextKey<string>("step");
  const call = client<string, string>(connection, "a", {
    encode(request, outgoing) {
      seen.push("encode");
      outgoing.data = bytesOf(request);
    },
    before: [(ctx, outgoing) => {
      seen.push(`before ${outgoing.subject} ${textOf(outgoing.data)}`);
      outgoing.data = bytesOf("changed");
      outgoing.subject = "b";
      return withValue(ctx, step, "1");
    }, (ctx, outgoing) => {
      outgoing.headers.set("X-a", ctx.value(step)!);
      return withValue(ctx, step, "2");
    }],
    after: [(ctx, reply) => {
      seen.push(`after ${ctx.value(step)} ${textOf(reply.data)}`);
      reply.data = bytesOf("altered");
      return withValue(ctx, step, "3");
    }],
    decode(reply, ctx) {
      seen.push(`decode ${ctx.value(step)}`);
      return textOf(reply.data);
    },
    finalizer: [
      (ctx, error) => seen.push(`first ${ctx.value(step)} ${error}`),
      () => seen.push("second"),
    ],
  });
  assert.equal(await call("request", ctx), "altered");
  assert.deepEqual(seen, [
    "encode",
    "before a request",
    "b changed 1",
    "after 2 reply",
    "decode 3",
    "first 3 undefined",
    "second",
  ]);
});

Deno.test("client() tells its finalizers of the error", async () => { // NP5
  await using connection = memoryBroker().connect();
  const seen: unknown[] = [];
  const call = client(connection, "a", { finalizer: [(_, error) => seen.push(error)] });
  await assert.rejects(call("x", ctx), (error) => error === seen[0]);
  assert.equal(seen.length, 1);
});

Deno.test("client() waits for 10 s by default and tells how long it waits", async () => { // NP3
  await using connection = memoryBroker().connect();
  const seen: number[] = [];
  responder(connection, "a", (message) => {
    seen.push(Number(message.headers?.get("x-request-timeout-ms")));
    message.respond("1");
  });
  await client(connection, "a")("x", ctx);
  await client(connection, "a", { timeoutMs: 500 })("x", ctx);
  using timed = withTimeout(ctx, 100);
  await client(connection, "a")("x", timed);
  await client(connection, "a", { deadlineHeader: false })("x", ctx);
  const [default_, own, given, none] = seen as [number, number, number, number];
  assert(default_ > 9000 && default_ <= 10_000, String(default_));
  assert(own > 400 && own <= 500, String(own));
  assert(given > 50 && given <= 100, String(given));
  assert.equal(none, NaN);
});

Deno.test("client() rejects with deadline_exceeded when no reply comes in time", async () => { // NP3
  await using connection = memoryBroker().connect();
  responder(connection, "a", () => {});
  const call = client(connection, "a", { timeoutMs: 5 });
  await soon(assert.rejects(call("x", ctx), { code: "deadline_exceeded" }));
  using timed = withTimeout(ctx, 5);
  const late = client(connection, "a")("x", timed);
  await soon(assert.rejects(late, { code: "deadline_exceeded" }));
});

Deno.test("client() sends nothing when the context is cancelled already", async () => { // NP3
  await using connection = memoryBroker().connect();
  let count = 0;
  responder(connection, "a", () => count++);
  const reason = new KitError("cancelled", "Enough");
  using cancelled = withSignal(ctx, AbortSignal.abort(reason));
  await assert.rejects(client(connection, "a")("x", cancelled), (error) => error === reason);
  await settled();
  assert.equal(count, 0);
});

Deno.test("client() rejects at once when it is cancelled, and drops the late reply", async () => {
  await using connection = memoryBroker().connect();
  const { promise: come, resolve } = Promise.withResolvers<Message>();
  responder(connection, "a", resolve);
  const controller = new AbortController();
  using cancellable = withSignal(ctx, controller.signal);
  const call = client(connection, "a")("x", cancellable);
  const message = await come;
  const reason = new KitError("cancelled", "Enough");
  controller.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  message.respond("late");
  await settled();
});

// NP4, W1
for (
  const [value, text] of [
    [null, "null"],
    [undefined, "null"],
    [12, "12"],
    [1.2, "1.2"],
    [true, "true"],
    ["test", `"test"`],
    [{}, "{}"],
    [{ foo: "foo" }, `{"foo":"foo"}`],
    [{ s: "<&>\u2028ü" }, `{"s":"<&>\u2028ü"}`],
  ] as const
) {
  Deno.test(`client() sends ${text} without a newline for ${typeof value}`, async () => {
    await using connection = memoryBroker().connect();
    let seen = "";
    responder(connection, "a", (message) => {
      seen = message.string();
      message.respond("1");
    });
    await client(connection, "a")(value, ctx);
    assert.equal(seen, text);
  });
}

Deno.test("client() rejects with TypeError when a request is no JSON", async () => {
  await using connection = memoryBroker().connect();
  await assert.rejects(client(connection, "a")(() => {}, ctx), TypeError);
});

Deno.test("client() sends the outgoing metadata as headers, but not what came in", async () => { // NP5, A16
  await using connection = memoryBroker().connect();
  let seen: unknown;
  responder(connection, "a", (message) => {
    seen = [...message.headers!].filter(([name]) => !name.startsWith("x-request"));
    message.respond("1");
  });
  const out = withOutgoing(ctx, metadata({ Traceparent: "00-1", via: ["a", "b"] }));
  await client(connection, "a")("x", out);
  assert.deepEqual(seen, [["traceparent", ["00-1"]], ["via", ["a", "b"]]]);
});

Deno.test("client() never sends a line break in a header", async () => {
  await using connection = memoryBroker().connect();
  const call = client(connection, "a");
  for (const pair of [["a", "1\r\nb: 2"], ["a\r\nb", "1"], ["a b", "1"]] as const) {
    await assert.rejects(call("x", withOutgoing(ctx, metadata([pair]))), {
      code: "invalid_argument",
    });
  }
});

Deno.test("client() rejects with unavailable at once when nobody serves the subject", async () => {
  await using connection = memoryBroker().connect();
  await assert.rejects(client(connection, "nobody")("x", ctx), {
    code: "unavailable",
    message: `Cannot reach service as nobody serves "nobody"`,
  });
});

Deno.test("client() takes an empty reply for no response", async () => {
  await using connection = memoryBroker().connect();
  responder(connection, "a", (message) => message.respond());
  assert.equal(await client(connection, "a")("x", ctx), undefined);
});

Deno.test("client() fails what is in flight when the connection is lost, and goes on later", async () => {
  const broker = memoryBroker();
  await using connection = broker.connect();
  await using other = broker.connect();
  let isSilent = true;
  responder(other, "a", (message) => void (isSilent || message.respond("1")));
  const call = client(connection, "a");
  const first = call("x", ctx);
  await settled();
  connection.lose();
  await assert.rejects(first, {
    code: "unavailable",
    message: "Cannot reach service as the connection to NATS is lost",
  });
  await assert.rejects(call("x", ctx), { code: "unavailable" });
  await assert.rejects(client(connection, "new")("x", ctx), { code: "unavailable" });
  connection.restore();
  isSilent = false;
  await settled();
  assert.equal(await call("x", ctx), 1);
});

Deno.test("client() made while the connection is down works when it is up again", async () => {
  await using connection = memoryBroker().connect();
  connection.lose();
  const call = client(connection, "a");
  await assert.rejects(call("x", ctx), { code: "unavailable" });
  connection.restore();
  responder(connection, "a", (message) => message.respond("1"));
  await settled();
  assert.equal(await call("x", ctx), 1);
});

Deno.test("client() rejects with unavailable when the connection is closed", async () => {
  await using connection = memoryBroker().connect();
  responder(connection, "a", () => {});
  const call = client(connection, "a");
  const first = call("x", ctx);
  await settled();
  await connection.close();
  await assert.rejects(first, { code: "unavailable" });
  await assert.rejects(call("x", ctx), { code: "unavailable" });
  await assert.rejects(client(connection, "a")("x", ctx), { code: "unavailable" });
});

Deno.test("client() refuses a message that is larger than NATS takes, unsent", async () => {
  await using connection = memoryBroker({ maxPayload: 100 }).connect();
  let count = 0;
  responder(connection, "a", (message) => {
    count++;
    message.respond("1");
  });
  const call = client(connection, "a", { deadlineHeader: false });
  assert.equal(await call("x".repeat(98), ctx), 1);
  await assert.rejects(call("x".repeat(99), ctx), {
    code: "resource_exhausted",
    message: "Cannot send message as it has more than 100 bytes",
  });
  const heavy = withOutgoing(ctx, metadata({ a: "x".repeat(100) }));
  await assert.rejects(call("x", heavy), { code: "resource_exhausted" });
  assert.equal(count, 1);
});

Deno.test("client() refuses a reply of more than maxBytes", async () => {
  await using connection = memoryBroker().connect();
  responder(connection, "a", (message) => message.respond(`"1234567"`));
  assert.equal(await client(connection, "a", { maxBytes: 9 })("x", ctx), "1234567");
  await assert.rejects(client(connection, "a", { maxBytes: 8 })("x", ctx), {
    code: "resource_exhausted",
    message: "Cannot read response as it has more than 8 bytes",
  });
});

Deno.test("client() rejects with permission_denied when the broker refuses a subject", async () => {
  await using connection = memoryBroker({ denied: ["secret"] }).connect();
  responder(connection, "a", (message) => setTimeout(() => message.respond("1"), 5));
  const other = client(connection, "a")("x", ctx);
  await assert.rejects(client(connection, "secret")("x", ctx), { code: "permission_denied" });
  assert.equal(await other, 1);
});

Deno.test("client() rejects with permission_denied when the broker refuses its inbox", async () => {
  await using connection = memoryBroker({ denied: ["_INBOX.>"] }).connect();
  responder(connection, "a", () => {});
  for (let i = 0; i < 2; i++) {
    await assert.rejects(client(connection, "a")("x", ctx), { code: "permission_denied" });
  }
});

Deno.test("client() does not mind what its connection may not listen to", async () => {
  await using connection = memoryBroker().connect();
  const { promise: denied, resolve: deny } = Promise.withResolvers<void>();
  connection.status = async function* () {
    await denied;
    const error = new PermissionViolationError("no", "subscription", "a");
    yield { type: "error", error };
    yield { type: "error", error: new Error("something else") };
  };
  responder(connection, "a", () => deny());
  const call = client(connection, "a")("x", ctx);
  await denied;
  assert.equal(Link.of(connection).waiting, 1);
  // At the end of the news the connection counts as lost.
  await assert.rejects(call, { code: "unavailable" });
});

Deno.test("client() forgets a call that is over, however it ended", async () => {
  await using connection = memoryBroker({ maxPayload: 1000 }).connect();
  responder(connection, "a", (message) => message.respond("1"));
  responder(connection, "silent", () => {});
  await client(connection, "a")("x", ctx);
  await client(connection, "nobody")("x", ctx).catch(() => {});
  await client(connection, "a")("x".repeat(1000), ctx).catch(() => {});
  await soon(client(connection, "silent", { timeoutMs: 5 })("x", ctx).catch(() => {}));
  assert.equal(Link.of(connection).waiting, 0);
});

Deno.test("client() takes a status with a body for a reply of the service", async () => {
  await using connection = memoryBroker().connect();
  responder(connection, "a", (message) => {
    message.respond("x", { headers: createHeaders(503, "Gone") });
  });
  await assert.rejects(client(connection, "a")("x", ctx), {
    code: "unavailable",
    message: "Call failed with status 503 Gone",
  });
});

Deno.test("client() listens below inboxPrefix", async () => {
  await using connection = memoryBroker().connect();
  const seen: string[] = [];
  responder(connection, "a", (message) => {
    seen.push(message.reply!.split(".")[0]!);
    message.respond("1");
  });
  await client(connection, "a")("x", ctx);
  await client(connection, "a", { inboxPrefix: "_INBOX_ada" })("x", ctx);
  assert.deepEqual(seen, ["_INBOX", "_INBOX_ada"]);
});

Deno.test("client() of any number share one subscription", async () => {
  await using connection = memoryBroker().connect();
  const inboxes = new Set<string>();
  responder(connection, ">", (message) => {
    if (message.reply) inboxes.add(message.reply.slice(0, message.reply.lastIndexOf(".")));
    message.respond("1");
  });
  await Promise.all(["a", "b", "c"].map((subject) => client(connection, subject)("x", ctx)));
  assert.equal(inboxes.size, 1);
});

Deno.test("client() gives each of many calls its own reply", async () => {
  await using connection = memoryBroker().connect();
  const waiting: Message[] = [];
  responder(connection, "a", (message) => {
    waiting.push(message);
    if (waiting.length < 100) return;
    for (const each of waiting.reverse()) each.respond(each.data);
  });
  const call = client<number, number>(connection, "a");
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  assert.deepEqual(await Promise.all(numbers.map((n) => call(n, ctx))), numbers);
});

for (
  const [name, body] of [["is no JSON", "{"], ["is cut off", `{"a":`], [
    "is text",
    "secret",
  ]] as const
) {
  Deno.test(`client() rejects with internal when the reply ${name}`, async () => {
    await using connection = memoryBroker().connect();
    responder(connection, "a", (message) => message.respond(body));
    await assert.rejects(client(connection, "a")("x", ctx), (error: KitError) => {
      assert.equal(error.code, "internal");
      assert(!error.message.includes("secret"));
      return true;
    });
  });
}

const check = (value: unknown): SchemaResult<string> =>
  typeof value === "string" ? { value } : { issues: [{ message: "must be text" }] };

Deno.test("client() rejects with internal when a response is not what its schema wants", async () => {
  await using connection = memoryBroker().connect();
  responder(connection, "a", (message) => message.respond(message.data));
  for (const validate of [check, (value: unknown) => Promise.resolve(check(value))]) {
    const schema: Schema<string> = { "~standard": { version: 1, vendor: "me", validate } };
    const call: Endpoint<unknown, string> = client(connection, "a", { schema });
    assert.equal(await call("x", ctx), "x");
    await assert.rejects(call(1, ctx), {
      code: "internal",
      message: "Cannot decode response: must be text",
    });
  }
});

Deno.test("client() gets every code with its message, details and retryAfterMs", async () => {
  await using connection = memoryBroker().connect();
  for (const code of CODES) {
    if (code === "ok") continue;
    const sent = new KitError(code, " Zürich\n\u2028 ", {
      details: [{ pointer: "/ä", detail: "ü" }],
      retryAfterMs: code === "aborted" ? -1 : 1500,
    });
    await using _running = serve(connection, { a: server(() => Promise.reject(sent)) });
    const error: KitError = await client(connection, "a")("x", ctx).then(
      () => assert.fail(),
      (error) => error,
    );
    assert.deepEqual(
      [error.code, error.message, error.details, error.retryAfterMs],
      [sent.code, sent.message, sent.details, sent.retryAfterMs],
    );
  }
});

Deno.test("client() does not take a business failure in a response for an error", async () => {
  await using connection = memoryBroker().connect();
  responder(connection, "a", (message) => message.respond(message.data));
  const call = client<unknown, unknown>(connection, "a");
  const goKit = client<unknown, unknown>(connection, "a", { decodeError: parseGoKitErrorReply });
  const failure = { v: "", err: "Empty string" };
  assert.deepEqual(await call(failure, ctx), failure);
  assert.deepEqual(await goKit(failure, ctx), failure);
  assert.deepEqual(await call({ err: "boom" }, ctx), { err: "boom" });
  await assert.rejects(goKit({ err: "boom" }, ctx), { code: "unknown", message: "boom" });
});

Deno.test("client() rejects with what decodeError finds", async () => {
  await using connection = memoryBroker().connect();
  responder(connection, "a", (message) => message.respond("oops"));
  const decodeError = (reply: IncomingReply) =>
    textOf(reply.data) === "oops" ? new KitError("aborted", "Oops") : undefined;
  await assert.rejects(client(connection, "a", { decodeError })("x", ctx), { code: "aborted" });
});

Deno.test("client() takes no reply for another's, whatever its subject is", async () => {
  const broker = memoryBroker();
  await using connection = broker.connect();
  await using other = broker.connect();
  let inbox = "";
  responder(other, "a", (message) => {
    inbox = message.reply!;
    const base = inbox.slice(0, inbox.lastIndexOf("."));
    for (const token of ["1", "__proto__", "constructor"]) other.publish(`${base}.${token}`, "2");
    message.respond("1");
    message.respond("3");
    other.publish(inbox, errorReply(new Error(), headersOf({})));
  });
  assert.equal(await client(connection, "a")("x", ctx), 1);
  await settled();
});

Deno.test("client() refuses misuse", async () => {
  await using connection = memoryBroker().connect();
  for (const subject of ["", "a b", "a.", ".a", "a..b", "a.*", ">", "a\r\nPUB b 0"]) {
    assert.throws(() => client(connection, subject), TypeError, subject);
    assert.throws(() => client(connection, "a", { inboxPrefix: subject }), TypeError, subject);
  }
  for (const value of [0, -1, NaN]) {
    assert.throws(() => client(connection, "a", { timeoutMs: value }), RangeError);
    assert.throws(() => client(connection, "a", { maxBytes: value }), RangeError);
  }
  assert.throws(() => client(connection, "a", { deadlineHeader: "a b" }), TypeError);
  client(connection, "a-*b.>c");
});

Deno.test("client() is the endpoint of an HTTP server, and keeps codes over both wires", async () => { // XS8
  await using connection = memoryBroker().connect();
  await using _running = serve(connection, {
    "stringsvc.uppercase": server(({ s }: { s: string }) =>
      s === ""
        ? Promise.reject(new KitError("not_found", "Cannot find text"))
        : Promise.resolve({ v: s.toUpperCase() })
    ),
  }, { queue: "stringsvc" });
  const handler = http.server(
    client<{ s: string }, { v: string }>(connection, "stringsvc.uppercase"),
  );
  const post = (body: string) =>
    handler(new Request("http://localhost/uppercase", { method: "POST", body }));
  assert.equal(await (await post(`{"s":"hello"}`)).text(), `{"v":"HELLO"}`);
  const failed = await post(`{"s":""}`);
  const { code, detail } = await failed.json();
  assert.deepEqual([failed.status, code, detail], [404, "not_found", "Cannot find text"]);
});

Deno.test("client() is typed from end to end", async () => {
  await using connection = memoryBroker().connect();
  const call = client<{ s: string }, { v: number }>(connection, "a", {
    // @ts-expect-error: the decoder makes the response
    decode: () => ({ v: "1" }),
  });
  // @ts-expect-error: the request has an s
  const made: Promise<{ v: number }> = call({ t: "x" }, ctx);
  await assert.rejects(made);
});
