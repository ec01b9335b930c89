// Kit's streams and the libraries of others, each as client and as server: curl, httpx-sse,
// sse-starlette, websockets, and a browser. `fetch_streams` of _tools/services.sh.
import assert from "node:assert/strict";
import { background, type Context, KitError } from "@kit/endpoint";
import { all, eventually, upTo } from "./_stream_support_test.ts";
import { HOST, soon } from "./_support_test.ts";
import type { Handler } from "./handler.ts";
import { routes } from "./routes.ts";
import { type HttpServer, serve } from "./serve.ts";
import { streamClient } from "./stream_client.ts";
import { streamServer } from "./stream_server.ts";
import { webSocketClient } from "./web_socket_client.ts";
import { webSocketServer } from "./web_socket_server.ts";

const PYTHON = Deno.env.get("KIT_STREAMS");
const CHROMIUM = Deno.env.get("KIT_CHROMIUM");
const PEER = new URL("testdata/streams/peer.py", import.meta.url).pathname;
const hasCurl = (() => {
  try {
    return new Deno.Command("curl", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
})();

function test(name: string, has: boolean, fn: () => Promise<void>): void {
  Deno.test({ name: has ? name : `${name} (no peer: source services.sh)`, ignore: !has, fn });
}

const stopped: string[] = [];

async function* numbers(to: number, ctx: Context): AsyncGenerator<number> {
  try {
    for (let n = 1; n <= to; n++) yield n;
    if (to === 7) throw new KitError("aborted", "Try again");
    if (to < 0) {
      yield 1;
      await new Promise((_, reject) =>
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))
      );
    }
  } finally {
    stopped.push(`${to}`);
  }
}

const count = streamServer(({ to }: { to: number }, ctx) => Promise.resolve(numbers(to, ctx)), {
  decode: (request) => ({ to: Number(new URL(request.url).searchParams.get("to")) }),
  id: (n) => `n${n}`,
});

const resumed = streamServer((_: unknown, ctx) =>
  Promise.resolve((async function* () {
    yield ctx.metadata.get("last-event-id");
  })()), { decode: () => undefined });

async function* doubled(items: AsyncIterable<number>): AsyncGenerator<number> {
  for await (const n of items) {
    if (n === 13) throw new KitError("not_found", "None");
    yield 2 * n;
  }
}

const double = (items: AsyncIterable<number>) => Promise.resolve(doubled(items));

function kit(onSeen: Handler = () => new Response()): HttpServer & { url: string } {
  const handler: Handler = routes({
    "GET /": async () =>
      new Response(
        await Deno.readTextFile(new URL("testdata/streams/page.html", import.meta.url)),
        {
          headers: { "content-type": "text/html" },
        },
      ),
    "POST /seen": onSeen,
    "GET /count": count,
    "GET /resumed": resumed,
    "POST /double": streamServer(double, { requests: "stream" }),
    "POST /sum": streamServer(async (items: AsyncIterable<number>) => {
      return (await all(items)).reduce((a, b) => a + b, 0);
    }, { requests: "stream" }),
    "GET /double": webSocketServer(double),
  });
  const server = serve(handler, { listen: `${HOST}:0`, signals: [] });
  return Object.assign(server, { url: `http://${HOST}:${server.addr.port}` });
}

async function run(program: string, args: string[], stdin = ""): Promise<string> {
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { stdout, success } = await soon(child.output(), 30_000);
  assert(success, `${program} failed`);
  return new TextDecoder().decode(stdout);
}

