/**
 * The rounds, in which the lines take turns.
 * @module
 */
import { CLIENTS, type Line, SERVERS } from "./_lines.ts";
import { check, load, type Sample, urlOf } from "./_load.ts";
import type { Peer, Processes } from "./_processes.ts";
import type { LoadTool, Tools } from "./_tools.ts";

/** What to measure, and for how long. */
export interface Plan {
  /** The names of the lines. */
  readonly names: ReadonlySet<string>;
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly load: LoadTool | undefined;
}

/** What was seen of one line. */
export interface Seen<T> {
  readonly line: Line;
  /** One element a round. */
  readonly rounds: (T | undefined)[];
  /** Why it was not measured, or not in all rounds. */
  trouble: string | undefined;
  notes: readonly string[];
}

/** All that was seen. */
export interface Results {
  readonly servers: readonly Seen<Sample>[];
  /** Calls a second, for each of {@linkcode CONCURRENCIES}. */
  readonly clients: readonly Seen<readonly number[]>[];
}

/** What measuring needs. */
export interface Bench {
  readonly plan: Plan;
  readonly tools: Tools;
  readonly processes: Processes;
  /** Told what is being done. */
  readonly onProgress: (text: string) => void;
}

/** The numbers of calls at once that clients are driven with. */
export const CONCURRENCIES: readonly number[] = [1, 16, 64];

const WARM_UP_SECONDS = 1;
const CLIENT_WARM_UP_MS = 500;
/** Turns of a client within a round, at each concurrency. */
const TURNS = 3;
const START_MS = 15_000;

/** Measures the servers, then the clients. */
export async function measure(bench: Bench): Promise<Results> {
  const { names } = bench.plan;
  const servers = SERVERS.filter(({ name }) => names.has(name));
  const clients = CLIENTS.filter(({ name }) => names.has(name));
  return {
    servers: await measureServers(bench, servers),
    clients: clients.length === 0 ? [] : await measureClients(bench, clients),
  };
}

async function measureServers(bench: Bench, lines: readonly Line[]): Promise<Seen<Sample>[]> {
  const { plan: { rounds }, onProgress } = bench;
  const all = lines.map((line) => begin<Sample>(line, bench));
  for (let round = 0; round < rounds; round++) {
    for (const seen of inTurn(all, round)) {
      onProgress(`round ${round + 1} of ${rounds}: ${seen.line.name}`);
      await attempt(seen, async () => {
        seen.rounds[round] = await measureServer(bench, seen);
      });
    }
  }
  return all;
}

async function measureServer(bench: Bench, seen: Seen<Sample>): Promise<Sample> {
  const { plan: { seconds, connections }, processes, tools } = bench;
  const server = processes.start(seen.line.command([]));
  try {
    const { port } = await server.receive<{ port: number }>(START_MS);
    await check(port);
    const put = { tool: tools.load, connections };
    await load(processes, port, { ...put, seconds: WARM_UP_SECONDS });
    return await load(processes, port, { ...put, seconds });
  } finally {
    seen.notes = (await server.stop<{ note: string }>()).map(({ note }) => note);
  }
}

async function measureClients(
  bench: Bench,
  lines: readonly Line[],
): Promise<Seen<readonly number[]>[]> {
  const { plan: { rounds }, processes, onProgress } = bench;
  const all = lines.map((line) => begin<readonly number[]>(line, bench));
  const target = processes.start(SERVERS[0]!.command([]));
  try {
    const { port } = await target.receive<{ port: number }>(START_MS);
    await check(port);
    for (let round = 0; round < rounds; round++) {
      onProgress(`round ${round + 1} of ${rounds}: clients`);
      await clientRound(bench, all, round, urlOf(port));
    }
    return all;
  } finally {
    await target.stop();
  }
}

/**
 * Clients are driven in many short turns: with one call at a time the speed depends on where the
 * system lets the two processes run, and that changes by the second.
 */
async function clientRound(
  { plan: { seconds }, processes }: Bench,
  all: readonly Seen<readonly number[]>[],
  round: number,
  url: string,
): Promise<void> {
  const running: { seen: Seen<readonly number[]>; peer: Peer; rates: number[] }[] = [];
  try {
    for (const seen of all) {
      await attempt(seen, async () => {
        const peer = processes.start(seen.line.command([url]));
        running.push({ seen, peer, rates: [] });
        await drive(peer, 16, CLIENT_WARM_UP_MS);
      });
    }
    for (const concurrency of CONCURRENCIES) {
      const sums = running.map((client) => ({ client, calls: 0, ms: 0 }));
      for (let turn = 0; turn < TURNS; turn++) {
        for (const sum of inTurn(sums, round + turn)) {
          await attempt(sum.client.seen, async () => {
            const { calls, ms } = await drive(
              sum.client.peer,
              concurrency,
              seconds * 500 / TURNS,
            );
            sum.calls += calls;
            sum.ms += ms;
          });
        }
      }
      for (const { client, calls, ms } of sums) client.rates.push(calls / ms * 1000);
    }
    for (const { seen, rates } of running) {
      if (seen.trouble === undefined) seen.rounds[round] = rates;
    }
  } finally {
    for (const { peer } of running) await peer.stop();
  }
}

async function drive(
  peer: Peer,
  concurrency: number,
  ms: number,
): Promise<{ calls: number; ms: number }> {
  await peer.send({ concurrency, ms });
  return await peer.receive(ms + START_MS);
}

function begin<T>(line: Line, { tools }: Bench): Seen<T> {
  const trouble = line.needs === undefined ? undefined : tools.missing.get(line.needs);
  return { line, rounds: [], trouble, notes: [] };
}

/** In every second round the lines come in reverse, so that drift cancels out. */
function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? all : all.toReversed();
}

/** One line that fails does not keep the others from being measured. */
async function attempt(seen: Seen<unknown>, work: () => Promise<void>): Promise<void> {
  if (seen.trouble !== undefined) return;
  try {
    await work();
  } catch (error) {
    seen.trouble = error instanceof Error ? error.message : String(error);
  }
}
