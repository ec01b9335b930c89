// Kit's NATS transport on a real broker, and with Go kit's and Python's on the other side.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers";
import { connect } from "@nats-io/transport-node";
import type { ConnectionOptions, NatsConnection } from "@nats-io/nats-core";
import {
  background,
  CODES,
  type Context,
  delay,
  type Endpoint,
  KitError,
  metadata,
  withOutgoing,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import { eventually, freePort, ServerProcess, TcpProxy } from "../../sd/testdata/server_process.ts";
import { bytesOf, soon, textOf } from "./_support_test.ts";
import { client } from "./client.ts";
import { parseGoKitErrorReply } from "./error_reply.ts";
import { publish } from "./publish.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";

const BROKER = Deno.env.get("KIT_NATS_SERVER");
const GO_KIT = Deno.env.get("KIT_NATS_GOKIT");
const PYTHON = Deno.env.get("KIT_NATS_PYTHON");
const PEER_PY = new URL("testdata/nats_py/peer.py", import.meta.url).pathname;

const ctx = background();

function test(
  name: string,
  run: () => Promise<void>,
  needs: Record<string, string | undefined> = {},
) {
  const missing = Object.entries({ KIT_NATS_SERVER: BROKER, ...needs })
    .filter(([, value]) => value === undefined).map(([name]) => name);
  const why = missing.length === 0 ? "" : ` (no ${missing.join(", ")} here)`;
  Deno.test({ name: name + why, ignore: missing.length > 0, fn: () => soon(run(), 60_000) });
}

function broker(...args: string[]): Promise<ServerProcess> {
  const port = freePort();
  return ServerProcess.start(port, BROKER!, ["-a", "127.0.0.1", "-p", String(port), ...args]);
}

/** A connection as the docs say to make it, impatient. */
function connected(port: number, options: ConnectionOptions = {}): Promise<NatsConnection> {
  return connect({
    servers: `127.0.0.1:${port}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 0,
    ...options,
  });
}

const uppercase = server(({ s }: { s: string }, ctx: Context) => {
  if (s === "missing") {
    const details = [{ pointer: "/s", detail: "fehlt für immer" }];
    return Promise.reject(new KitError("not_found", `Cannot find "missing"`, { details }));
  }
  if (s === "busy") {
    return Promise.reject(new KitError("unavailable", "Busy", { retryAfterMs: 2500 }));
  }
  if (s === "secret") return Promise.reject(new Error("password=hunter2"));
  const id = ctx.metadata.get("x-request-id");
  return Promise.resolve({
    v: s.toUpperCase(),
    isTimed: ctx.deadline !== undefined,
    ...(id === undefined ? {} : { id }),
  });
}, {
  after: [(ctx, headers) => {
    headers.set("X-Served-By", "kit");
    return ctx;
  }],
});

interface Uppercase {
  readonly v: string;
  readonly id?: string;
  readonly isTimed?: boolean;
  readonly err?: string;
}

// NP1, NS1, NS3, A16
test("client() calls server() over a broker, with headers, deadline and errors", async () => {
  await using nats = await broker();
  await using connection = await connected(nats.port);
  await using other = await connected(nats.port);
  await using running = serve(other, { "stringsvc.uppercase": uppercase }, { queue: "stringsvc" });
  await running.ready;
  const call = client<{ s: string }, Uppercase>(connection, "stringsvc.uppercase");
  const out = withOutgoing(ctx, metadata({ "x-request-id": "ü7" }));
  assert.deepEqual(await call({ s: "grüße" }, out), { v: "GRÜSSE", isTimed: true, id: "ü7" });
  for (const code of ["not_found", "unavailable", "unknown"] as const) {
    const s = { not_found: "missing", unavailable: "busy", unknown: "secret" }[code];
    const error: KitError = await call({ s }, ctx).then(() => assert.fail(), (error) => error);
    assert.equal(error.code, code);
    if (code === "not_found") {
      assert.deepEqual(error.details, [{ pointer: "/s", detail: "fehlt für immer" }]);
    }
    if (code === "unavailable") assert.equal(error.retryAfterMs, 2500);
    if (code === "unknown") assert.equal(error.message, "Unknown error");
  }
  const raw = client(connection, "stringsvc.uppercase", {
    encode: (_, outgoing) => {
      outgoing.data = bytesOf("{");
    },
  });
  await assert.rejects(raw(1, ctx), { code: "invalid_argument" });
  await assert.rejects(client(connection, "nobody")("x", ctx), {
    code: "unavailable",
    message: `Cannot reach service as nobody serves "nobody"`,
  });
});

test("client() gets every code over a broker", async () => {
  await using nats = await broker();
  await using connection = await connected(nats.port);
  await using _running = serve(connection, {
    fail: server((code: KitError["code"]) => Promise.reject(new KitError(code, `It is ${code}`))),
  });
  for (const code of CODES.slice(1)) {
    await assert.rejects(client(connection, "fail")(code, ctx), { code, message: `It is ${code}` });
  }
});

// NP3
test("client() gives up in time on a broker, and leaves nothing behind", async () => {
  await using nats = await broker();
  await using connection = await connected(nats.port);
  const seen: Context[] = [];
  await using running = serve(connection, {
    slow: server(async (_, ctx) => {
      seen.push(ctx);
      await delay(5000, { signal: ctx.signal });
    }),
  });
  await running.ready;
  const call = client(connection, "slow", { timeoutMs: 50 });
  const before = performance.now();
  await assert.rejects(call(1, ctx), { code: "deadline_exceeded" });
  assert(performance.now() - before < 1000);
  // The deadline has come along, so that the handler has given up too.
  await eventually(() => seen[0]!.signal.aborted);
  const stop = new AbortController();
  using cancellable = withSignal(ctx, stop.signal);
  const cancelled = client(connection, "slow", { timeoutMs: 200 })(1, cancellable);
  setTimeout(() => stop.abort(new KitError("cancelled", "Enough")), 10);
  await assert.rejects(cancelled, { code: "cancelled" });
});

test("client() and server() keep within max_payload of a broker", async () => {
  await using nats = await broker();
  await using connection = await connected(nats.port);
  await using running = serve(connection, {
    size: server((s: string) => Promise.resolve(s.length)),
    grow: server((n: number) => Promise.resolve("x".repeat(n))),
  });
  await running.ready;
  const size = client<string, number>(connection, "size");
  assert.equal(await size("x".repeat(1_000_000), ctx), 1_000_000);
  await assert.rejects(size("x".repeat(1_048_576), ctx), {
    code: "resource_exhausted",
    message: "Cannot send message as it has more than 1048576 bytes",
  });
  const grow = client<number, string>(connection, "grow");
  assert.equal((await grow(1_000_000, ctx)).length, 1_000_000);
  await assert.rejects(grow(1_048_576, ctx), { code: "resource_exhausted" });
  assert.equal(await size("x", ctx), 1);
});

test("serve() and client() are told what a broker does not allow", async () => {
  const folder = await Deno.makeTempDir();
  const config = `${folder}/nats.conf`;
  await Deno.writeTextFile(
    config,
    `authorization { users = [ { user: ada, password: x, permissions: {
       publish: { deny: ["secret.>"] }, subscribe: ["_INBOX_ada.>", "mine"] } } ] }`,
  );
  try {
    await using nats = await broker("-c", config);
    await using connection = await connected(nats.port, { user: "ada", pass: "x" });
    const told: unknown[] = [];
    await using running = serve(connection, { mine: uppercase, yours: uppercase }, {
      onError: (error) => told.push(error),
    });
    await assert.rejects(running.ready, {
      code: "permission_denied",
      message: `Cannot serve "yours" as NATS does not allow it`,
    });
    assert.equal(told.length, 1);
    // Nobody may listen to the inbox of another.
    await assert.rejects(client(connection, "mine")({ s: "a" }, ctx), {
      code: "permission_denied",
    });
    const options = { inboxPrefix: "_INBOX_ada" };
    const call = client<unknown, Uppercase>(connection, "mine", options);
    assert.equal((await call({ s: "a" }, ctx)).v, "A");
    await assert.rejects(client(connection, "secret.a", options)({ s: "a" }, ctx), {
      code: "permission_denied",
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("publish() and queue groups do as a broker does", async () => {
  await using nats = await broker();
  await using connection = await connected(nats.port);
  await using other = await connected(nats.port);
  const counts = [0, 0, 0];
  const counting = (i: number) => server(() => Promise.resolve(++counts[i]!));
  await using one = serve(connection, { event: counting(0) }, { queue: "q" });
  await using two = serve(other, { "*": counting(1) }, { queue: "q" });
  await using all = serve(other, { ">": counting(2) });
  await Promise.all([one.ready, two.ready, all.ready]);
  const send = publish<number>(connection, "event");
  for (let i = 0; i < 100; i++) await send(i, ctx);
  await eventually(() => assert.equal(counts[2], 100));
  assert.equal(counts[0]! + counts[1]!, 100);
});

// The broker dies and comes back: nothing to do for whoever serves or calls.
test("serve() and client() go on when the broker was killed and started again", async () => {
  await using nats = await broker();
  await using connection = await connected(nats.port);
  await using other = await connected(nats.port);
  let isSlow = true;
  await using running = serve(other, {
    a: server(async (n: number, ctx: Context) => {
      if (isSlow) await delay(20_000, { signal: ctx.signal });
      return n;
    }),
  }, { queue: "q", drainMs: 0 });
  await running.ready;
  const call = client<number, number>(connection, "a");
  const inFlight = call(1, ctx);
  await connection.flush();
  const before = performance.now();
  const failed = assert.rejects(inFlight, { code: "unavailable" });
  await nats.kill();
  await failed;
  assert(performance.now() - before < 2000);
  await assert.rejects(call(2, ctx), { code: "unavailable" });
  isSlow = false;
  await nats.start();
  await eventually(async () => assert.equal(await call(3, ctx), 3));
  for (let round = 0; round < 3; round++) {
    await nats.kill();
    await nats.start();
    await eventually(async () => assert.equal(await call(round, ctx), round));
  }
});

test("client() fails in time when the broker is cut off or swallows what is said, and goes on", async () => {
  await using nats = await broker();
  await using proxy = new TcpProxy(nats.port);
  await using other = await connected(nats.port);
  const options = { pingInterval: 200, maxPingOut: 2, timeout: 1000 };
  await using connection = await connected(proxy.port, options);
  await using running = serve(other, { a: server((n: number) => Promise.resolve(n)) });
  await running.ready;
  const call = client<number, number>(connection, "a", { timeoutMs: 300 });
  assert.equal(await call(1, ctx), 1);

  proxy.cut();
  await assert.rejects(call(2, ctx), { code: "unavailable" });
  proxy.restore();
  await eventually(async () => assert.equal(await call(3, ctx), 3));

  proxy.blackhole();
  await assert.rejects(call(4, ctx), { code: "deadline_exceeded" });
  // The client of NATS finds out by its pings.
  await eventually(() => assert.rejects(call(5, ctx), { code: "unavailable" }));
  proxy.restore();
  await eventually(async () => assert.equal(await call(6, ctx), 6));
});

test("serve() keeps its subscriptions when it is cut off or swallows what is said", async () => {
  await using nats = await broker();
  await using proxy = new TcpProxy(nats.port);
  await using connection = await connected(nats.port);
  const options = { pingInterval: 200, maxPingOut: 2, timeout: 1000 };
  await using other = await connected(proxy.port, options);
  await using running = serve(other, { a: server((n: number) => Promise.resolve(n)) }, {
    drainMs: 1000,
  });
  await running.ready;
  const call = client<number, number>(connection, "a", { timeoutMs: 300 });
  for (const harm of ["cut", "blackhole"] as const) {
    assert.equal(await call(1, ctx), 1);
    proxy[harm]();
    await assert.rejects(call(2, ctx), (error: KitError) => {
      assert(["deadline_exceeded", "unavailable"].includes(error.code));
      return true;
    });
    proxy.restore();
    await eventually(async () => assert.equal(await call(3, ctx), 3));
  }
});

test("serve() loses no call when it drains under load", async () => {
  await using nats = await broker();
  await using connection = await connected(nats.port);
  await using first = await connected(nats.port);
  await using second = await connected(nats.port);
  const served = [0, 0];
  const handlers = (i: number) => ({
    a: server(async (n: number) => {
      await delay(2);
      served[i]!++;
      return n;
    }),
  });
  const one = serve(first, handlers(0), { queue: "q", maxInFlight: 8 });
  await using two = serve(second, handlers(1), { queue: "q", maxInFlight: 8 });
  await Promise.all([one.ready, two.ready]);
  const call = client<number, number>(connection, "a");
  let isOver = false;
  let count = 0;
  const load = Promise.all(Array.from({ length: 32 }, async () => {
    while (!isOver) {
      const n = count++;
      assert.equal(await call(n, ctx), n);
    }
  }));
  await delay(100);
  assert(await one.shutdown());
  await first.close();
  await delay(100);
  isOver = true;
  await load;
  assert(served[0]! > 10 && served[1]! > 10, served.join());
});

test("serve() gives up at the end of drainMs, and tells its callers", async () => {
  await using nats = await broker();
  await using connection = await connected(nats.port);
  const other = await connected(nats.port);
  let signal: AbortSignal | undefined;
  const running = serve(other, {
    a: server((_, ctx) => {
      signal = ctx.signal;
      return new Promise(() => {});
    }),
  }, { drainMs: 50 });
  await running.ready;
  const inFlight = client(connection, "a")(1, ctx);
  await eventually(() => signal !== undefined);
  const failed = assert.rejects(inFlight, { code: "unavailable", message: "Server is stopping" });
  assert(!(await running.shutdown()));
  await other.close();
  await failed;
  assert(signal!.aborted);
});

test("serve() refuses what is too much, and answers the rest", async () => {
  await using nats = await broker();
  await using connection = await connected(nats.port);
  await using other = await connected(nats.port);
  let most = 0;
  let now = 0;
  await using running = serve(other, {
    a: server(async (n: number) => {
      most = Math.max(most, ++now);
      await delay(20);
      now--;
      return n;
    }),
  }, { maxInFlight: 5, maxPending: 10 });
  await running.ready;
  const call = client<number, number>(connection, "a");
  const results = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => call(i, ctx)));
  const refused = results.filter((result) => result.status === "rejected");
  assert.equal(most, 5);
  assert.equal(refused.length, 35);
  assert(refused.every(({ reason }) => reason.code === "resource_exhausted"));
});

test("serve() goes on after the broker cut it off as a slow consumer", async () => {
  const folder = await Deno.makeTempDir();
  const config = `${folder}/nats.conf`;
  await Deno.writeTextFile(
    config,
    `max_pending: 200KB, write_deadline: "200ms", max_payload: 100KB`,
  );
  try {
    await using nats = await broker("-c", config);
    await using proxy = new TcpProxy(nats.port);
    await using connection = await connected(nats.port);
    await using other = await connected(proxy.port);
    await using running = serve(other, { a: server((s: string) => Promise.resolve(s.length)) });
    await running.ready;
    const call = client<string, number>(connection, "a", { timeoutMs: 500 });
    assert.equal(await call("x", ctx), 1);
    assert.equal(proxy.accepted, 1);
    proxy.blackhole();
    const send = publish<string>(connection, "a");
    const large = "x".repeat(90_000);
    for (let i = 0; i < 200; i++) {
      await send(large, ctx);
      await connection.flush();
    }
    await assert.rejects(call("x", ctx));
    proxy.restore();
    await eventually(async () => assert.equal(await call("x", ctx), 1));
    assert(proxy.accepted > 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("serve() ends when the connection gives up for ever", async () => {
  await using nats = await broker();
  const connection = await connected(nats.port, { maxReconnectAttempts: 1 });
  const told: unknown[] = [];
  const running = serve(connection, { a: uppercase }, { onError: (error) => told.push(error) });
  await running.ready;
  const call = client(connection, "a");
  await nats.kill();
  await running.finished;
  assert.deepEqual(told.map((error) => (error as KitError).code), ["unavailable"]);
  await assert.rejects(call({ s: "a" }, ctx), { code: "unavailable" });
});

/** A peer that runs, line by line. */
class Peer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(program: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      env,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async line(): Promise<string> {
    while (!this.#text.includes("\n")) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("The peer has ended");
      this.#text += value;
    }
    const end = this.#text.indexOf("\n");
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return line;
  }

  /** Has it make a call; tells what came of it. */
  async call(order: unknown): Promise<Outcome> {
    await this.#writer.write(bytesOf(`${JSON.stringify(order)}\n`));
    return JSON.parse(await this.line());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#child.status;
    await this.#reader.cancel();
  }
}

interface Outcome {
  readonly body: string;
  readonly header: Readonly<Record<string, string | string[]>> | null;
  readonly error?: string;
}

const urlOf = (nats: ServerProcess) => `nats://127.0.0.1:${nats.port}`;
const goKit = (role: string, nats: ServerProcess) => new Peer(GO_KIT!, [role, urlOf(nats)]);
const python = (role: string, nats: ServerProcess) =>
  new Peer("python3", [PEER_PY, role, urlOf(nats)], { PYTHONPATH: PYTHON! });

/** Kit's server, with a handler that fails in many ways. */
async function serving<T>(nats: ServerProcess, use: () => Promise<T>): Promise<T> {
  await using connection = await connected(nats.port);
  await using running = serve(connection, {
    "kit.uppercase": uppercase as never,
    "kit.slow": server(() => delay(300)),
  }, { queue: "kit" });
  await running.ready;
  return await use();
}

// NS3, NS5, NP5, W1
test("server() answers Go kit's publisher as Go kit would", async () => {
  await using nats = await broker();
  await serving(nats, async () => {
    await using go = goKit("client", nats);
    const call = (body: unknown) => go.call({ subject: "kit.uppercase", body });
    const hello = await call({ s: "hello, wörld" });
    // Go kit sends no header.
    assert.deepEqual(hello, {
      body: `{"v":"HELLO, WÖRLD","isTimed":false}`,
      header: { "X-Served-By": ["kit"] },
      error: "",
    });
    const missing = await call({ s: "missing" });
    assert.equal(missing.body, `{"err":"Cannot find \\"missing\\""}`);
    assert.deepEqual(missing.header, {
      "Nats-Service-Error": [`Cannot find "missing"`],
      "Nats-Service-Error-Code": ["404"],
      "kit-error-code": ["not_found"],
      "kit-error-details": [`[{"pointer":"/s","detail":"fehlt f\\u00fcr immer"}]`],
    });
    assert.equal((await call({ s: "secret" })).body, `{"err":"Unknown error"}`);
    assert.match((await call([])).body, /^{"err":"Unknown error"}$/);
    assert.equal(
      (await go.call({ subject: "nobody", body: 1 })).error,
      "nats: no responders available for request",
    );
  });
}, { KIT_NATS_GOKIT: GO_KIT });

test("server() reads the headers that nats.go sends", async () => { // A16
  await using nats = await broker();
  await serving(nats, async () => {
    await using go = goKit("client", nats);
    const header = { "X-Request-Id": ["7", "8"], "x-request-timeout-ms": ["5000"] };
    const { body } = await go.call({ subject: "kit.uppercase", body: { s: "a" }, header });
    assert.deepEqual(JSON.parse(body), { v: "A", isTimed: true, id: "7" });
    const late = { "x-request-timeout-ms": ["0"] };
    const reply = await go.call({ subject: "kit.uppercase", body: { s: "a" }, header: late });
    assert.deepEqual(reply.header?.["kit-error-code"], ["deadline_exceeded"]);
  });
}, { KIT_NATS_GOKIT: GO_KIT });

// NS1, NS3, NS5, NP4
test("client() calls Go kit's subscriber", async () => {
  await using nats = await broker();
  await using go = goKit("server", nats);
  assert.equal(await go.line(), "ready");
  await using connection = await connected(nats.port);
  const call: Endpoint<unknown, Uppercase> = client(connection, "gokit.uppercase", {
    decodeError: parseGoKitErrorReply,
  });
  assert.deepEqual(await call({ s: "hello, wörld <&>" }, ctx), { v: "HELLO, WÖRLD <&>" });
  assert.deepEqual(await call({ s: "" }, ctx), { v: "", err: "empty string" });
  await assert.rejects(call({ s: "boom" }, ctx), { code: "unknown", message: "boom <1>" });
  await assert.rejects(call({ s: 1 }, ctx), {
    code: "unknown",
    message: /^json: cannot unmarshal/,
  });
  const plain = client<unknown, unknown>(connection, "gokit.uppercase");
  assert.deepEqual(await plain({ s: "boom" }, ctx), { err: "boom <1>" });
  assert.deepEqual(await client(connection, "gokit.nothing")(null, ctx), {});
  const headers = client<null, Record<string, string[]>>(connection, "gokit.headers");
  using timed = withTimeout(ctx, 5000);
  const out = withOutgoing(timed, metadata([["traceparent", "00-1"], ["via", "a"], ["via", "ü"]]));
  const { traceparent, via, "x-request-timeout-ms": timeoutMs } = await headers(null, out);
  assert.deepEqual([traceparent, via], [["00-1"], ["a", "ü"]]);
  assert(Number(timeoutMs![0]) > 4000 && Number(timeoutMs![0]) <= 5000);
}, { KIT_NATS_GOKIT: GO_KIT });

test("server() answers nats-py", async () => { // A16
  await using nats = await broker();
  await serving(nats, async () => {
    await using py = python("client", nats);
    const call = (s: unknown, header?: Record<string, string>) =>
      py.call({ subject: "kit.uppercase", body: JSON.stringify({ s }), header });
    assert.deepEqual(await call("ü", { "x-request-id": "7", "x-request-timeout-ms": "900" }), {
      body: `{"v":"Ü","isTimed":true,"id":"7"}`,
      header: { "X-Served-By": "kit" },
    });
    assert.deepEqual(await call("missing"), {
      body: `{"err":"Cannot find \\"missing\\""}`,
      header: {
        "Nats-Service-Error": `Cannot find "missing"`,
        "Nats-Service-Error-Code": "404",
        "kit-error-code": "not_found",
        "kit-error-details": `[{"pointer":"/s","detail":"fehlt f\\u00fcr immer"}]`,
      },
    });
    const busy = await call("busy");
    assert.equal(busy.header?.["kit-retry-after-ms"], "2500");
    const bad = await py.call({ subject: "kit.uppercase", body: "{" });
    assert.equal(bad.header?.["kit-error-code"], "invalid_argument");
    assert.deepEqual(await py.call({ subject: "nobody", body: "" }), {
      error: "NoRespondersError",
    });
    assert.deepEqual(await py.call({ subject: "kit.slow", body: "1", timeout: 0.05 }), {
      error: "TimeoutError",
    });
    assert.equal((await call("a")).body, `{"v":"A","isTimed":false}`);
  });
}, { KIT_NATS_PYTHON: PYTHON });

test("client() calls a service of nats-py, and reads its errors", async () => { // A16
  await using nats = await broker();
  await using py = python("server", nats);
  assert.equal(await py.line(), "ready");
  await using connection = await connected(nats.port);
  const call = client<unknown, Uppercase>(connection, "py.uppercase");
  assert.deepEqual(await call({ s: "grün" }, ctx), { v: "GRÜN" });
  await assert.rejects(call({ s: "missing" }, ctx), {
    code: "not_found",
    message: `Cannot find "missing"`,
  });
  await assert.rejects(call({ s: "boom" }, ctx), { code: "unknown", message: "it broke" });
  await assert.rejects(call({}, ctx), { code: "unknown" });
  let servedBy = "";
  const headers = client<null, Record<string, string>>(connection, "py.headers", {
    after: [(ctx, reply) => {
      servedBy = reply.headers!.get("x-served-by");
      return ctx;
    }],
    decode: ({ data }) => JSON.parse(textOf(data)),
  });
  const out = withOutgoing(ctx, metadata({ traceparent: "00-1", name: "ü" }));
  const seen = await headers(null, out);
  assert.deepEqual([seen.traceparent, seen.name, servedBy], ["00-1", "ü", "nats-py"]);
}, { KIT_NATS_PYTHON: PYTHON });
