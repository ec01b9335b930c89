/**
 * Registries by URL.
 * @module
 */
import { type Clock, delay, systemClock } from "@kit/endpoint";
import type { Logger } from "@kit/log";
import { fixed, type Instancer, type Registrar, type StatusOptions } from "@kit/sd";
import { consulInstancer, consulRegistrar } from "@kit/sd/consul";
import { dnsInstancer } from "@kit/sd/dns";
import { etcdInstancer, etcdRegistrar } from "@kit/sd/etcd";
import { fileInstancer } from "@kit/sd/file";
import { zookeeperInstancer, zookeeperRegistrar } from "@kit/sd/zookeeper";

/** What a flag may name, for its help. */
export const FORMS =
  "consul://HOST:PORT/NAME, etcd://HOST:PORT,…/PREFIX, zk://HOST:PORT,…/PATH, dns://HOST:PORT/NAME or file:PATH";

type Options = Required<Pick<StatusOptions, "onStatus">>;

/** A service in a registry. */
export interface Registry {
  /** Its URL, as it was given. */
  readonly url: string;
  /** Follows the instances of the service. */
  readonly find: (options: Options) => Instancer & AsyncDisposable;
  /** Registers an instance of it; a list, DNS and files cannot. */
  readonly add?: (address: string, options: Options) => Registrar;
}

interface Parts {
  /** `host:port`, or several between commas. */
  readonly hosts: string;
  /** The path, without its first slash. */
  readonly path: string;
}

const REGISTRIES: Readonly<Record<string, (parts: Parts) => Omit<Registry, "url">>> = {
  consul: ({ hosts, path }) => {
    const agent = `http://${hosts}`;
    return {
      find: (options) => consulInstancer(path, { agent, ...options }),
      add: (address, options) => consulRegistrar({ name: path, address }, { agent, ...options }),
    };
  },
  etcd: ({ hosts, path }) => {
    const endpoints = hosts.split(",").map((host) => `http://${host}`);
    const prefix = `/${path}/`.replace(/\/+$/, "/");
    return {
      find: (options) => etcdInstancer(prefix, { endpoints, ...options }),
      add: (address, options) => etcdRegistrar(prefix, address, { endpoints, ...options }),
    };
  },
  zk: ({ hosts: servers, path }) => ({
    find: (options) => zookeeperInstancer(`/${path}`, { servers, ...options }),
    add: (address, options) => zookeeperRegistrar(`/${path}`, address, { servers, ...options }),
  }),
  dns: ({ hosts: server, path }) => ({
    // The server may be the only one that knows its names, as Consul is.
    find: (options) => dnsInstancer(path, { server, targets: "addresses", ...options }),
  }),
};

/**
 * Reads the URL of a service in a registry.
 * @returns The registry; `undefined` if the text is no such URL.
 * @throws {TypeError} If it is one that lacks something.
 */
export function parseRegistry(text: string): Registry | undefined {
  const file = /^file:(?:\/\/)?(.+)$/.exec(text)?.[1];
  if (file !== undefined) return { url: text, find: (options) => fileInstancer(file, options) };
  const [, scheme = "", hosts = "", path = ""] = /^([a-z]+):\/\/([^/]*)\/?(.*)$/.exec(text) ?? [];
  const make = Object.hasOwn(REGISTRIES, scheme) ? REGISTRIES[scheme] : undefined;
  if (make === undefined) return undefined;
  if (
    !hosts.split(",").every((host) => /^(\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i.test(host)) || !path
  ) {
    throw new TypeError(`Cannot use registry as it must be ${FORMS}: current value is "${text}"`);
  }
  return { url: text, ...make({ hosts, path }) };
}

/** A list of instances, in place of a registry. */
export function listed(instances: readonly string[], url: string): Registry {
  const find = () =>
    Object.assign(fixed(instances), { [Symbol.asyncDispose]: () => Promise.resolve() });
  return { url, find };
}

/** Says in the log how the connection to a registry is, once for each change. */
export function logged(log: Logger, { url }: Registry): Options {
  return {
    onStatus({ state, lastError }) {
      const err = state === "disconnected" ? lastError : undefined;
      log({ registry: url, state, ...(err && { err }) });
    },
  };
}

/**
 * Keeps an instance registered until disposed of, from when the registry can first be reached.
 * @param registry The registry; it must be one that can register.
 * @param address Where the instance is to be called.
 * @param log Where to say so.
 */
export function registered(
  registry: Registry,
  address: string,
  log: Logger,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): AsyncDisposable {
  const registrar = registry.add!(address, logged(log, registry));
  const stop = new AbortController();
  const done = keepTrying(registrar, { signal: stop.signal, clock });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await registrar[Symbol.asyncDispose]();
      await done;
    },
  };
}

async function keepTrying(
  registrar: Registrar,
  options: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<void> {
  while (!options.signal.aborted) {
    try {
      return await registrar.register();
    } catch {
      // Its status has told why.
      await delay(1000, options).catch(() => {});
    }
  }
}
