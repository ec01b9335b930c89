import assert from "node:assert/strict";
import {
  background,
  type Context,
  delay,
  type Endpoint,
  type ErrorCode,
  KitError,
  metadata,
  whenDone,
  withOutgoing,
  withTimeout,
} from "@kit/endpoint";
import fc from "fast-check";
import type { Schema } from "../schema.ts";
import { closeCodeOf, closeReason, codeOfClose } from "./_close_codes.ts";
import { all, eventually, upTo } from "./_stream_support_test.ts";
import { HOST, soon } from "./_support_test.ts";
import type { Handler } from "./handler.ts";
import { httpRequest, remoteAddress } from "./keys.ts";
import { type HttpServer, serve, type ServeOptions } from "./serve.ts";
import { webSocketClient } from "./web_socket_client.ts";
import { webSocketServer } from "./web_socket_server.ts";

const double: Endpoint<AsyncIterable<number>, AsyncIterable<number>> = (numbers) =>
  Promise.resolve((async function* () {
    for await (const n of numbers) yield 2 * n;
  })());

const sum = async (numbers: AsyncIterable<number>): Promise<number> => {
  let total = 0;
  for await (const n of numbers) total += n;
  return total;
};

function running(handler: Handler, options: ServeOptions = {}): HttpServer & { url: string } {
  const server = serve(handler, { listen: `${HOST}:0`, signals: [], ...options });
  return Object.assign(server, { url: `ws://${HOST}:${server.addr.port}` });
}

/** A socket used by hand, as in a browser. */
class Hand implements AsyncDisposable {
  readonly messages: string[] = [];
  readonly closed: Promise<CloseEvent>;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.messages.push(data);
    this.closed = new Promise((resolve) => socket.onclose = resolve);
  }

  static async open(url: string, init?: unknown): Promise<Hand> {
    const socket = new WebSocket(url, init as string[]);
    socket.onerror = (event) => event.preventDefault();
    const opened = new Promise<void>((resolve) => socket.onopen = () => resolve());
    const hand = new Hand(socket);
    await soon(Promise.race([opened, hand.closed]));
    return hand;
  }

  send(...messages: unknown[]): void {
    for (const message of messages) {
      this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
    }
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await soon(this.closed);
  }
}

// A8
for (const protocol of ["kit.stream.credit", "kit.stream"]) {
  Deno.test(`webSocketServer() and webSocketClient() pass streams on by ${protocol}`, async () => {
    await using server = running(webSocketServer(double));
    const call = webSocketClient<number, number>(server.url, { protocols: [protocol] });
    assert.deepEqual(await all(await call(upTo(3), background())), [2, 4, 6]);
    assert.deepEqual(await all(await call(upTo(0), background())), []);
    const many = await all(await call(upTo(1000), background()));
    assert.equal(many.length, 1000);
    assert.equal(many.at(-1), 2000);
  });

  Deno.test(`webSocketClient() gets one response by ${protocol}`, async () => {
    await using server = running(webSocketServer(sum));
    const call = webSocketClient<number, number>(server.url, {
      protocols: [protocol],
      responses: "one",
    });
    assert.equal(await call(upTo(100), background()), 5050);
  });
}

Deno.test("webSocketServer() can be used by hand", async () => {
  await using server = running(webSocketServer(double));
  await using hand = await Hand.open(server.url);
  hand.send({ item: 1 }, { item: 2 });
  await eventually(() => hand.messages.length === 2);
  hand.send({ end: true });
  const { code } = await hand.closed;
  assert.equal(code, 1000);
  assert.deepEqual(hand.messages, [`{"item":2}`, `{"item":4}`, `{"end":true}`]);
});

Deno.test("webSocketServer() chooses the first subprotocol that it knows", async () => {
  await using server = running(webSocketServer(double));
  for (
    const [offered, chosen] of [
      [["kit.stream", "kit.stream.credit"], "kit.stream"],
      [["other", "kit.stream.credit"], "kit.stream.credit"],
    ] as const
  ) {
    await using hand = await Hand.open(server.url, [...offered]);
    assert.equal(hand.protocol, chosen);
  }
});

