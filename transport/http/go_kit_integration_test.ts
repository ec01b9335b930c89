// Kit's HTTP transport and Go kit's, each as client and as server, and proxies of both between them.
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
import { HOST, soon } from "./_support_test.ts";
import { client } from "./client.ts";
import { setHeader } from "./functions.ts";
import type { Handler } from "./handler.ts";
import { proxy } from "./proxy.ts";
import { routes } from "./routes.ts";
import { type HttpServer, serve } from "./serve.ts";
import { server } from "./server.ts";

const SOURCE = new URL("../testdata/gokit", import.meta.url).pathname;
const hasGo = (() => {
  try {
    return new Deno.Command("go", { args: ["version"] }).outputSync().success;
  } catch {
    return false;
  }
})();

let folder: string | undefined;
globalThis.addEventListener("unload", () => {
  if (folder !== undefined) Deno.removeSync(folder, { recursive: true });
});

/** Builds the peer, once. */
async function peer(): Promise<string> {
  if (folder === undefined) {
    folder = await Deno.makeTempDir();
    const { success, stderr } = await new Deno.Command("go", {
      args: ["build", "-o", `${folder}/gokit`, "."],
      cwd: SOURCE,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  }
  return `${folder}/gokit`;
}

/** The peer, running. */
class Peer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;

  private constructor(path: string, args: string[]) {
    this.#child = new Deno.Command(path, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async start(...args: string[]): Promise<Peer> {
    return new Peer(await peer(), args);
  }

  async line(): Promise<string> {
    const { value } = await soon(this.#reader.read(), 20_000);
    return value!.trim();
  }

  /** Ends its input, and tells what it writes. */
  async end(): Promise<string> {
    await this.#child.stdin.close();
    let text = "";
    for (;;) {
      const { done, value } = await soon(this.#reader.read(), 20_000);
      if (done) return text;
      text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.stdin.close().catch(() => {});
    await this.#reader.cancel();
    await this.#child.status;
  }
}

function test(name: string, fn: () => Promise<void>): void {
  // It needs `go`, and the module proxy or its cache.
  Deno.test({ name: hasGo ? name : `${name} (no go here)`, ignore: !hasGo, fn });
}

const uppercase = server((request: { s: string }, ctx: Context) => {
  if (request.s === "missing") {
    return Promise.reject(new KitError("not_found", `Cannot find "missing"`));
  }
  if (request.s === "secret") return Promise.reject(new Error("password=hunter2"));
  if (request.s === "busy") {
    return Promise.reject(new KitError("unavailable", "Busy", { retryAfterMs: 2500 }));
  }
  return Promise.resolve({
    v: request.s.toUpperCase(),
    id: ctx.metadata.get("x-request-id"),
    isTimed: ctx.deadline !== undefined,
  });
}, { after: [setHeader("X-Served-By", "kit")] });

function kit(handler: Handler = uppercase as Handler): HttpServer {
  return serve(routes({ "POST /uppercase": handler }), { listen: `${HOST}:0`, signals: [] });
}

const urlOf = (port: number | string) => `http://${HOST}:${port}`;

interface Answer {
  readonly status: number;
  readonly header: Readonly<Record<string, string[]>>;
  readonly body: string;
}

// HS14, HS15, HF2, S4
function assertAnswers(answers: readonly Answer[]): void {
  const [hello, empty, missing, secret, busy] = answers.map(({ status, header, body }) => ({
    status,
    header,
    body: JSON.parse(body),
  }));
  assert.deepEqual([hello!.status, hello!.body], [200, {
    v: "HELLO",
    id: "a1b2c3d4e5",
    isTimed: true,
  }]);
  assert.deepEqual(hello!.header["X-Served-By"], ["kit"]);
  assert.deepEqual(hello!.header["Content-Type"], ["application/json"]);
  assert.equal(empty!.body.v, "");
  assert.deepEqual([missing!.status, missing!.body.code, missing!.body.detail], [
    404,
    "not_found",
    `Cannot find "missing"`,
  ]);
  assert.deepEqual(missing!.header["Content-Type"], ["application/problem+json"]);
  assert.deepEqual([secret!.status, secret!.body.detail], [500, "Unknown error"]);
  assert.deepEqual([busy!.status, busy!.header["Retry-After"]], [503, ["3"]]);
  assert(!JSON.stringify(answers).includes("hunter2"));
}

test("server() answers Go kit's client", async () => {
  await using running = kit();
  await using go = await Peer.start("client", `${urlOf(running.addr.port)}/uppercase`);
  assertAnswers(JSON.parse(await go.end()));
});

test("server() answers Go kit's client through the proxy of Go", async () => {
  await using running = kit();
  await using front = await Peer.start("proxy", urlOf(running.addr.port));
  await using go = await Peer.start("client", `${urlOf(await front.line())}/uppercase`);
  assertAnswers(JSON.parse(await go.end()));
});

// RP1
test("server() answers Go kit's client through proxy()", async () => {
  await using running = kit();
  await using front = serve(proxy(urlOf(running.addr.port)), { listen: `${HOST}:0`, signals: [] });
  await using go = await Peer.start("client", `${urlOf(front.addr.port)}/uppercase`);
  assertAnswers(JSON.parse(await go.end()));
});

/** Calls Go kit's server at a URL, with all that it may answer. */
async function assertCalls(url: string): Promise<void> {
  let headers = new Headers();
  const call = client<{ s: string }, { v: string }>(`${url}/uppercase`, {
    before: [setHeader("X-Request-Id", "a1b2c3d4e5")],
    after: [(ctx, response) => {
      headers = response.headers;
      return ctx;
    }],
  });
  const ctx = background();
  assert.deepEqual(await call({ s: "hello, wörld" }, ctx), { v: "HELLO, WÖRLD" });
  // HS14, R11
  assert.equal(headers.get("x-served-by"), "gokit");
  assert.equal(headers.get("vary"), "a, b");
  // W1
  assert.deepEqual(await call({ s: "<&>\u2028" }, ctx), { v: "<&>\u2028" });
  assert.deepEqual(await call({ s: "headers" }, ctx), { v: "a1b2c3d4e5" });
  assert.equal(await call({ s: "nothing" }, ctx), undefined);
  // HS15: Go kit shows the text of any error; Kit's client does not take it over
  await assert.rejects(call({ s: "plain" }, ctx), {
    code: "unknown",
    message: "Call failed with status 500",
  });
  await assert.rejects(call({ s: "teapot" }, ctx), { code: "failed_precondition" });
  assert.equal(headers.get("x-enhanced"), "1");
  await assert.rejects(call({ s: "busy" }, ctx), { code: "unavailable", retryAfterMs: 3000 });
}

test("client() calls Go kit's server", async () => {
  await using go = await Peer.start("server");
  await assertCalls(urlOf(await go.line()));
});

// RP1
test("client() calls Go kit's server through proxy()", async () => {
  await using go = await Peer.start("server");
  await using front = serve(proxy(urlOf(await go.line())), { listen: `${HOST}:0`, signals: [] });
  await assertCalls(urlOf(front.addr.port));
});

test("client() calls Go kit's server through the proxy of Go", async () => {
  await using go = await Peer.start("server");
  await using front = await Peer.start("proxy", urlOf(await go.line()));
  await assertCalls(urlOf(await front.line()));
});

interface Seen {
  readonly method: string;
  readonly uri: string;
  readonly host: string;
  readonly header: Readonly<Record<string, string[]>>;
  readonly length: number;
  readonly body: string;
}

// P4, HC10
test("client() sends what Go reads as it was meant", async () => {
  await using go = await Peer.start("server");
  const port = await go.line();
  const seen = client<unknown, Seen>(`${urlOf(port)}/seen?a=b`);
  using timed = withTimeout(background(), 5000);
  const ctx = withOutgoing(
    timed,
    metadata({ traceparent: "00-x", host: "evil", "content-length": "1" }),
  );
  const { method, uri, host, header, length, body } = await seen({ s: "ü" }, ctx);
  assert.deepEqual([method, uri, host, length, body], [
    "POST",
    "/seen?a=b",
    `${HOST}:${port}`,
    10,
    `{"s":"ü"}`,
  ]);
  assert.deepEqual(header["Content-Type"], ["application/json"]);
  assert.deepEqual(header["Traceparent"], ["00-x"]);
  assert(Number(header["X-Request-Timeout-Ms"]![0]) > 4000);
});

// RP4
test("proxy() tells Go's server who asked, and sends the body on", async () => {
  await using go = await Peer.start("server");
  await using front = serve(proxy(`${urlOf(await go.line())}/?x=1`), {
    listen: `${HOST}:0`,
    signals: [],
  });
  for (const body of ["hello", ReadableStream.from([new TextEncoder().encode("hello")])]) {
    const response = await fetch(`${urlOf(front.addr.port)}/seen?a=b`, { method: "PUT", body });
    const seen: Seen = await response.json();
    assert.deepEqual([seen.method, seen.uri, seen.body], ["PUT", "/seen?x=1&a=b", "hello"]);
    assert.deepEqual(seen.header["X-Forwarded-For"], [HOST]);
    assert.deepEqual(seen.header["X-Forwarded-Host"], [`${HOST}:${front.addr.port}`]);
  }
});

// P10: connections that Go keeps for the next call do not cost it one
test("serve() cuts off no answer to Go's client when it drains", async () => {
  const running = kit(server(async ({ s }: { s: string }) => {
    await delay(2);
    return { v: s.toUpperCase() };
  }) as Handler);
  await using go = await Peer.start("load", `${urlOf(running.addr.port)}/uppercase`);
  assert.equal(await go.line(), "ready");
  await delay(200);
  assert(await running.shutdown());
  const counts: Record<string, number> = JSON.parse(await go.end());
  assert(counts["200"]! > 10, JSON.stringify(counts));
  // No answer is cut off. The runtime closes what it has accepted and not yet read when it stops to
  // listen, which a client with one call at a time can meet once, on a new connection.
  const { "200": _, "503": __, refused: ___, closed = 0, ...rest } = counts;
  assert.deepEqual(rest, {});
  assert(closed <= 1, JSON.stringify(counts));
});
