import assert from "node:assert/strict";
import { connect as open, createServer, type Socket } from "node:net";
import {
  background,
  type Context,
  delay,
  type Endpoint,
  KitError,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import { soon } from "../http/_support_test.ts";
import { remoteAddress } from "../http/keys.ts";
import { client } from "./client.ts";
import { connect, type ConnectOptions } from "./connect.ts";
import * as gob from "./gob/mod.ts";
import { method, type MethodOptions } from "./method.ts";
import { type NetrpcListener, serve, type ServeOptions } from "./serve.ts";
import { server } from "./server.ts";
import type { Schema } from "../schema.ts";

const { int, string, struct } = gob;
const Args = struct("Args", { a: int, b: int });
const types = { args: int, reply: int };
const CODECS = ["gob", "json"] as const;

/** A server of one method, `T.Call`, and an endpoint that calls it. */
async function pair<Req, Res>(
  endpoint: Endpoint<Req, Res>,
  options: MethodOptions<Req, Res>,
  serving: ServeOptions = {},
  connecting: ConnectOptions = {},
) {
  const running = await serve(server({ "T.Call": method(endpoint, options) }), {
    listen: "127.0.0.1:0",
    ...serving,
  });
  const target = `127.0.0.1:${running.addr.port}`;
  const { codec = "gob", http = false } = serving;
  const connection = connect(target, { codec, http, ...connecting });
  const call = client<Req, Res>(connection, "T.Call", {
    args: options.args,
    reply: options.reply,
    ...(options.schema === undefined ? {} : { schema: options.schema as unknown as Schema<Res> }),
  });
  return {
    running,
    call,
    connection,
    target,
    [Symbol.asyncDispose]: async () => {
      await connection[Symbol.asyncDispose]();
      await running[Symbol.asyncDispose]();
    },
  };
}

/** A client that sends bytes, for what no codec would send. */
class Raw implements AsyncDisposable {
  text = "";
  readonly closed: Promise<void>;
  readonly socket: Socket;

  constructor(running: NetrpcListener) {
    this.socket = open({ host: "127.0.0.1", port: running.addr.port });
    this.socket.on("error", () => {});
    this.socket.on("data", (bytes) => this.text += bytes.toString("latin1"));
    this.closed = new Promise((resolve) => this.socket.once("close", () => resolve()));
  }

  async until(pattern: RegExp): Promise<void> {
    for (let i = 0; i < 400 && !pattern.test(this.text); i++) await delay(5);
    assert.match(this.text, pattern);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

for (const codec of CODECS) {
  Deno.test(`client() and serve() carry code and message of an error, ${codec}`, async () => {
    const errors: unknown[] = [];
    const thrown: unknown[] = [
      new KitError("failed_precondition", "Cannot ship", { details: [{ a: 1 }] }),
      new Error("password=hunter2"),
      undefined,
    ];
    await using peers = await pair((n: number) => Promise.reject<number>(thrown[n]), {
      ...types,
      onError: (error) => errors.push(error),
    }, { codec });
    await assert.rejects(peers.call(0, background()), {
      code: "failed_precondition",
      message: "Cannot ship",
    });
    await assert.rejects(peers.call(1, background()), {
      code: "unknown",
      message: "Unknown error",
    });
    await assert.rejects(peers.call(2, background()), { code: "unknown" });
    assert.equal(errors[1], thrown[1]);
    assert.equal(errors.length, 3);
  });

  Deno.test(`serve() answers out of order, each call its own, ${codec}`, async () => {
    await using peers = await pair(
      async (n: number) => {
        await delay(n % 7);
        return n;
      },
      types,
      { codec, maxInflight: 10 },
    );
    const all = Array.from({ length: 200 }, (_, i) => i);
    assert.deepEqual(await Promise.all(all.map((n) => peers.call(n, background()))), all);
  });

  Deno.test(`serve() runs no more calls of a connection than it may, ${codec}`, async () => {
    let running = 0;
    let most = 0;
    await using peers = await pair(
      async (n: number) => {
        most = Math.max(most, ++running);
        await delay(2);
        running--;
        return n;
      },
      types,
      { codec, maxInflight: 3 },
    );
    await Promise.all(Array.from({ length: 30 }, (_, i) => peers.call(i, background())));
    assert.equal(most, 3);
  });

  Deno.test(`serve() refuses what cannot be decoded to its caller alone, ${codec}`, async () => {
    const told: unknown[] = [];
    await using peers = await pair((n: number) => Promise.resolve(n), types, {
      codec,
      onError: (error) => told.push(error),
    });
    const wrong = client(peers.connection, "T.Call", { args: string, reply: int });
    const unknown = client(peers.connection, "T.__proto__", { args: Args, reply: int });
    const results = await Promise.allSettled([
      peers.call(1, background()),
      wrong("x", background()),
      unknown({ a: 1, b: 2 }, background()),
      peers.call(2, background()),
    ]);
    assert.deepEqual(
      results.map((one) => one.status === "fulfilled" ? one.value : one.reason.code),
      [1, "invalid_argument", "unimplemented", 2],
    );
    assert.equal(told.length, 2);
  });

  Deno.test(`serve() and client() refuse messages that are too long, ${codec}`, async () => {
    const options = { args: string, reply: string };
    await using peers = await pair((text: string) => Promise.resolve(text + text), options, {
      codec,
      maxBytes: 1000,
    }, { maxBytes: 1000 });
    const late = peers.call("x".repeat(400), background());
    const long = peers.call("x".repeat(2000), background());
    assert.equal((await late).length, 800);
    await assert.rejects(long, (error: KitError) => {
      return error.code === (codec === "gob" ? "resource_exhausted" : "unavailable");
    });
    // The server ends the connection, as it cannot tell where the message ends.
    await delay(20);
    await assert.rejects(peers.call("x".repeat(700), background()), (error: KitError) => {
      return error.code === (codec === "gob" ? "resource_exhausted" : "unavailable");
    });
    assert.equal(await peers.call("y", background()), "yy");
  });

  Deno.test(`serve() answers a reply that is not of its type as an unknown error, ${codec}`, async () => {
    const errors: unknown[] = [];
    const wrong = (n: number) => Promise.resolve((n === 0 ? "secret" : n) as number);
    await using peers = await pair(wrong, { ...types, onError: (e) => errors.push(e) }, { codec });
    await assert.rejects(peers.call(0, background()), {
      code: "unknown",
      message: "Unknown error",
    });
    assert.equal(await peers.call(3, background()), 3);
    assert(errors[0] instanceof TypeError);
    await assert.rejects(peers.call(0.5, background()), TypeError);
    assert.equal(await peers.call(4, background()), 4);
  });
}

Deno.test("serve() gives the headers of CONNECT as metadata, and who calls", async () => {
  let seen: Context | undefined;
  await using peers = await pair(
    (n: number, ctx: Context) => {
      seen = ctx;
      return Promise.resolve(n);
    },
    types,
    { http: true },
    { headers: { authorization: "Bearer 7", "x-tenant": "a" } },
  );
  assert.equal(await peers.call(1, background()), 1);
  assert.equal(seen?.metadata.get("Authorization"), "Bearer 7");
  assert.equal(seen?.metadata.get("x-tenant"), "a");
  assert.match(seen?.value(remoteAddress) ?? "", /^127\.0\.0\.1:\d+$/);
  assert(seen?.deadline !== undefined);
});

const HEADS: [string, string, RegExp][] = [
  [
    "another method",
    "GET /_goRPC_ HTTP/1.1\r\nHost: a\r\n\r\n",
    /^HTTP\/1\.0 405 .*405 must CONNECT\n$/s,
  ],
  ["another path", "CONNECT /x HTTP/1.0\n\n", /^HTTP\/1\.0 404 /],
  ["no HTTP", "hello\n\n", /^HTTP\/1\.0 400 /],
  ["a header that is none", "CONNECT /_goRPC_ HTTP/1.0\nbad header\n\n", /^$/],
  ["a head without end", "CONNECT /_goRPC_ HTTP/1.0\n" + "a: b\n".repeat(20_000), /^$/],
];
for (const [name, text, answer] of HEADS) {
  Deno.test(`serve() refuses a client that comes with ${name}`, async () => {
    await using peers = await pair((n: number) => Promise.resolve(n), types, { http: true });
    await using raw = new Raw(peers.running);
    raw.socket.write(text);
    await soon(raw.closed);
    assert.match(raw.text, answer);
    assert.equal(await peers.call(1, background()), 1);
  });
}

Deno.test("serve() takes a request that comes together with CONNECT", async () => {
  await using peers = await pair((n: number) => Promise.resolve(n), types, {
    http: "/rpc",
    codec: "json",
  });
  await using raw = new Raw(peers.running);
  raw.socket.write(`CONNECT /rpc HTTP/1.0\n\n{"method":"T.Call","params":[7],"id":1}`);
  await raw.until(/^HTTP\/1\.0 200 Connected to Go RPC\n\n\{"id":1,"result":7,"error":null\}\n$/);
});

Deno.test("serve() gives ids of JSON back as they came", async () => {
  await using peers = await pair((n: number) => Promise.resolve(n), types, { codec: "json" });
  await using raw = new Raw(peers.running);
  raw.socket.write(`{"method":"T.Call","params":[1],"id":18446744073709551615}`);
  await raw.until(/"id":18446744073709551615,"result":1/);
  raw.socket.write(`{"method":"T.Call","params":[2],"id":"a"}{"id":{"x":[1]}} {}`);
  await raw.until(/"id":"a","result":2/);
  await raw.until(
    /"id":\{"x":\[1\]\},"result":null,"error":"rpc: service\/method request ill-formed: "/,
  );
  await raw.until(/"id":null,"result":null/);
  raw.socket.write(`{"method":"T.Call","id":3}{"method":"T.Call","params":{},"id":4}`);
  await raw.until(/"id":3,.*jsonrpc: request body missing params"/);
  await raw.until(/"id":4,.*InvalidArgument/);
});

const GARBAGE: [string, "gob" | "json", string | Uint8Array][] = [
  ["HTTP", "gob", `GET / HTTP/1.1\r\nHost: ${"a".repeat(100)}\r\n\r\n`],
  ["zeros", "gob", new Uint8Array(100)],
  ["a length of 2^31 - 1", "gob", Uint8Array.of(0xfc, 0x7f, 0xff, 0xff, 0xff, 1, 2)],
  ["HTTP", "json", "GET / HTTP/1.1\r\n\r\n"],
  ["JSON that is none", "json", "{]{}"],
  ["brackets without end", "json", "[".repeat(5000)],
];
for (const [name, codec, bytes] of GARBAGE) {
  Deno.test(`serve() ends a connection that sends ${name}, and goes on, ${codec}`, async () => {
    const errors: unknown[] = [];
    await using peers = await pair((n: number) => Promise.resolve(n), types, {
      codec,
      onError: (error) => errors.push(error),
    });
    await using raw = new Raw(peers.running);
    raw.socket.write(bytes);
    await soon(raw.closed);
    assert.equal(errors.length, 1);
    assert.equal(await peers.call(1, background()), 1);
  });
}

Deno.test("serve() gives up on a client that stalls in a message, and on none that is idle", async () => {
  const codes: string[] = [];
  await using peers = await pair((n: number) => Promise.resolve(n), types, {
    stallTimeoutMs: 60,
    onError: (error) => codes.push((error as KitError).code),
  });
  assert.equal(await peers.call(1, background()), 1);
  await using raw = new Raw(peers.running);
  raw.socket.write(Uint8Array.of(0x20, 0xff));
  const began = performance.now();
  await soon(raw.closed);
  assert.deepEqual(codes, ["deadline_exceeded"]);
  assert(performance.now() - began < 1500);
  let hasClosed = false;
  await using idle = new Raw(peers.running);
  idle.closed.then(() => hasClosed = true);
  await delay(150);
  assert(!hasClosed);
});

Deno.test("serve() gives up on a client that does not take its replies", async () => {
  const Big = { args: int, reply: string };
  const errors: unknown[] = [];
  await using peers = await pair((n: number) => Promise.resolve("x".repeat(n)), Big, {
    codec: "json",
    stallTimeoutMs: 100,
    maxInflight: 4,
    onError: (error) => errors.push(error),
  });
  const socket = open({ host: "127.0.0.1", port: peers.running.addr.port });
  socket.pause();
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  for (let i = 0; i < 100; i++) {
    socket.write(`{"method":"T.Call","params":[2000000],"id":${i}}\n`);
  }
  await delay(600);
  socket.resume();
  await soon(closed);
  assert.equal((await peers.call(3, background())).length, 3);
});

Deno.test("serve() tells endpoints that their client has gone", async () => {
  const gone = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<void>();
  await using peers = await pair((_: number, ctx: Context) => {
    ctx.signal.addEventListener("abort", () => gone.resolve(ctx.signal.reason));
    begun.resolve();
    return gone.promise.then(() => 1);
  }, types);
  const call = peers.call(1, background());
  call.catch(() => {});
  await begun.promise;
  peers.connection[Symbol.dispose]();
  assert.equal((await gone.promise as KitError).code, "cancelled");
  await assert.rejects(call, { code: "unavailable" });
  await assert.rejects(peers.call(1, background()), { code: "unavailable" });
});

Deno.test("serve() fails a call that takes too long", async () => {
  const late = Promise.withResolvers<number>();
  await using peers = await pair(
    (n: number) => n === 0 ? late.promise : Promise.resolve(n),
    types,
    {
      handlerTimeoutMs: 30,
    },
  );
  await assert.rejects(peers.call(0, background()), {
    code: "deadline_exceeded",
    message: "Server took too long",
  });
  late.resolve(0);
  assert.equal(await peers.call(1, background()), 1);
});

Deno.test("NetrpcListener.shutdown() finishes what is in flight and refuses the rest", async () => {
  const late = Promise.withResolvers<number>();
  const begun = Promise.withResolvers<void>();
  await using peers = await pair((n: number) => {
    begun.resolve();
    return n === 0 ? late.promise : Promise.resolve(n);
  }, types);
  const first = peers.call(0, background());
  await begun.promise;
  const stopped = peers.running.shutdown();
  await assert.rejects(peers.call(1, background()), { code: "unavailable" });
  late.resolve(7);
  assert.equal(await first, 7);
  assert(await stopped);
  await assert.rejects(peers.call(1, background()), { code: "unavailable" });
});

Deno.test("NetrpcListener.shutdown() cuts off what is not done in time", async () => {
  const begun = Promise.withResolvers<void>();
  const forever = Promise.withResolvers<number>();
  await using peers = await pair(
    () => {
      begun.resolve();
      return forever.promise;
    },
    types,
    { drainMs: 20 },
  );
  const call = peers.call(0, background());
  call.catch(() => {});
  await begun.promise;
  assert(!await peers.running.shutdown());
  await assert.rejects(call, { code: "unavailable" });
  forever.resolve(1);
});

Deno.test("client() drops calls that are cancelled or late, and their answers", async () => {
  await using peers = await pair(async (n: number) => {
    await delay(30);
    return n;
  }, types);
  const controller = new AbortController();
  using cancelled = withSignal(background(), controller.signal);
  using late = withTimeout(background(), 5);
  const calls = [peers.call(1, cancelled), peers.call(2, late), peers.call(3, background())];
  const settled = Promise.allSettled(calls);
  await delay(10);
  controller.abort(new KitError("cancelled", "No more"));
  const results = await settled;
  assert.deepEqual(
    results.map((one) => one.status === "fulfilled" ? one.value : one.reason.code),
    ["cancelled", "deadline_exceeded", 3],
  );
  assert.equal(await peers.call(4, background()), 4);
  await assert.rejects(
    client<number, number>(peers.connection, "T.Call", { ...types, timeoutMs: 5 })(1, background()),
    { code: "deadline_exceeded" },
  );
});

Deno.test("connect() leaves a connection on which nothing comes any more", async () => {
  let taken = 0;
  const sockets: Socket[] = [];
  const hole = createServer((socket) => {
    taken++;
    sockets.push(socket);
    socket.on("error", () => {});
    socket.resume();
  });
  await new Promise<void>((resolve) => hole.listen(0, "127.0.0.1", resolve));
  {
    const { port } = hole.address() as { port: number };
    await using connection = connect(`127.0.0.1:${port}`);
    const call = client<number, number>(connection, "T.Call", { ...types, timeoutMs: 20 });
    for (let i = 0; i < 3; i++) {
      await assert.rejects(call(1, background()), { code: "deadline_exceeded" });
    }
  }
  assert.equal(taken, 3);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => hole.close(resolve));
});

Deno.test("connect() fails in time where nobody shakes hands, and where answers make no sense", async () => {
  const hole = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => bytes.length < 40 ? undefined : socket.write("\0what?\n\n"));
  });
  await new Promise<void>((resolve) => hole.listen(0, "127.0.0.1", resolve));
  const { port } = hole.address() as { port: number };
  {
    await using silent = connect(`127.0.0.1:${port}`, { http: "/", connectTimeoutMs: 30 });
    const call = client<number, number>(silent, "T.Call", types);
    await assert.rejects(call(1, background()), { code: "unavailable" });
    await using odd = connect(`127.0.0.1:${port}`, { http: `/${"x".repeat(50)}` });
    await assert.rejects(client<number, number>(odd, "T.Call", types)(1, background()), {
      code: "unavailable",
    });
    await using garbled = connect(`127.0.0.1:${port}`);
    await assert.rejects(client<number, number>(garbled, "T.Call", types)(1, background()), {
      code: "unavailable",
    });
  }
  await new Promise((resolve) => hole.close(resolve));
});