// The table, both ways
Deno.test("closeCodeOf() and codeOfClose() are each other's inverse", () => {
  const codes: ErrorCode[] = ["cancelled", "not_found", "unavailable", "unauthenticated"];
  for (const code of codes) assert.equal(codeOfClose(closeCodeOf(code)), code);
  assert.equal(closeCodeOf("not_found"), 4005);
  for (const other of [0, 1000, 1001, 1005, 1006, 4000, 4017, 4999]) {
    assert.equal(codeOfClose(other), "unavailable");
  }
  assert.equal(codeOfClose(1009), "resource_exhausted");
});

Deno.test("closeReason() has at most 123 bytes, and no half of a letter", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
    const reason = closeReason(text);
    assert(new TextEncoder().encode(reason).length <= 123);
    assert(text.startsWith(reason));
  }));
  assert.equal(closeReason("é".repeat(100)).length, 61);
});

Deno.test("webSocketServer() tells an error, and closes with its code", async () => {
  const told: unknown[] = [];
  const handler = webSocketServer(
    (numbers: AsyncIterable<number>) =>
      Promise.resolve((async function* () {
        for await (const n of numbers) {
          yield n;
          throw new KitError("aborted", "Try again", { details: [{ a: 1 }], retryAfterMs: 5 });
        }
      })()),
    { onError: (error) => told.push((error as KitError).code) },
  );
  await using server = running(handler);
  const call = webSocketClient<number, number>(server.url);
  await assert.rejects(async () => await all(await call(upTo(2), background())), {
    code: "aborted",
    message: "Try again",
    details: [{ a: 1 }],
    retryAfterMs: 5,
  });
  assert.deepEqual(told, ["aborted"]);
  await using hand = await Hand.open(server.url);
  hand.send({ item: 7 });
  const { code, reason } = await hand.closed;
  assert.equal(code, 4010);
  assert.equal(reason, "Try again");
});

// S12
Deno.test("webSocketServer() shows nothing of an unknown error", async () => {
  await using server = running(
    webSocketServer((_: AsyncIterable<number>) => Promise.reject(new Error("password=hunter2"))),
  );
  await using hand = await Hand.open(server.url);
  const { code, reason } = await hand.closed;
  assert.equal(code, 4002);
  assert.equal(reason, "Unknown error");
  assert.deepEqual(hand.messages, [`{"error":{"code":"unknown","message":"Unknown error"}}`]);
});

const text: Schema<string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "string" ? { value } : { issues: [{ message: "must be text" }] },
  },
};

const bad: [name: string, message: string, code: number][] = [
  ["no JSON", "{", 4003],
  ["no frame", "1", 4003],
  ["a prototype", `{"__proto__":{"item":"a"}}`, 4003],
  ["a credit of nothing", `{"credit":0}`, 4003],
  ["an item that the schema refuses", `{"item":1}`, 4003],
  ["a million brackets", "[".repeat(1_000_000), 4003],
  ["a message over the limit", `{"item":"${"é".repeat(1_200_000)}"}`, 4008],
];
for (const [name, message, expected] of bad) {
  Deno.test(`webSocketServer() refuses ${name}, and that caller alone`, async () => {
    const handler = webSocketServer((items: AsyncIterable<string>) => Promise.resolve(items), {
      schema: text,
      maxBytes: 2_000_000,
    });
    await using server = running(handler);
    await using other = await Hand.open(server.url);
    await using hand = await Hand.open(server.url);
    hand.send(message);
    assert.equal((await soon(hand.closed)).code, expected);
    other.send({ item: "a" }, { end: true });
    assert.equal((await soon(other.closed)).code, 1000);
  });
}

Deno.test("webSocketServer() refuses messages that are not text", async () => {
  await using server = running(webSocketServer(double));
  const socket = new WebSocket(server.url);
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  socket.onopen = () => socket.send(new Uint8Array(4));
  assert.equal((await soon(closed)).code, 4003);
});

