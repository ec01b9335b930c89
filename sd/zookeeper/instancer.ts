/**
 * Instances as the children of a node in ZooKeeper.
 * @module
 */
import { codeOf, type KitError } from "@kit/endpoint";
import { InstanceCache, type InstanceCacheOptions } from "@kit/sd/cache";
import type { Instance } from "@kit/sd/instance";
import type { RegistryInstancer } from "@kit/sd/instancer";
import { checkPath, configure } from "./_config.ts";
import type { Connection } from "./_connection.ts";
import { decodeInstance } from "../_instance_text.ts";
import { decodeNode } from "./_node_data.ts";
import { getChildren, getData, getOwner } from "./_protocol.ts";
import { Session } from "./_session.ts";
import { Upkeep } from "./_upkeep.ts";
import type { ZookeeperOptions } from "./options.ts";

/** Options for {@linkcode zookeeperInstancer}. */
export interface ZookeeperInstancerOptions
  extends ZookeeperOptions, Omit<InstanceCacheOptions, "source"> {
  /**
   * Reads the data of a node. What it throws counts as a failure of the registry, so that the last
   * set stays.
   * @default A `host:port`, a URL, or an {@linkcode Instance} as JSON
   */
  readonly decode?: (data: string) => Instance;
}

/** How many nodes are read at once. */
const READERS = 64;
/** Changes within this time, at most, are read together, and watchers do not all ask at once. */
const SPREAD_MS = 50;

/**
 * Tells the instances whose data is in the children of a node, and follows them: by watches that
 * are set again by the very reads that follow a change, so that none is missed, and anew on every
 * connection. The node need not exist, nor is it created. Nothing throws because a server is away:
 * it is tried again and again, with pauses that grow up to half of the session's timeout.
 * @param path The node, such as `/services/stringsvc`.
 * @param options The servers, the credentials, how data is read, and what every instancer has.
 * @returns The instancer. Disposing of it closes its session and its connection.
 * @throws {TypeError} If the path, the servers or the credentials cannot be.
 * @throws {RangeError} If a time is out of range.
 * @example Usage
 * ```ts
 * import { zookeeperInstancer } from "@kit/sd/zookeeper";
 * import assert from "node:assert/strict";
 * const states: string[] = [];
 * await using instancer = zookeeperInstancer("/services/stringsvc", {
 *   servers: "127.0.0.1:2181,127.0.0.1:2182/apps",
 *   onStatus: ({ state, lastError }) => states.push(`${state}: ${lastError?.message}`),
 * });
 * assert.equal(instancer.status.state, "connecting");
 * ```
 */
export function zookeeperInstancer(
  path: string,
  options: ZookeeperInstancerOptions = {},
): RegistryInstancer {
  const { decode = decodeInstance } = options;
  const config = configure(options);
  const { random } = config;
  const root = config.chroot + checkPath(path);
  const cache = new InstanceCache({ ...options, source: `zk://${config.name}${path}` });
  /** By name, what the children hold; those in `stale` may hold something else by now. */
  const nodes = new Map<string, Instance | KitError>();
  const stale = new Set<string>();
  const upkeep = new Upkeep(config, { run: read, onError: (error) => cache.fail(error) });

  async function read(current: Connection): Promise<void> {
    const names = await list(current);
    const present = new Set(names);
    for (const name of nodes.keys()) {
      if (stale.has(name) || !present.has(name)) nodes.delete(name);
    }
    stale.clear();
    const unread = names.filter((name) => !nodes.has(name));
    const readers = Array.from({ length: Math.min(READERS, unread.length) }, async () => {
      for (let name = unread.pop(); name !== undefined; name = unread.pop()) {
        await readNode(current, name);
      }
    });
    await Promise.all(readers);
    if (!upkeep.has(current)) return;
    const values = [...nodes.values()];
    const bad = values.find((value) => value instanceof Error);
    if (bad !== undefined) cache.fail(bad);
    else cache.update(values as Instance[]);
  }

  async function list(current: Connection): Promise<string[]> {
    for (;;) {
      const names = await current.request(getChildren(root)).catch(ifMissing);
      if (names !== undefined) return names;
      // This watches for its birth, unless it has just been born.
      if (await current.request(getOwner(root)).catch(ifMissing) === undefined) return [];
    }
  }

  async function readNode(current: Connection, name: string): Promise<void> {
    const data = await current.request(getData(`${root}/${name}`)).catch(ifMissing);
    if (data === undefined || !upkeep.has(current)) return;
    nodes.set(name, decodeNode(`${path}/${name}`, data, decode));
  }

  const session = new Session(config, {
    onUp(connection) {
      nodes.clear(); // Their watches went with the last connection.
      upkeep.up(connection);
    },
    onDown(error) {
      upkeep.down();
      cache.fail(error);
    },
    onEvent(_type, at) {
      if (at.startsWith(`${root}/`)) stale.add(at.slice(root.length + 1));
      upkeep.poke(SPREAD_MS * random());
    },
  });
  return {
    get status() {
      return cache.status;
    },
    subscribe: (listener) => cache.subscribe(listener),
    async [Symbol.asyncDispose]() {
      upkeep.down();
      cache[Symbol.dispose]();
      await session.close(0);
    },
  };
}

function ifMissing(error: unknown): undefined {
  if (codeOf(error) !== "not_found") throw error;
}