/** Runs a command of the peer, and tells the lines that it prints. */
async function python(...args: string[]): Promise<unknown[]> {
  const text = await run("python3", [PEER, PYTHON!, ...args]);
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

/** A server of the peer. */
class Peer implements AsyncDisposable {
  private constructor(readonly child: Deno.ChildProcess, readonly port: string) {}

  static async start(command: string): Promise<Peer> {
    const args = [PEER, PYTHON!, command, ""];
    const child = new Deno.Command("python3", { args, stdin: "null", stdout: "piped" }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.endsWith("\n")) text += (await soon(reader.read(), 20_000)).value!;
    await reader.cancel();
    const port = text.trim();
    await eventually(async () => {
      try {
        (await Deno.connect({ hostname: HOST, port: Number(port) })).close();
      } catch {
        return false;
      }
    });
    return new Peer(child, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
  }
}

// A7, A9: servers
test("streamServer() streams lines and events to curl", hasCurl, async () => {
  await using server = kit();
  const lines = await run("curl", ["-sSN", `${server.url}/count?to=2`]);
  assert.equal(lines, `{"item":1}\n{"item":2}\n{"end":true}\n`);
  const accept = ["-H", "Accept: text/event-stream"];
  const events = await run("curl", ["-sSN", ...accept, `${server.url}/count?to=1`]);
  assert.equal(events, "id: n1\ndata: 1\n\nevent: end\ndata: true\n\n");
  const failed = await run("curl", ["-sSN", `${server.url}/count?to=7`]);
  assert(failed.endsWith(`{"error":{"code":"aborted","message":"Try again"}}\n`));
});

test("streamServer() takes a stream from curl", hasCurl, async () => {
  await using server = kit();
  const body = `{"item":1}\n\n{"item":2}\r\n{"end":true}\n`;
  const args = ["-sSN", "-X", "POST", "-T", "-"];
  assert.equal(await run("curl", [...args, `${server.url}/sum`], body), "3");
  const both = await run("curl", [...args, `${server.url}/double`], body);
  assert.equal(both, `{"item":2}\n{"item":4}\n{"end":true}\n`);
});

test("streamServer() stops when curl is killed", hasCurl, async () => {
  await using server = kit();
  const child = new Deno.Command("curl", {
    args: ["-sSN", `${server.url}/count?to=-1`],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await soon(reader.read());
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await eventually(() => stopped.includes("-1"));
});

test("streamServer() streams events to httpx-sse", PYTHON !== undefined, async () => {
  await using server = kit();
  assert.deepEqual(await python("sse-client", `${server.url}/count?to=2`, "n0"), [
    ["message", "n1", 1],
    ["message", "n2", 2],
    // The last id stays: https://html.spec.whatwg.org/multipage/server-sent-events.html
    ["end", "n2", true],
  ]);
  const failed = await python("sse-client", `${server.url}/count?to=7`, "n0");
  assert.deepEqual(failed.at(-1), ["error", "n7", { code: "aborted", message: "Try again" }]);
  const [first] = await python("sse-client", `${server.url}/resumed`, "n5");
  assert.deepEqual(first, ["message", "", "n5"]);
});

// A7, A9: clients
test("streamClient() reads the events of sse-starlette", PYTHON !== undefined, async () => {
  await using peer = await Peer.start("sse-server");
  const call = (path: string) =>
    streamClient<{ to: number }, { n: number; text: string }>(
      `http://${HOST}:${peer.port}/${path}`,
      { format: "sse" },
    );
  const items = await all(await call("end")({ to: 150 }, background()));
  assert.equal(items.length, 150);
  assert.deepEqual(items.at(-1), { n: 150, text: "é\u2028" });
  await assert.rejects(async () => await all(await call("error")({ to: 1 }, background())), {
    code: "aborted",
    message: "Try again",
  });
  await assert.rejects(async () => await all(await call("cut")({ to: 1 }, background())), {
    code: "unavailable",
  });
});

// A8: servers
for (const protocol of ["kit.stream", "kit.stream.credit"]) {
  test(
    `webSocketServer() streams both ways to websockets by ${protocol}`,
    PYTHON !== undefined,
    async () => {
      await using server = kit();
      const url = `${server.url.replace("http", "ws")}/double`;
      const seen = await python("ws-client", url, protocol, "3");
      assert.deepEqual(seen, [
        ["protocol", protocol],
        { item: 2 },
        { item: 4 },
        { item: 6 },
        { end: true },
        ["closed", 1000, ""],
      ]);
      assert.equal((await python("ws-client", url, protocol, "12")).length, 15);
      const failed = await python("ws-client", url, protocol, "20");
      assert.deepEqual(failed.slice(-2), [
        { error: { code: "not_found", message: "None" } },
        ["closed", 4005, "None"],
      ]);
    },
  );

  test(
    `webSocketClient() streams both ways to websockets by ${protocol}`,
    PYTHON !== undefined,
    async () => {
      await using peer = await Peer.start("ws-server");
      const call = (path: string) =>
        webSocketClient<number, number>(`ws://${HOST}:${peer.port}/${path}`, {
          protocols: [protocol],
        });
      assert.deepEqual(
        await all(await call("")(upTo(100), background())),
        Array.from({ length: 100 }, (_, i) => 2 * (i + 1)),
      );
      for (const path of ["error", "close"]) {
        await assert.rejects(async () => await all(await call(path)(upTo(1), background())), {
          code: "not_found",
          message: "None",
        });
      }
      await assert.rejects(async () => await all(await call("cut")(upTo(1), background())), {
        code: "unavailable",
      });
    },
  );
}

// A8, A9: a browser reads a server stream, and speaks over a WebSocket, by hand
test(
  "streamServer() and webSocketServer() stream to a browser",
  CHROMIUM !== undefined,
  async () => {
    const seen = Promise.withResolvers<unknown>();
    await using server = kit(async (request) => {
      seen.resolve(await request.json());
      return new Response();
    });
    const folder = await Deno.makeTempDir();
    const child = new Deno.Command(CHROMIUM!, {
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        `--user-data-dir=${folder}`,
        "--remote-debugging-port=0",
        `${server.url}/`,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      assert.deepEqual(await soon(seen.promise, 30_000), [
        ["item", 1, "n1"],
        ["item", 2, "n2"],
        ["item", 3, "n3"],
        ["end"],
        ["frame", { item: 42 }],
        ["frame", { end: true }],
        ["closed", 1000],
      ]);
    } finally {
      child.kill("SIGTERM");
      await child.status;
      // Its helpers write their last files after it.
      await eventually(() =>
        Deno.remove(folder, { recursive: true }).then(() => true, () => false)
      );
    }
  },
);
