/**
 * Starts the service that streams, and its client.
 * @module
 */
import { eventually } from "../sd/testdata/server_process.ts";

/** A program that runs. It is killed when the test is over. */
export interface Running extends AsyncDisposable {
  /** What it has written to its standard output. */
  readonly out: readonly string[];
  /** What it has written to its standard error. */
  readonly err: readonly string[];
  /** Its standard input. */
  readonly stdin: WritableStreamDefaultWriter<Uint8Array>;
  /** Resolves to its exit code when it has ended. */
  readonly ended: Promise<number>;
  kill(signal: Deno.Signal): void;
}

/** Starts a command. */
export function running(command: string, args: readonly string[]): Running {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const out: string[] = [];
  const err: string[] = [];
  const stdin = child.stdin.getWriter();
  let hasEnded = false;
  const ended = Promise.all([
    child.status,
    read(child.stdout, out),
    read(child.stderr, err),
  ]).then(async ([{ code }]) => {
    hasEnded = true;
    await stdin.close().catch(() => {});
    return code;
  });
  function kill(signal: Deno.Signal): void {
    if (!hasEnded) child.kill(signal);
  }
  return {
    ...{ out, err, stdin, ended, kill },
    async [Symbol.asyncDispose]() {
      kill("SIGKILL");
      await ended;
    },
  };
}

async function read(stream: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = `${rest}${text}`.split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
  }
  if (rest !== "") lines.push(rest);
}

/** Starts a program of Kit's. */
export function program(name: "streamsvc" | "streamcli", ...args: string[]): Running {
  const main = new URL(`${name}/main.ts`, import.meta.url).href;
  const permissions = ["--quiet", "--no-prompt", "--allow-net", "--allow-env"];
  return running(Deno.execPath(), ["run", ...permissions, main, ...args]);
}

/** A service that runs. */
export interface StreamSvc extends Running {
  /** Where it listens, as `host:port`. */
  readonly addr: Readonly<Record<"http" | "grpc", string>>;
}

/** Starts the service and waits until it listens. */
export async function streamsvc(...flags: string[]): Promise<StreamSvc> {
  const listen = ["http", "grpc"].map((wire) => `--${wire}-addr=127.0.0.1:0`);
  const service = program("streamsvc", ...listen, ...flags);
  const addrOf = (transport: string) =>
    service.err.find((line) => line.includes(`transport=${transport} `))?.split("addr=")[1];
  let hasEnded = false;
  service.ended.then(() => hasEnded = true);
  await eventually(() => hasEnded || addrOf("gRPC") !== undefined, { withinMs: 30_000 });
  if (hasEnded) throw new Error(`Service has ended: ${service.err.join("\n")}`);
  return Object.assign(service, { addr: { http: addrOf("HTTP")!, grpc: addrOf("gRPC")! } });
}
