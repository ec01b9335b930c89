/**
 * Kit beside grpc-js and grpc-go, unary calls: `deno run -A bench/grpc/run.ts --help`.
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { Processes } from "../_processes.ts";
import { pathOf } from "../_tools.ts";
import { GRPC_GO } from "./_lines.ts";
import { CONCURRENCIES, measure, type Seen } from "./_measure.ts";
import { ratioLine, report } from "./_report.ts";

const USAGE = `Measures unary gRPC calls of Kit beside grpc-js and grpc-go. Go is needed.

Usage: deno run -A bench/grpc/run.ts [options]

  --rounds=N   how many rounds, 5 by default; the lines take turns in each
  --ms=N       how long a line is driven in a round at each concurrency, 800 by default
  --json=FILE  writes all that was measured to a file
  --help       shows this`;

const BUILD_MS = 240_000;

interface Settings {
  readonly rounds: number;
  readonly ms: number;
  readonly json: string | undefined;
}

function readSettings(args: string[]): Settings | undefined {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      rounds: { ...text, default: "5" },
      ms: { ...text, default: "800" },
      json: text,
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    rounds: positiveInteger("rounds", values.rounds),
    ms: positiveInteger("ms", values.ms),
    json: values.json,
  };
}

function positiveInteger(name: string, text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new TypeError(`Cannot use --${name} as it must be a positive integer: "${text}"`);
}

/** Shows on a terminal what is being done. */
function onProgress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

async function main({ rounds, ms, json }: Settings): Promise<void> {
  using processes = new Processes();
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      processes[Symbol.dispose]();
      Deno.exit(code);
    });
  }
  const startedAt = new Date();
  const [loadBefore] = Deno.loadavg();
  onProgress("building");
  const build = ["build", "-C", pathOf("grpc/go"), "-buildvcs=false", "-o", GRPC_GO, "."];
  await processes.run({ program: "go", args: build }, BUILD_MS);
  onProgress("");
  const cores = navigator.hardwareConcurrency;
  console.log(
    `deno ${Deno.version.deno}; ${cores} cores, load ${loadBefore!.toFixed(2)} before\n` +
      `${rounds} rounds, ${ms} ms a line at each concurrency\n`,
  );
  if (loadBefore! > cores / 2) console.log("The machine is busy: these figures say little.\n");
  const { servers, clients } = await measure(processes, { rounds, ms }, onProgress);
  onProgress("");
  for (const [kind, all] of [["server", servers], ["client", clients]] as const) {
    console.log(`${report(kind, all)}\n`);
    for (const other of ["grpc-js", "grpc-go-1", "grpc-go"]) console.log(ratioLine(all, other));
    console.log("");
  }
  console.log(`load ${Deno.loadavg()[0]!.toFixed(2)} after`);
  if (json === undefined) return;
  const plain = ({ line: { name, title }, rounds }: Seen) => ({ name, title, rounds });
  const all = {
    startedAt,
    machine: { cores, os: Deno.build.os, arch: Deno.build.arch, loadBefore },
    settings: { rounds, ms, concurrencies: CONCURRENCIES },
    servers: servers.map(plain),
    clients: clients.map(plain),
  };
  await Deno.writeTextFile(json, JSON.stringify(all, null, 2) + "\n");
}

if (import.meta.main) {
  try {
    const settings = readSettings(Deno.args);
    if (settings === undefined) console.log(USAGE);
    else await main(settings);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(error instanceof TypeError ? 2 : 1);
  }
  Deno.exit();
}
