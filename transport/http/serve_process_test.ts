import assert from "node:assert/strict";
import { HOST, Raw, soon } from "./_support_test.ts";

const MAIN = new URL("./testdata/serve_main.ts", import.meta.url).pathname;
const DRAIN_MS = 1500;

/** A service in a process of its own. */
class Service implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  port = 0;

  private constructor(args: number[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", `--allow-net=${HOST}`, MAIN, ...args.map(String)],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = lines(this.#child.stdout);
  }

  static async start(...args: number[]): Promise<Service> {
    const service = new Service(args);
    service.port = Number(await service.line());
    return service;
  }

  get url(): string {
    return `http://${HOST}:${this.port}`;
  }

  signal(name: "SIGTERM" | "SIGINT" = "SIGTERM"): void {
    this.#child.kill(name);
  }

  async line(): Promise<string | undefined> {
    const { value } = await soon(this.#lines.next(), 15_000);
    return value;
  }

  /** Tells how the process ended, and after how long. */
  async end(): Promise<{ code: number; finished: string | undefined; ms: number }> {
    const begunAt = performance.now();
    const finished = await this.line();
    const { code } = await soon(this.#child.status, 15_000);
    return { code, finished, ms: performance.now() - begunAt };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#lines.return?.();
  }
}

async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}

/** What a client does while the service is told to stop. */
interface Shape {
  readonly name: string;
  readonly isClean: boolean;
  readonly isWaiting: boolean;
  readonly begin: (client: Raw) => Promise<void>;
}

const shapes: Shape[] = [
  {
    name: "that is idle on a connection it has used",
    isClean: true,
    isWaiting: false,
    begin: async (client) => {
      await client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      await client.read(/ok$/);
    },
  },
  {
    name: "that never sends a byte",
    isClean: true,
    isWaiting: false,
    begin: () => Promise.resolve(),
  },
  {
    name: "that sends half a header",
    isClean: true,
    isWaiting: false,
    begin: (client) => client.write("GET / HTTP/1.1\r\nHo"),
  },
  {
    name: "that stalls in a body that is waited for",
    isClean: false,
    isWaiting: true,
    begin: (client) =>
      client.write("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n{"),
  },
  {
    name: "that stalls in a body and has its answer",
    isClean: false,
    isWaiting: true,
    begin: async (client) => {
      await client.write("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n{");
      await client.read(/early$/);
    },
  },
  {
    name: "that waits for a handler that hangs",
    isClean: false,
    isWaiting: true,
    begin: (client) => client.write("GET /hang HTTP/1.1\r\nHost: h\r\n\r\n"),
  },
  {
    name: "that does not read a big answer",
    isClean: false,
    isWaiting: true,
    begin: async (client) => {
      await client.write("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
      await client.read(/\r\n\r\n/);
    },
  },
  {
    name: "that reads a stream without end",
    isClean: false,
    isWaiting: true,
    begin: async (client) => {
      await client.write("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
      await client.read(/\r\n\r\n/);
    },
  },
];

// S6, R4, P10
for (const { name, isClean, isWaiting, begin } of shapes) {
  Deno.test(`serve() ends its process with 0 in time for a client ${name}`, async () => {
    await using service = await Service.start(DRAIN_MS);
    using client = await Raw.connect(service.port);
    await begin(client);
    // So that the server has surely seen what was sent before.
    assert.equal(await (await fetch(service.url)).text(), "ok");
    service.signal();
    const { code, finished, ms } = await service.end();
    assert.equal(code, 0);
    assert.equal(finished, `finished ${isClean}`);
    assert(ms < DRAIN_MS + 1000, `${ms} ms`);
    assert.equal(ms > DRAIN_MS - 200, isWaiting, `${ms} ms`);
  });
}

// S6, P10
Deno.test("serve() finishes what is in flight in its process, refuses the rest and says so", async () => {
  await using service = await Service.start(10_000);
  const slow = fetch(`${service.url}/slow`);
  const stream = await fetch(`${service.url}/stream`);
  using upload = await Raw.connect(service.port);
  await upload.write('POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n{"a"');
  assert.equal(await (await fetch(service.url)).text(), "ok");
  using idle = await Raw.connect(service.port);
  await idle.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  await idle.read(/ok$/);
  service.signal("SIGINT");
  // The signal has arrived when a request is refused.
  for (let i = 0; i < 500; i++) {
    const response = await fetch(service.url);
    await response.body?.cancel();
    if (response.status !== 503) continue;
    assert.equal(response.headers.get("connection"), "close");
    break;
  }
  await idle.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  // The runtime sends the header, but leaves it to the client to close.
  assert.match(await idle.read(/\}$/), /ok[^]*HTTP\/1\.1 503 [^]*connection: close/i);
  await upload.write(":1}");
  assert.match(await upload.read(/\}$/), /^HTTP\/1\.1 200 [^]*\{"a":1\}$/);
  assert.equal(await (await slow).text(), "slow");
  assert.equal(await stream.text(), "xxxxx");
  const { code, finished } = await service.end();
  assert.deepEqual([code, finished], [0, "finished true"]);
});

// G3
Deno.test("serve() ends its process at once on a second signal", async () => {
  for (const path of ["/hang", "/big"]) {
    await using service = await Service.start(60_000);
    using client = await Raw.connect(service.port);
    await client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
    if (path === "/big") await client.read(/\r\n\r\n/);
    assert.equal(await (await fetch(service.url)).text(), "ok");
    service.signal();
    let response: Response | undefined;
    do {
      await response?.body?.cancel();
      response = await fetch(service.url).catch(() => undefined);
    } while (response?.status === 200);
    await response?.body?.cancel();
    service.signal("SIGINT");
    const { code, finished, ms } = await service.end();
    assert.deepEqual([code, finished], [0, "finished false"]);
    assert(ms < 1000, `${ms} ms`);
  }
});

// P10
Deno.test("serve() serves on in its process for delayMs", async () => {
  await using service = await Service.start(1000, 400);
  service.signal();
  const begunAt = performance.now();
  let served = 0;
  try {
    for (;;) {
      const response = await fetch(service.url);
      await response.body?.cancel();
      if (response.status === 200 && performance.now() - begunAt > 100) served++;
    }
  } catch {
    assert(served > 0);
  }
  const { code, finished } = await service.end();
  assert.deepEqual([code, finished], [0, "finished true"]);
});

const hasCurl = Deno.permissions.querySync({ name: "run" }).state === "granted" && (() => {
  try {
    const { stdout } = new Deno.Command("curl", { args: ["--version"] }).outputSync();
    return /HTTP2/.test(new TextDecoder().decode(stdout));
  } catch {
    return false;
  }
})();

// R11
Deno.test({
  name: "serve() speaks HTTP/2 by prior knowledge",
  ignore: !hasCurl,
  async fn() {
    await using service = await Service.start(1000);
    const { stdout } = await new Deno.Command("curl", {
      args: ["-s", "--http2-prior-knowledge", "-w", " %{http_version} %{http_code}", service.url],
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "ok 2 200");
  },
});
