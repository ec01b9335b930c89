/**
 * Kit beside its peers: `deno run -A bench/run.ts --help`.
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { CLIENTS, type Line, SERVERS } from "./_lines.ts";
import { check, load, type Sample, urlOf } from "./_load.ts";
import { Processes, type Server } from "./_processes.ts";
import { report, type Results, type Seen, verdicts } from "./_report.ts";
import { type LoadTool, prepare, type Tool, type Tools } from "./_tools.ts";

const USAGE = `Measures Kit beside its peers and prints one table of ratios.

Usage: deno run -A bench/run.ts [options]

  --only=NAME,...       these lines only, and "bare" and "fetch" to compare with;
                        "servers" and "clients" are all of a kind
  --rounds=N            how many rounds, 5 by default; the lines take turns in each
  --seconds=N           how long a server is under load in a round, 1 by default, after a second
                        to warm up; a client is driven half as long at each concurrency
  --connections=N       connections of the load on a server, 32 by default
  --load=TOOL           wrk or autocannon; by default wrk where there is one
  --json=FILE           writes all that was measured to a file
  --help                shows this

Lines: ${[...SERVERS, ...CLIENTS].map(({ name }) => name).join(", ")}`;

const WARM_UP_SECONDS = 1;
const CONCURRENCIES = [1, 16, 64];

interface Settings {
  readonly servers: readonly Line[];
  readonly clients: readonly Line[];
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly load: LoadTool | undefined;
  readonly json: string | undefined;
}

function readSettings(args: string[]): Settings | undefined {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      only: text,
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
  const names = namesOf(values.only ?? "servers,clients");
  return {
    servers: SERVERS.filter(({ name }) => names.has(name)),
    clients: CLIENTS.filter(({ name }) => names.has(name)),
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
  const names = new Set(
    only.split(",").flatMap((name) =>
      name === "servers" ? servers : name === "clients" ? clients : [name]
    ),
  );
  for (const name of names) {
    if (!servers.includes(name) && !clients.includes(name)) {
      throw new TypeError(`Cannot use --only as there is no line "${name}"`);
    }
  }
  if (servers.some((name) => names.has(name))) names.add("bare");
  if (clients.some((name) => names.has(name))) names.add("fetch");
  return names;
}

function positiveInteger(name: string, text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new TypeError(`Cannot use --${name} as it must be a positive integer: "${text}"`);
}

/** Runs the rounds; in every second one the lines come in reverse, so that drift cancels out. */
async function takeTurns<T>(
  lines: readonly Line[],
  rounds: number,
  tools: Tools,
  measure: (line: Line) => Promise<{ seen: T; notes?: readonly string[] }>,
): Promise<Seen<T>[]> {
  const all = lines.map((line): Seen<T> => {
    const why = line.needs === undefined ? undefined : tools.missing.get(line.needs);
    return { line, rounds: [], notes: [], ...(why === undefined ? {} : { trouble: why }) };
  });
  for (let round = 0; round < rounds; round++) {
    for (const seen of round % 2 === 0 ? all : all.toReversed()) {
      if (seen.trouble !== undefined) continue;
      progress(`round ${round + 1} of ${rounds}: ${seen.line.name}`);
      try {
        const { seen: sample, notes = [] } = await measure(seen.line);
        seen.rounds[round] = sample;
        seen.notes = notes;
      } catch (error) {
        seen.trouble = error instanceof Error ? error.message : String(error);
      }
    }
  }
  progress("");
  return all;
}

async function measureAll(settings: Settings, processes: Processes, tools: Tools) {
  const { servers, clients, rounds, seconds, connections } = settings;
  const underLoad = async (server: Server): Promise<Sample> => {
    await check(server.port);
    const put = { tool: tools.load, connections };
    await load(processes, server.port, { ...put, seconds: WARM_UP_SECONDS });
    return await load(processes, server.port, { ...put, seconds });
  };
  const ofServer = async (line: Line) => {
    const server = await processes.start(line.command([]));
    const result = await underLoad(server).then((seen) => ({ seen }), (error) => ({ error }));
    const notes = await server.stop();
    if ("error" in result) throw result.error;
    return { seen: result.seen, notes };
  };
  const serversSeen = await takeTurns(servers, rounds, tools, ofServer);
  if (clients.length === 0) return { servers: serversSeen, clients: [] };

  const target = await processes.start(SERVERS[0]!.command([]));
  try {
    await check(target.port);
    const args = [urlOf(target.port), String(seconds / 2), ...CONCURRENCIES.map(String)];
    const limitMs = seconds * 500 * CONCURRENCIES.length + 15_000;
    const clientsSeen = await takeTurns(clients, rounds, tools, async (line) => {
      const text = await processes.run(line.command(args), limitMs);
      return { seen: JSON.parse(text) as readonly number[] };
    });
    return { servers: serversSeen, clients: clientsSeen };
  } finally {
    await target.stop();
  }
}

/** Shows on a terminal what is going on. */
function progress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

function asJson<T>({ line, rounds, trouble, notes }: Seen<T>) {
  return { name: line.name, title: line.title, rounds, trouble, notes };
}

async function main(settings: Settings): Promise<number> {
  using processes = new Processes();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      processes[Symbol.dispose]();
      Deno.exit(signal === "SIGINT" ? 130 : 143);
    });
  }
  const startedAt = new Date();
  const loadBefore = Deno.loadavg()[0]!;
  progress("building");
  const lines = [...settings.servers, ...settings.clients];
  const needed = new Set(lines.flatMap(({ needs }): Tool[] => needs === undefined ? [] : [needs]));
  const tools = await prepare(processes, needed, settings.load);

  const { rounds, seconds, connections } = settings;
  const versions = Object.entries(tools.versions).map(([name, version]) => `${name} ${version}`);
  const cores = navigator.hardwareConcurrency;
  console.log(
    `${versions.join(", ")}; ${cores} cores, load ${loadBefore.toFixed(2)} before\n` +
      `${rounds} rounds, ${tools.load} with ${connections} connections, ${seconds} s a server\n`,
  );
  const seen = await measureAll(settings, processes, tools);
  const results: Results = { ...seen, concurrencies: CONCURRENCIES };
  console.log(report(results));
  if (settings.json !== undefined) {
    const all = {
      startedAt,
      machine: { cores, os: Deno.build.os, arch: Deno.build.arch, loadBefore },
      versions: tools.versions,
      settings: { rounds, seconds, connections, load: tools.load, concurrencies: CONCURRENCIES },
      servers: results.servers.map(asJson),
      clients: results.clients.map(asJson),
      budgets: verdicts(results),
    };
    await Deno.writeTextFile(settings.json, JSON.stringify(all, null, 2) + "\n");
  }
  const hasFailed = [...results.servers, ...results.clients].some(({ line, trouble }) =>
    trouble !== undefined && !(line.needs !== undefined && tools.missing.has(line.needs))
  );
  return hasFailed ? 1 : 0;
}

if (import.meta.main) {
  let settings: Settings | undefined;
  try {
    settings = readSettings(Deno.args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    Deno.exit(2);
  }
  if (settings === undefined) console.log(USAGE);
  else Deno.exit(await main(settings));
}