Deno.test("webSocketServer() refuses a client that sends more than waits, or than its credit", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = webSocketServer(async (items: AsyncIterable<string>) => {
    await gate.promise;
    return (await all(items)).length;
  }, { maxBytes: 1000 });
  await using server = running(slow);
  await using plain = await Hand.open(server.url);
  for (let i = 0; i < 20; i++) plain.send({ item: "x".repeat(60) });
  assert.equal((await soon(plain.closed)).code, 4008);
  await using credited = await Hand.open(server.url, ["kit.stream.credit"]);
  for (let i = 0; i < 33; i++) credited.send({ item: "" });
  assert.equal((await soon(credited.closed)).code, 4008);
  gate.resolve();
});

// Back-pressure
Deno.test("webSocketServer() sends no more than the client's credit", async () => {
  let taken = 0;
  const handler = webSocketServer((_: AsyncIterable<number>) =>
    Promise.resolve((async function* () {
      for (;;) yield ++taken;
    })())
  );
  await using server = running(handler);
  const call = webSocketClient<number, number>(server.url);
  const stream = (await call(upTo(1), background()))[Symbol.asyncIterator]();
  await stream.next();
  await delay(50);
  assert(taken <= 300, `${taken} items were taken`);
  for (let i = 0; i < 500; i++) await stream.next();
  assert(taken > 500);
  await stream.return!();
});

Deno.test("webSocketClient() sends no more than the service's credit", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = running(webSocketServer(async (items: AsyncIterable<number>) => {
    await gate.promise;
    return (await all(items)).length;
  }));
  let taken = 0;
  async function* numbers() {
    for (; taken < 2000;) yield ++taken;
  }
  const call = webSocketClient<number, number>(server.url, { responses: "one" });
  const answer = call(numbers(), background());
  await eventually(() => taken > 0);
  await delay(50);
  assert(taken <= 300, `${taken} items were taken`);
  gate.resolve();
  assert.equal(await answer, 2000);
});

Deno.test("webSocketServer() is slowed by a socket that is not read, without credit", async () => {
  let taken = 0;
  const item = "x".repeat(64 * 1024);
  const handler = webSocketServer((_: AsyncIterable<number>) =>
    Promise.resolve((async function* () {
      for (;;) {
        taken++;
        yield item;
      }
    })())
  );
  await using server = running(handler);
  using connection = await Deno.connect({ hostname: HOST, port: server.addr.port });
  const head = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  await connection.write(new TextEncoder().encode(head));
  await eventually(async () => {
    const before = taken;
    await delay(50);
    return taken > 0 && taken === before;
  });
  assert(taken < 1000, `${taken} items of 64 KiB were taken`);
});

// P4
Deno.test("webSocketServer() tells its endpoint when the caller leaves the loop", async () => {
  const told = Promise.withResolvers<unknown>();
  const over: unknown[] = [];
  const finalized: unknown[] = [];
  const endpoint = (numbers: AsyncIterable<number>, ctx: Context) =>
    Promise.resolve((async function* () {
      ctx.signal.addEventListener("abort", () => told.resolve(ctx.signal.reason));
      for await (const n of numbers) yield n;
    })());
  const handler = webSocketServer(
    (request: AsyncIterable<number>, ctx) =>
      whenDone(endpoint(request, ctx), (error) => over.push(error)),
    { finalizer: [(_, error) => finalized.push((error as KitError).code)] },
  );
  await using server = running(handler);
  const call = webSocketClient<number, number>(server.url);
  let isStopped = false;
  async function* endless() {
    try {
      for (let n = 1;; n++) {
        yield n;
        await delay(1);
      }
    } finally {
      isStopped = true;
    }
  }
  for await (const n of await call(endless(), background())) if (n === 3) break;
  assert.equal((await soon(told.promise) as KitError).code, "cancelled");
  await eventually(() => isStopped && over.length === 1 && finalized.length === 1);
  assert.deepEqual(finalized, ["cancelled"]);
});

Deno.test("webSocketServer() does not abort the signal of a call that went well", async () => {
  let ctx: Context | undefined;
  await using server = running(webSocketServer((numbers: AsyncIterable<number>, context) => {
    ctx = context;
    assert(!ctx.signal.aborted);
    return sum(numbers);
  }));
  await webSocketClient<number, number>(server.url, { responses: "one" })(upTo(1), background());
  await delay(20);
  assert(!ctx!.signal.aborted);
});

