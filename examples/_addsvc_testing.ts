/**
 * Starts the service that adds, Kit's or Go kit's, and calls it by either client.
 * @module
 */
import { eventually } from "../sd/testdata/server_process.ts";
import { run } from "./_programs_testing.ts";
import { freePorts } from "./_shared/program.ts";

/** The wires that Go kit's speaks as well. */
export const SHARED_WIRES = ["http", "grpc", "thrift", "jsonrpc"] as const;
/** All wires. */
export const WIRES = [...SHARED_WIRES, "netrpc"] as const;
export type Wire = typeof WIRES[number];

/** Go kit's programs; none where they were not built. */
export const GO_KIT = Deno.env.get("KIT_ADDSVC_GOKIT");

/** Which of the two programs is meant. */
export type Maker = "kit" | "go";

/** A service that runs. */
export interface AddSvc extends AsyncDisposable {
  readonly ports: Readonly<Record<Wire | "debug", number>>;
  /** What it has logged so far. */
  readonly lines: readonly string[];
  /** The flag by which a client finds it. */
  at(wire: Wire): string;
  /** Stops it by a signal and tells its exit code. */
  stop(signal: Deno.Signal): Promise<number>;
}

/** The command line of a program of Kit's. */
function kit(name: "addsvc" | "addcli"): [command: string, args: string[]] {
  const main = new URL(`${name}/main.ts`, import.meta.url).href;
  const args = ["run", "--quiet", "--no-prompt", "--allow-net", "--allow-env", main];
  return [Deno.execPath(), args];
}

/** Starts a service on free ports and waits until it listens on all of them. */
export async function addsvc(maker: Maker, ...flags: string[]): Promise<AddSvc> {
  const wires = maker === "kit" ? WIRES : SHARED_WIRES;
  const [debug = 0, ...free] = freePorts(wires.length + 1);
  const ports = { debug, ...Object.fromEntries(wires.map((wire, i) => [wire, free[i]!])) };
  const [command, args] = maker === "kit" ? kit("addsvc") : [`${GO_KIT}/addsvc`, []];
  const listen = wires.map((wire, i) => `-${wire}-addr=127.0.0.1:${free[i]}`);
  const child = new Deno.Command(command, {
    args: [...args, `-debug.addr=127.0.0.1:${debug}`, ...listen, ...flags],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const logs = (async () => {
    let rest = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      const parts = `${rest}${text}`.split("\n");
      rest = parts.pop()!;
      lines.push(...parts);
    }
  })();
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  async function stop(signal: Deno.Signal): Promise<number> {
    if (!hasEnded) child.kill(signal);
    await logs;
    return (await child.status).code;
  }
  try {
    for (const port of Object.values(ports)) {
      await eventually(async () => {
        if (hasEnded) throw new Error(`Service has ended: ${lines.join("\n")}`);
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      }, { withinMs: 30_000 });
    }
  } catch (error) {
    await stop("SIGKILL");
    throw error;
  }
  return {
    ports: ports as AddSvc["ports"],
    lines,
    at: (wire) => `-${wire}-addr=127.0.0.1:${(ports as AddSvc["ports"])[wire]}`,
    stop,
    [Symbol.asyncDispose]: async () => void await stop("SIGKILL"),
  };
}

/** Runs a client to its end. */
export function addcli(maker: Maker, ...args: string[]) {
  const [command, before] = maker === "kit" ? kit("addcli") : [`${GO_KIT}/addcli`, []];
  return run(command, [...before, ...args]);
}
