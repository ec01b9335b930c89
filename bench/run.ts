/**
 * Kit beside its peers: `deno run -A bench/run.ts --help`.
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { CLIENTS, SERVERS } from "./_lines.ts";
import { CONCURRENCIES, measure, type Plan, type Results, type Seen } from "./_measure.ts";
import { Processes } from "./_processes.ts";
import { report, verdicts } from "./_report.ts";
import { prepare, type Tool, type Tools } from "./_tools.ts";

const USAGE = `Measures Kit beside its peers and prints one table of ratios.

Usage: deno run -A bench/run.ts [options]

  --only=NAME,...   these lines only, and what they are compared to: "bare" and "checks",
                    or "fetch"; "servers" and "clients" are all of a kind
  --rounds=N        how many rounds, 5 by default; the lines take turns in each
  --seconds=N       how long a server is under load in a round, 1 by default, after a second to
                    warm up; a client is driven half as long at each concurrency
  --connections=N   connections of the load on a server, 32 by default
  --load=TOOL       wrk or autocannon; by default wrk where there is one
  --json=FILE       writes all that was measured to a file
  --help            shows this

Lines: ${SERVERS.map(({ name }) => name).join(", ")};
${CLIENTS.map(({ name }) => name).join(", ")}`;

interface Settings extends Plan {
  readonly json: string | undefined;
}

/** Reads the command line; `undefined` when help is asked for. */
function readSettings(args: string[]): Settings | undefined {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      only: { ...text, default: "servers,clients" },
      rounds: { ...text, default: "5" },
      seconds: { ...text, default: "1" },
      connections: { ...text, default: "32" },
      load: text,
      json: text,
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const { load } = values;
  if (load !== undefined && load !== "wrk" && load !== "autocannon") {
    throw new TypeError(`Cannot use --load as it must be wrk or autocannon: "${load}"`);
  }
  return {
    names: namesOf(values.only),
    rounds: positiveInteger("rounds", values.rounds),
    seconds: positiveInteger("seconds", values.seconds),
    connections: positiveInteger("connections", values.connections),
    load,
    json: values.json,
  };
}

function namesOf(only: string): Set<string> {
  const servers = SERVERS.map(({ name }) => name);
  const clients = CLIENTS.map(({ name }) => name);
  const groups: Readonly<Record<string, readonly string[]>> = { servers, clients };
  const names = new Set(only.split(",").flatMap((name) => groups[name] ?? [name]));
  for (const name of names) {
    if (!servers.includes(name) && !clients.includes(name)) {
      throw new TypeError(`Cannot use --only as there is no line "${name}"`);
    }
  }
  if (servers.some((name) => names.has(name))) names.add("bare").add("checks");
  if (clients.some((name) => names.has(name))) names.add("fetch");
  return names;
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

function killOnSignals(processes: Processes): void {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      processes[Symbol.dispose]();
      Deno.exit(code);
    });
  }
}

function toolsOf(names: ReadonlySet<string>): Set<Tool> {
  const lines = [...SERVERS, ...CLIENTS].filter(({ name }) => names.has(name));
  return new Set(lines.flatMap(({ needs }) => needs ?? []));
}

async function main(settings: Settings): Promise<number> {
  using processes = new Processes();
  killOnSignals(processes);
  const startedAt = new Date();
  const [loadBefore] = Deno.loadavg();
  onProgress("building");
  const tools = await prepare(processes, toolsOf(settings.names), settings.load);
  onProgress("");
  const { rounds, seconds, connections } = settings;
  const cores = navigator.hardwareConcurrency;
  const versions = Object.entries(tools.versions).map(([name, version]) => `${name} ${version}`);
  console.log(
    `${versions.join(", ")}; ${cores} cores, load ${loadBefore!.toFixed(2)} before\n` +
      `${rounds} rounds, ${tools.load} with ${connections} connections, ${seconds} s a server\n`,
  );
  if (loadBefore! > cores / 2) console.log("The machine is busy: these figures say little.\n");
  const results = await measure({ plan: settings, tools, processes, onProgress });
  onProgress("");
  console.log(report(results));
  console.log(`\nload ${Deno.loadavg()[0]!.toFixed(2)} after`);
  if (settings.json !== undefined) {
    const all = {
      startedAt,
      machine: { cores, os: Deno.build.os, arch: Deno.build.arch, loadBefore },
      versions: tools.versions,
      settings: { rounds, seconds, connections, load: tools.load, concurrencies: CONCURRENCIES },
      servers: results.servers.map(plain),
      clients: results.clients.map(plain),
      budgets: verdicts(results),
    };
    await Deno.writeTextFile(settings.json, JSON.stringify(all, null, 2) + "\n");
  }
  return hasFailed(results, tools) ? 1 : 0;
}

function plain({ line: { name, title }, ...seen }: Seen<unknown>) {
  return { name, title, ...seen };
}

/** A peer that is not there is no failure. */
function hasFailed({ servers, clients }: Results, { missing }: Tools): boolean {
  return [...servers, ...clients].some(({ line: { needs }, trouble }) =>
    trouble !== undefined && (needs === undefined || !missing.has(needs))
  );
}

if (import.meta.main) {
  let settings: Settings | undefined;
  try {
    settings = readSettings(Deno.args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    Deno.exit(2);
  }
  if (settings === undefined) {
    console.log(USAGE);
    Deno.exit();
  }
  try {
    Deno.exit(await main(settings));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
