/**
 * Real servers for the integration tests: started, killed, stopped and cut off at will.
 * @module
 */
import { delay } from "@kit/endpoint";

/**
 * Finds a port of the loopback that nobody listens on. It is none of those that the system gives to
 * outgoing connections: who tries again and again to connect to such a one may get itself.
 */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      using _ = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Waits until `check` no longer throws or says false; fails with what it last threw. */
export async function eventually(
  check: () => unknown,
  { withinMs = 10_000, everyMs = 20 }: { withinMs?: number; everyMs?: number } = {},
): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    let why: unknown = new Error(`Not so within ${withinMs} ms: ${check}`);
    try {
      if (await check() !== false) return;
    } catch (error) {
      why = error;
    }
    if (performance.now() > end) throw why;
    await delay(everyMs);
  }
}

/** A program that listens on a port. */
export class ServerProcess implements AsyncDisposable {
  #child: Deno.ChildProcess | undefined;

  private constructor(
    readonly port: number,
    readonly program: string,
    readonly args: readonly string[],
    readonly env: Record<string, string>,
  ) {}

  /** Starts it and waits until its port takes connections. */
  static async start(
    port: number,
    program: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<ServerProcess> {
    const server = new ServerProcess(port, program, args, env);
    await server.start();
    return server;
  }

  /** Starts it again after {@linkcode kill}. */
  async start(): Promise<void> {
    this.#child = new Deno.Command(this.program, {
      args: [...this.args],
      env: this.env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await eventually(async () => (await Deno.connect({ port: this.port })).close(), {
      withinMs: 60_000,
    });
  }

  /** Sends it a signal: SIGSTOP and SIGCONT pause it. */
  signal(name: Deno.Signal): void {
    this.#child?.kill(name);
  }

  /** Ends it at once, without a chance to say goodbye. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill("SIGKILL");
    await child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** Passes connections on to a port, until told to cut them or to swallow what they say. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #pairs = new Set<readonly [Deno.TcpConn, Deno.TcpConn]>();
  #gate: PromiseWithResolvers<void> | undefined;
  #isCut = false;
  /** How many connections it has taken. */
  accepted = 0;

  constructor(readonly target: number) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accept();
  }

  /** Breaks every connection, and each new one, until {@linkcode restore}. */
  cut(): void {
    this.#isCut = true;
    for (const pair of this.#pairs) pair.forEach(close);
  }

  /** Keeps every connection open and passes nothing on, until {@linkcode restore}. */
  blackhole(): void {
    this.#gate ??= Promise.withResolvers();
  }

  /** Passes everything on again. */
  restore(): void {
    this.#isCut = false;
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  async #accept(): Promise<void> {
    for await (const from of this.#listener) {
      this.accepted++;
      if (this.#isCut) close(from);
      else this.#pass(from);
    }
  }

  async #pass(from: Deno.TcpConn): Promise<void> {
    let to: Deno.TcpConn;
    try {
      to = await Deno.connect({ hostname: "127.0.0.1", port: this.target });
    } catch {
      return close(from);
    }
    const pair = [from, to] as const;
    this.#pairs.add(pair);
    await Promise.all([this.#copy(from, to), this.#copy(to, from)]);
    this.#pairs.delete(pair);
  }

  async #copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
        await this.#gate?.promise;
        for (let sent = 0; sent < n;) sent += await to.write(buffer.subarray(sent, n));
      }
    } catch {
      // A broken side breaks the other.
    }
    close(from);
    close(to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.restore();
    this.cut();
    await eventually(() => this.#pairs.size === 0);
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