// Go kit's order, as on the other wires.
Deno.test("method() and client() run their hooks in Go kit's order", async () => {
  const seen: string[] = [];
  const note = (name: string) => (ctx: Context) => {
    seen.push(name);
    return ctx;
  };
  const done = Promise.withResolvers<void>();
  const endpoint: Endpoint<string, string> = (text) => {
    seen.push("endpoint");
    return Promise.resolve(text + "!");
  };
  const bound = method(endpoint, {
    ...types,
    before: [note("before 1"), note("before 2")],
    decode: (n) => (seen.push("decode"), String(n)),
    after: [note("after 1"), note("after 2")],
    encode: (text) => (seen.push("encode"), text.length),
    finalizer: [
      () => void seen.push("finalizer 1"),
      () => (seen.push("finalizer 2"), done.resolve()),
    ],
  });
  await using running = await serve(server({ "T.Call": bound }), { listen: "127.0.0.1:0" });
  await using connection = connect(`127.0.0.1:${running.addr.port}`);
  const call = client<string, string, number, number>(connection, "T.Call", {
    ...types,
    encode: (text) => (seen.push("client encode"), Number(text)),
    before: [note("client before")],
    after: [note("client after")],
    decode: (n) => (seen.push("client decode"), "x".repeat(n)),
    finalizer: [() => void seen.push("client finalizer")],
  });
  assert.equal(await call("12", background()), "xxx");
  await done.promise;
  assert.deepEqual(seen, [
    "client encode",
    "client before",
    "before 1",
    "before 2",
    "decode",
    "endpoint",
    "after 1",
    "after 2",
    "encode",
    "finalizer 1",
    "finalizer 2",
    "client after",
    "client decode",
    "client finalizer",
  ]);
});

