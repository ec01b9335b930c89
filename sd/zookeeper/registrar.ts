/**
 * An instance as an ephemeral node in ZooKeeper.
 * @module
 */
import { KitError } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { parseAddress } from "@kit/sd/address";
import type { Instance } from "@kit/sd/instance";
import type { Registrar } from "@kit/sd/registrar";
import { StatusTracker } from "@kit/sd/status";
import { checkPath, configure } from "./_config.ts";
import { encodeInstance } from "../_instance_text.ts";
import { OwnNode } from "./_own_node.ts";
import { Registration } from "./_registration.ts";
import type { ZookeeperOptions } from "./options.ts";

/** What one can be allowed to do with a node. */
export type ZookeeperPermission = "read" | "write" | "create" | "delete" | "admin";

/** What someone may do with the nodes that a registrar creates. */
export interface ZookeeperAcl {
  /** How they prove who they are: `world`, `auth`, `digest`, `ip`. */
  readonly scheme: string;
  /** Who they are, as the scheme has it, such as `anyone`. */
  readonly id: string;
  /** What they may do. */
  readonly permissions: readonly ZookeeperPermission[];
}

/** Options for {@linkcode zookeeperRegistrar}. */
export interface ZookeeperRegistrarOptions extends ZookeeperOptions {
  /**
   * The name of the node below the path. Two with the same name exclude each other: the second waits
   * for the end of the first one's session. When left out a number is the name, so that nobody
   * waits, behind an identifier by which the node is known again when an answer was lost.
   */
  readonly nodeName?: string;
  /**
   * Who may do what with the node, and with those above it that had to be created: `"open"` lets
   * anyone do anything, `"creator"` only who registered.
   * @default {"open"}
   */
  readonly acl?: "open" | "creator" | readonly ZookeeperAcl[];
  /**
   * Writes the data of the node.
   * @default The address if there is nothing else, or the {@linkcode Instance} as JSON
   */
  readonly encode?: (instance: Instance) => string;
  /**
   * How long {@linkcode Registrar.register} keeps trying, in milliseconds.
   * @default {sessionTimeoutMs + 5000}
   */
  readonly registerTimeoutMs?: number;
}

const PERMISSIONS: Readonly<Record<ZookeeperPermission, number>> = {
  read: 1,
  write: 2,
  create: 4,
  delete: 8,
  admin: 16,
};
const ALL = Object.keys(PERMISSIONS) as ZookeeperPermission[];
const ACLS = {
  open: [{ scheme: "world", id: "anyone", permissions: ALL }],
  creator: [{ scheme: "auth", id: "", permissions: ALL }],
} as const;

/**
 * Registers a service in ZooKeeper: a node that lives as long as the session of this registrar. It
 * is created again when the session has expired or somebody has deleted it, and never twice: after
 * a lost answer it is looked for first.
 * @param path The node that an instancer watches, such as `/services/stringsvc`; it is created.
 * @param instance Where the service runs, or all there is to say about it.
 * @param options The servers, the credentials, the name of the node and who may do what with it.
 * @returns The registrar. Deregistering closes its session, with which the node goes.
 * @throws {TypeError} If the path, the instance, the servers or the credentials cannot be.
 * @throws {RangeError} If a time is out of range.
 * @example Usage
 * ```ts
 * import { zookeeperRegistrar } from "@kit/sd/zookeeper";
 * import assert from "node:assert/strict";
 * await using registrar = zookeeperRegistrar("/services/stringsvc", {
 *   address: "10.0.0.7:8080",
 *   zone: "eu-1",
 * }, { servers: "127.0.0.1:2181,127.0.0.1:2182/apps" });
 * assert.equal(registrar.status.state, "connecting"); // `await registrar.register()` comes next.
 * ```
 */
export function zookeeperRegistrar(
  path: string,
  instance: string | Instance,
  options: ZookeeperRegistrarOptions = {},
): Registrar {
  const { nodeName, acl = "open", encode = encodeInstance } = options;
  const config = configure(options);
  const { sessionTimeoutMs, connectTimeoutMs } = config;
  const { registerTimeoutMs = sessionTimeoutMs + 5000 } = options;
  const whole = typeof instance === "string" ? { address: instance } : instance;
  checkPositive("registerTimeoutMs", registerTimeoutMs);
  parseAddress(whole.address);
  checkPath(path);
  if (nodeName !== undefined) checkNodeName(nodeName);
  if (acl === "creator" && config.auth === undefined) {
    throw new TypeError(`Cannot use "acl" as "creator" needs "auth"`);
  }
  const node = new OwnNode({
    parent: config.chroot + path,
    name: nodeName,
    data: new TextEncoder().encode(encode(whole)),
    acl: (typeof acl === "string" ? ACLS[acl] : acl).map(({ scheme, id, permissions }) => ({
      scheme,
      id,
      permissions: permissions.reduce((sum, permission) => sum | PERMISSIONS[permission], 0),
    })),
  });
  const tracker = new StatusTracker(options);
  let registration: Registration | undefined;
  let isDisposed = false;

  async function stop(waitMs: number): Promise<boolean> {
    const ending = registration;
    registration = undefined;
    return await ending?.end(waitMs) ?? true;
  }

  return {
    get status() {
      return tracker.status;
    },
    async register() {
      if (isDisposed) {
        throw new KitError(
          "failed_precondition",
          "Cannot register as the registrar is disposed of",
        );
      }
      const current = registration ??= new Registration(config, node, tracker, registerTimeoutMs);
      try {
        await current.done;
      } catch (error) {
        if (registration === current) registration = undefined;
        throw error;
      }
    },
    async deregister() {
      const isTold = await stop(connectTimeoutMs);
      tracker.set("disconnected");
      if (isTold) return;
      const message = `Cannot deregister "${path}" as ZooKeeper at "${config.name}" is away: ` +
        `the node goes with its session, after ${sessionTimeoutMs} ms`;
      throw new KitError("unavailable", message);
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await stop(0);
      tracker.set("closed");
    },
  };
}

function checkNodeName(name: string): void {
  if (name.includes("/")) {
    throw new TypeError(`Cannot use "nodeName" as it has a slash: current value is "${name}"`);
  }
  checkPath(`/${name}`);
}
