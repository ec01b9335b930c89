/**
 * The rounds, in which the lines take turns.
 * @module
 */
import type { Peer, Processes } from "../_processes.ts";
import { CLIENTS, type Line, LOAD, SERVERS, TARGET } from "./_lines.ts";

/** What to measure, and for how long. */
export interface Plan {
  readonly rounds: number;
  /** How long each line is driven in a round, at each concurrency. */
  readonly ms: number;
}

/** Calls a second of one line. */
export interface Seen {
  readonly line: Line;
  /** For each round one rate for each of {@linkcode CONCURRENCIES}. */
  readonly rounds: (readonly number[])[];
}

/** The numbers of calls at once. */
export const CONCURRENCIES: readonly number[] = [1, 16, 64];

const WARM_UP_MS = 1000;
/** Turns of a line within a round, at each concurrency. */
const TURNS = 4;
const START_MS = 20_000;

/** What drives a line, and what was started besides. */
interface Running {
  readonly seen: Seen;
  readonly driver: Peer;
  readonly server?: Peer;
}

/** Measures the servers under the load of one client, then the clients on one server. */
export async function measure(
  processes: Processes,
  plan: Plan,
  onProgress: (text: string) => void,
): Promise<{ readonly servers: readonly Seen[]; readonly clients: readonly Seen[] }> {
  const servers = SERVERS.map((line): Seen => ({ line, rounds: [] }));
  const clients = CLIENTS.map((line): Seen => ({ line, rounds: [] }));
  for (let round = 0; round < plan.rounds; round++) {
    onProgress(`round ${round + 1} of ${plan.rounds}`);
    await measureServers(processes, servers, plan, round);
    await measureClients(processes, clients, plan, round);
  }
  return { servers, clients };
}

async function measureServers(
  processes: Processes,
  all: readonly Seen[],
  plan: Plan,
  round: number,
): Promise<void> {
  const running: Running[] = [];
  try {
    for (const seen of all) {
      const server = processes.start(seen.line.command([]));
      const driver = processes.start(LOAD([await addressOf(server)]));
      running.push({ seen, driver, server });
    }
    await takeTurns(running, plan, round);
  } finally {
    await stop(running);
  }
}

async function measureClients(
  processes: Processes,
  all: readonly Seen[],
  plan: Plan,
  round: number,
): Promise<void> {
  const target = processes.start(TARGET([]));
  const running: Running[] = [];
  try {
    const address = await addressOf(target);
    for (const seen of all) {
      running.push({ seen, driver: processes.start(seen.line.command([address])) });
    }
    await takeTurns(running, plan, round);
  } finally {
    await stop(running);
    await target.stop();
  }
}

async function addressOf(server: Peer): Promise<string> {
  const { port } = await server.receive<{ port: number }>(START_MS);
  return `127.0.0.1:${port}`;
}

/**
 * All processes of a round are there at once, and idle but for the one whose turn it is; the turns
 * are short, as the speed of the machine changes by the second.
 */
async function takeTurns(running: readonly Running[], plan: Plan, round: number): Promise<void> {
  for (const { driver } of running) await drive(driver, 16, WARM_UP_MS);
  const rates = new Map(running.map((one): [Running, number[]] => [one, []]));
  for (const concurrency of CONCURRENCIES) {
    const sums = running.map((one) => ({ one, calls: 0, ms: 0 }));
    for (let turn = 0; turn < TURNS; turn++) {
      for (const sum of (round + turn) % 2 === 0 ? sums : sums.toReversed()) {
        const { calls, ms } = await drive(sum.one.driver, concurrency, plan.ms / TURNS);
        sum.calls += calls;
        sum.ms += ms;
      }
    }
    for (const { one, calls, ms } of sums) rates.get(one)!.push(calls / ms * 1000);
  }
  for (const [{ seen }, found] of rates) seen.rounds.push(found);
}

async function drive(
  driver: Peer,
  concurrency: number,
  ms: number,
): Promise<{ calls: number; ms: number }> {
  await driver.send({ concurrency, ms });
  return await driver.receive(ms + START_MS);
}

async function stop(running: readonly Running[]): Promise<void> {
  for (const { driver, server } of running) {
    await driver.stop();
    await server?.stop();
  }
}