Deno.test("method() and client() validate by their schema", async () => {
  const even = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) =>
        Number(value) % 2 === 0
          ? { value: value as number }
          : { issues: [{ message: "must be even" }] },
    },
  };
  await using peers = await pair((n: number) => Promise.resolve(n + n / 2), {
    ...types,
    schema: even,
  });
  assert.equal(await peers.call(4, background()), 6);
  const plain = client<number, number>(peers.connection, "T.Call", types);
  await assert.rejects(plain(1, background()), {
    code: "invalid_argument",
    message: "Cannot decode request: must be even",
  });
  assert.equal(await plain(2, background()), 3);
  await assert.rejects(peers.call(2, background()), { code: "internal" });
});

Deno.test("server(), serve() and connect() refuse misuse", async () => {
  const one = method((n: number) => Promise.resolve(n), types);
  for (const name of ["Call", ".Call", "T.", ""]) {
    assert.throws(() => server({ [name]: one }), TypeError);
  }
  for (
    const bad of [
      { listen: "x" },
      { http: "rpc" },
      { maxBytes: 0 },
      { maxInflight: 0 },
      { stallTimeoutMs: 0 },
      { handlerTimeoutMs: -1 },
      { drainMs: -1 },
    ]
  ) {
    await assert.rejects(serve(server({}), { listen: "127.0.0.1:0", ...bad }), Error);
  }
  for (const target of ["", "host", "host:", "host:0", "host:70000", "http://host:1", "a b:1"]) {
    assert.throws(() => connect(target), TypeError);
  }
  for (
    const bad of [{ http: "rpc" }, { maxBytes: 0 }, { connectTimeoutMs: 0 }, {
      headers: { "a b": "c" },
    }]
  ) {
    assert.throws(() => connect("127.0.0.1:1", bad), Error);
  }
  await using connection = connect("127.0.0.1:1");
  assert.throws(() => client(connection, "T.Call", { ...types, timeoutMs: 0 }), RangeError);
  await using running = await serve(server({}), { listen: "127.0.0.1:0" });
  const listen = `127.0.0.1:${running.addr.port}`;
  await assert.rejects(serve(server({}), { listen }), {
    code: "unavailable",
    message: `Cannot listen on "${listen}" as it is in use`,
  });
});
