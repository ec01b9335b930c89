import { background, codeOf } from "@kit/endpoint";
import assert from "node:assert/strict";
import { freePort } from "../../sd/testdata/server_process.ts";
import { methods } from "./_support_test.ts";
import { channel } from "./channel.ts";
import { client } from "./client.ts";

const MAIN = new URL("./testdata/serve_main.ts", import.meta.url).pathname;

/** A service in a process of its own. */
class Service implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(port: number) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "-A", MAIN, String(port)],
      stdout: "piped",
    }).spawn();
    this.#lines = this.#child.stdout.getReader();
  }

  static async start(port: number): Promise<Service> {
    const service = new Service(port);
    await service.#lines.read();
    return service;
  }

  /** Tells it to stop; resolves to its exit code. */
  async stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    const { code } = await this.#child.status;
    await this.#lines.cancel();
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

// G1, P10
Deno.test("a rolling restart of two processes loses no call", async () => {
  const ports = [freePort(), freePort()];
  const services = await Promise.all(ports.map((port) => Service.start(port)));
  using there = channel(`ipv4:${ports.map((port) => `127.0.0.1:${port}`).join()}`, {
    balance: "round_robin",
    reconnectMinMs: 50,
    reconnectMaxMs: 200,
  });
  const call = client(there, methods.unary);
  const failed: string[] = [];
  let isOver = false;
  let calls = 0;
  const callers = Array.from({ length: 16 }, async (_, n) => {
    while (!isOver) {
      calls++;
      await call(n, background()).catch((error) => failed.push(codeOf(error)));
    }
  });
  for (let round = 0; round < 10; round++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(await services[round % 2]!.stop(), 0);
    services[round % 2] = await Service.start(ports[round % 2]!);
  }
  isOver = true;
  await Promise.all(callers);
  for (const service of services) await service[Symbol.asyncDispose]();
  assert.deepEqual(failed, [], `of ${calls}`);
  assert(calls > 1000);
});
