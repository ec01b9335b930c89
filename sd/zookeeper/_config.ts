/** Options, checked and made ready for use. */
import { connect as openSocket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, systemClock } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { parseAddress } from "@kit/sd/address";
import type { ZookeeperDigest, ZookeeperOptions, ZookeeperServer } from "./options.ts";

/** What a session has to know. */
export interface Config {
  /** In the order in which they are tried. */
  readonly servers: readonly ZookeeperServer[];
  /** What the servers are called in errors. */
  readonly name: string;
  /** What is put before every path: nothing, or a path. */
  readonly chroot: string;
  readonly sessionTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly auth: ZookeeperDigest | undefined;
  readonly random: () => number;
  readonly clock: Clock;
  readonly connect: (server: ZookeeperServer) => Duplex;
}

export function configure(options: ZookeeperOptions): Config {
  const { servers = "localhost:2181", sessionTimeoutMs = 10_000, connectTimeoutMs = 2000 } =
    options;
  const { auth, random = Math.random, clock = systemClock, connect = openSocket } = options;
  const shortest = { name: "sessionTimeoutMs", ms: 1000 };
  checkPositive("connectTimeoutMs", connectTimeoutMs);
  if (!(sessionTimeoutMs >= shortest.ms && sessionTimeoutMs < 2 ** 31)) {
    throw new RangeError(
      `Cannot use "sessionTimeoutMs" as it must be from ${shortest.ms} to 2147483647: ` +
        `current value is ${sessionTimeoutMs}`,
    );
  }
  if (auth !== undefined && (!/^[^:]+$/.test(auth.username) || auth.password === "")) {
    throw new TypeError(`Cannot use "auth" as it needs a username without colon and a password`);
  }
  const { list, chroot } = parseServers(servers);
  return {
    servers: shuffle(list.map(parseServer), random),
    name: `${list.join(",")}${chroot}`,
    chroot,
    sessionTimeoutMs: Math.ceil(sessionTimeoutMs),
    connectTimeoutMs,
    auth,
    random,
    clock,
    connect,
  };
}

function parseServers(servers: string | readonly string[]) {
  const text = typeof servers === "string" ? servers : servers.join(",");
  const slash = text.includes("/") ? text.indexOf("/") : text.length;
  const list = text.slice(0, slash).split(",").map((one) => one.trim()).filter((one) => one !== "");
  if (list.length === 0) {
    throw new TypeError(`Cannot use "servers" as it names none: current value is "${text}"`);
  }
  return { list, chroot: slash + 1 >= text.length ? "" : checkPath(text.slice(slash)) };
}

function parseServer(text: string): ZookeeperServer {
  const { host, port } = parseAddress(/:\d+$/.test(text) ? text : `${text}:2181`);
  return { host, port };
}

/**
 * Refuses what is no path of a node.
 * @throws {TypeError} If it does not begin with a slash, ends in one, or has an empty or dotted part.
 */
export function checkPath(path: string): string {
  // deno-lint-ignore no-control-regex
  if (!/^(?:\/(?!\.{1,2}(?:\/|$))[^/\u0000-\u001f\u007f-\u009f]+)+$/.test(path)) {
    throw new TypeError(
      `Cannot use path as it is not like "/services/name": current value is ${
        JSON.stringify(path)
      }`,
    );
  }
  return path;
}

function shuffle<T>(list: T[], random: () => number): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}

const FIRST_MS = 200;

/** Tells how long to wait after a failure: twice as long each time, but for luck. */
export function backoffMs(round: number, mostMs: number, random: () => number): number {
  return Math.min(mostMs, FIRST_MS * 2 ** Math.min(round, 20)) * (0.5 + random());
}

/** The longest pause of the {@linkcode backoffMs} of a client, before luck. */
export function mostPauseMs({ sessionTimeoutMs }: Config): number {
  return Math.min(10_000, sessionTimeoutMs / 2);
}