Deno.test("webSocketClient() sends its deadline, and fails when it passes", async () => {
  const told = Promise.withResolvers<unknown>();
  let left: number | undefined;
  const handler = webSocketServer(async (_: AsyncIterable<number>, ctx) => {
    left = ctx.deadline;
    await new Promise<void>((resolve) => ctx.signal.addEventListener("abort", () => resolve()));
    told.resolve(ctx.signal.reason);
    throw ctx.signal.reason;
  });
  await using server = running(handler);
  const call = webSocketClient<number, number>(server.url, { timeoutMs: 50, responses: "one" });
  await assert.rejects(call(upTo(1), background()), { code: "deadline_exceeded" });
  await soon(told.promise);
  assert(left !== undefined);
});

Deno.test("webSocketClient() fails as its own stream fails", async () => {
  const told = Promise.withResolvers<unknown>();
  await using server = running(webSocketServer(async (numbers: AsyncIterable<number>) => {
    try {
      return await sum(numbers);
    } catch (error) {
      told.resolve(error);
      throw error;
    }
  }));
  async function* failing() {
    yield 1;
    throw new TypeError("mine");
  }
  const call = webSocketClient<number, number>(server.url, { responses: "one" });
  await assert.rejects(call(failing(), background()), { name: "TypeError", message: "mine" });
  assert.equal((await soon(told.promise) as KitError).code, "cancelled");
});

Deno.test("webSocketClient() fails with unavailable when it cannot open, or is cut", async () => {
  const call = webSocketClient<number, number>("ws://127.0.0.1:9");
  await assert.rejects(call(upTo(1), background()), { code: "unavailable" });
  const cut = Deno.serve({ hostname: HOST, port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = () => {
      socket.send(`{"item":1}`);
      socket.close();
    };
    return response;
  });
  const seen: number[] = [];
  await assert.rejects(async () => {
    const stream = await webSocketClient<number, number>(`http://${HOST}:${cut.addr.port}`)(
      upTo(1),
      background(),
    );
    for await (const n of stream) seen.push(n);
  }, { code: "unavailable", message: "Connection was closed" });
  assert.deepEqual(seen, [1]);
  await cut.shutdown();
});

Deno.test("webSocketClient() takes over what a close alone tells", async () => {
  const closing = Deno.serve({ hostname: HOST, port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.close(4007, "Not you");
    return response;
  });
  const call = webSocketClient<number, number>(`ws://${HOST}:${closing.addr.port}`);
  await assert.rejects(async () => await all(await call(upTo(1), background())), {
    code: "permission_denied",
    message: "Not you",
  });
  await closing.shutdown();
});

Deno.test("webSocketClient() refuses what the schema refuses with internal", async () => {
  await using server = running(webSocketServer(double));
  const call = webSocketClient<number, string>(server.url, { schema: text });
  await assert.rejects(async () => await all(await call(upTo(1), background())), {
    code: "internal",
  });
});

// HS2, HF4
Deno.test("webSocketServer() runs its hooks, and knows the request for long", async () => {
  const seen: string[] = [];
  const handler = webSocketServer(
    (numbers: AsyncIterable<number>, ctx) =>
      Promise.resolve((async function* () {
        for await (const _ of numbers);
        yield ctx.metadata.get("x-user");
        yield new URL(ctx.value(httpRequest)!.url).pathname;
        yield typeof ctx.value(remoteAddress);
        yield ctx.deadline !== undefined;
      })()),
    {
      before: [(ctx) => (seen.push("before"), ctx)],
      finalizer: [(_, error) => seen.push(`finalizer ${error}`)],
    },
  );
  await using server = running(handler);
  const call = webSocketClient<number, unknown>(`${server.url}/path`, {
    timeoutMs: 5000,
    before: [(ctx, headers) => {
      headers.set("x-other", "1");
      return ctx;
    }],
    finalizer: [(_, error) => seen.push(`client ${error}`)],
  });
  const ctx = withOutgoing(background(), metadata({ "x-user": "ada", host: "evil" }));
  assert.deepEqual(await all(await call(upTo(1), ctx)), ["ada", "/path", "string", true]);
  await eventually(() => seen.length === 3);
  assert.deepEqual(seen.sort(), ["before", "client undefined", "finalizer undefined"]);
});

