/**
 * Load on a server: wrk where there is one, else autocannon.
 * @module
 */
import type { Processes } from "./_processes.ts";
import { type LoadTool, NODE, pathOf } from "./_tools.ts";

/** What was seen of a server under load. */
export interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How much load. */
export interface Load {
  readonly tool: LoadTool;
  readonly connections: number;
  readonly seconds: number;
}

const BODY = `{"s":"hello, world"}`;
const LUA = pathOf("post.lua");

/** Puts load on the server at a port of 127.0.0.1. */
export async function load(processes: Processes, port: number, load: Load): Promise<Sample> {
  const url = urlOf(port);
  const measured = load.tool === "wrk" ? wrk(url, load) : autocannon(url, load);
  const limitMs = load.seconds * 1000 + 10_000;
  const { failed, ...sample } = measured.parse(await processes.run(measured.command, limitMs));
  if (failed > 0) throw new Error(`Cannot count this round as ${failed} requests failed`);
  return sample;
}

/** The URL of the call on the server at a port. */
export function urlOf(port: number): string {
  return `http://127.0.0.1:${port}/uppercase`;
}

/** Sees that a server answers as it should. */
export async function check(port: number): Promise<void> {
  const response = await fetch(urlOf(port), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: BODY,
  });
  const text = await response.text();
  const isJson = /^application\/json\b/.test(response.headers.get("content-type") ?? "");
  if (response.status === 200 && isJson && text.trim() === `{"v":"HELLO, WORLD"}`) return;
  throw new Error(`Cannot measure as it answered ${response.status} ${JSON.stringify(text)}`);
}

function wrk(url: string, { connections, seconds }: Load) {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", LUA, url];
  return {
    command: { program: "wrk", args },
    parse(text: string): Sample & { failed: number } {
      const seen = JSON.parse(text.trim().split("\n").at(-1)!);
      const { p50Ms, p99Ms, failed } = seen;
      return { perSecond: seen.requests / seen.seconds, p50Ms, p99Ms, failed };
    },
  };
}

function autocannon(url: string, { connections, seconds }: Load) {
  const program = `${NODE}/node_modules/autocannon/autocannon.js`;
  const flags = ["--json", "--no-progress", "-c", connections, "-d", seconds, "-m", "POST"];
  const request = ["-H", "content-type=application/json", "-b", BODY];
  return {
    command: { program: "node", args: [program, ...flags.map(String), ...request, url] },
    parse(text: string): Sample & { failed: number } {
      const { requests, duration, latency, errors, non2xx } = JSON.parse(text);
      return {
        perSecond: requests.total / duration,
        p50Ms: latency.p50,
        p99Ms: latency.p99,
        failed: errors + non2xx,
      };
    },
  };
}