Deno.test("webSocketServer() answers what is no WebSocket with 426", async () => {
  const response = await webSocketServer(double)(new Request("http://localhost/"));
  assert.equal(response.status, 426);
  assert.equal(response.headers.get("upgrade"), "websocket");
});

Deno.test("webSocketServer() answers what before refuses with its status", async () => {
  const handler = webSocketServer(double, {
    before: [() => {
      throw new KitError("unauthenticated", "Who are you");
    }],
  });
  const request = () => new Request("http://localhost/", { headers: { upgrade: "websocket" } });
  assert.equal((await handler(request())).status, 401);
  await using server = running(handler);
  const call = webSocketClient<number, number>(server.url);
  await assert.rejects(call(upTo(1), background()), { code: "unavailable" });
});

const origins: [origin: string, allowed: string[] | undefined, isAllowed: boolean][] = [
  ["http://localhost", undefined, true],
  ["http://evil.example", undefined, false],
  ["null", undefined, false],
  ["http://app.example", ["http://app.example"], true],
  ["http://localhost", ["http://app.example"], false],
  ["http://evil.example", ["*"], true],
];
for (const [origin, allowed, isAllowed] of origins) {
  const answer = isAllowed ? "takes" : "refuses";
  Deno.test(`webSocketServer() ${answer} origin ${origin} where ${allowed} may connect`, async () => {
    const handler = webSocketServer(double, {
      ...(allowed === undefined ? {} : { origins: allowed }),
      upgrade: () => {
        throw new KitError("unimplemented", "Reached");
      },
    });
    const headers = { upgrade: "websocket", origin };
    const { status } = await handler(new Request("http://localhost/", { headers }));
    assert.equal(status, isAllowed ? 501 : 403);
  });
}

// Drain: P10
Deno.test("serve() lets a WebSocket finish while it drains", async () => {
  const server = running(webSocketServer(double));
  const { readable, writable } = new TransformStream<number, number>();
  const writer = writable.getWriter();
  const stream = await webSocketClient<number, number>(server.url)(readable, background());
  const answers = stream[Symbol.asyncIterator]();
  writer.write(1);
  assert.equal((await answers.next()).value, 2);
  const stopped = server.shutdown();
  writer.write(2);
  assert.equal((await answers.next()).value, 4);
  writer.close();
  assert((await answers.next()).done);
  assert(await stopped);
});

Deno.test("serve() closes a WebSocket with 1001 at drainMs, and tells the endpoint", async () => {
  const told = Promise.withResolvers<unknown>();
  const handler = webSocketServer(async (numbers: AsyncIterable<number>, ctx) => {
    ctx.signal.addEventListener("abort", () => told.resolve(ctx.signal.reason));
    return await sum(numbers);
  });
  const server = running(handler, { drainMs: 50 });
  await using hand = await Hand.open(server.url);
  const call = webSocketClient<number, number>(server.url, { responses: "one" });
  const { readable } = new TransformStream<number, number>();
  const outcome = assert.rejects(call(readable, background()), { code: "unavailable" });
  await delay(20);
  const begunAt = performance.now();
  assert(!await server.shutdown());
  assert(performance.now() - begunAt < 1000);
  assert.equal((await soon(hand.closed)).code, 1001);
  await outcome;
  assert.equal((await soon(told.promise) as KitError).code, "unavailable");
});

Deno.test("webSocketServer() and webSocketClient() refuse bad options", () => {
  assert.throws(() => webSocketServer(double, { maxBytes: 0 }), RangeError);
  assert.throws(() => webSocketServer(double, { idleTimeoutMs: -1 }), RangeError);
  assert.throws(() => webSocketClient("ftp://a"), TypeError);
  assert.throws(() => webSocketClient("ws://a:b@c"), TypeError);
  assert.throws(() => webSocketClient("ws://a", { timeoutMs: 0 }), RangeError);
  assert.throws(() => webSocketClient("ws://a", { maxBytes: NaN }), RangeError);
});

Deno.test("webSocketClient() is not begun when nobody waits", async () => {
  using ctx = withTimeout(background(), 0);
  const call = webSocketClient("ws://127.0.0.1:9");
  await assert.rejects(call(upTo(1), ctx), { code: "deadline_exceeded" });
});
