/**
 * Follows a name in DNS.
 * @module
 */
import { delay, KitError, systemClock } from "@kit/endpoint";
import { checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { joinAddress, parseAddress } from "../address.ts";
import { InstanceCache, type InstanceCacheOptions } from "../cache.ts";
import type { Instance } from "../instance.ts";
import type { RegistryInstancer } from "../instancer.ts";
import { encodeName } from "./_message.ts";
import {
  type DnsResolver,
  dnsResolver,
  type DnsResolverOptions,
  type SrvRecord,
} from "./resolver.ts";

/** Options for {@linkcode dnsInstancer}. */
export interface DnsInstancerOptions
  extends DnsResolverOptions, Omit<InstanceCacheOptions, "source"> {
  /**
   * Which records to ask for: `srv`, or the addresses of a host, as a Kubernetes headless service
   * has them. Those need `port`.
   * @default {"srv"}
   */
  readonly mode?: "srv" | "a";
  /**
   * What an SRV record gives as the host of an instance: its target, or the addresses of that, asked
   * of the same server. The latter is for servers whose names nobody else knows, such as Consul.
   * @default {"names"}
   */
  readonly targets?: "names" | "addresses";
  /** The port of every instance, in mode `a`. */
  readonly port?: number;
  /**
   * Which addresses to ask for in mode `a`; both when left out.
   */
  readonly family?: 4 | 6;
  /**
   * How often to ask, give or take 10 %. After a failed or empty answer it is asked after about
   * 1 s, 2 s, 4 s and so on, up to this.
   * @default {30000}
   */
  readonly refreshMs?: number;
  /**
   * How long an answer may take, over all servers.
   * @default {2000}
   */
  readonly timeoutMs?: number;
  /**
   * Whether to tell the instances with the lowest priority number only, as RFC 2782 has it, or all
   * of them, for a balancer that knows `priority`: `priorityFirst` of `@kit/lb`.
   * @default {"lowest"}
   */
  readonly priorities?: "lowest" | "all";
  /**
   * Who answers.
   * @default {dnsResolver()}
   */
  readonly resolver?: DnsResolver;
  /**
   * Where chance comes from, from 0 up to 1.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

const FIRST_RETRY_MS = 1000;

/**
 * Follows the SRV records, or the addresses, of a name by asking again and again. It starts at once.
 *
 * A failure keeps the last set: no answer in time, `SERVFAIL`, a record with port 0. A name without
 * records is an empty set, told after `emptyGraceMs`. A weight is told as it is, except that all
 * weights of a priority being zero means no weights.
 * @param name The full name, such as `_http._tcp.stringsvc.example.com`; a dot at its end changes
 * nothing.
 * @param options The server, the refresh, the time-out and the seams.
 * @returns The instancer. Disposing of it ends the asking.
 * @throws {TypeError} If the name is none, mode `a` has no port, or a server is no address.
 * @throws {RangeError} If a duration is out of range.
 * @example Usage
 * ```ts
 * import { dnsInstancer, type DnsResolver } from "@kit/sd/dns";
 * import assert from "node:assert/strict";
 * const resolver: DnsResolver = { // In place of `server: "127.0.0.1:8600"`.
 *   services: () =>
 *     Promise.resolve([{ priority: 1, weight: 5, port: 8080, target: "a.example.com." }]),
 *   addresses: () => Promise.resolve([]),
 * };
 * await using instancer = dnsInstancer("_http._tcp.example.com", { resolver });
 * const told = Promise.withResolvers<unknown>();
 * using _ = instancer.subscribe(({ instances }) => told.resolve(instances));
 * assert.deepEqual(await told.promise, [{ address: "a.example.com:8080", priority: 1, weight: 5 }]);
 * ```
 */
export function dnsInstancer(name: string, options: DnsInstancerOptions = {}): RegistryInstancer {
  const {
    mode = "srv",
    port,
    refreshMs = 30_000,
    timeoutMs = 2000,
    priorities = "lowest",
    targets = "names",
    clock = systemClock,
    random = Math.random,
    server,
    resolver = dnsResolver(options),
  } = options;
  encodeName(name); // throws the TypeError
  checkPositive("refreshMs", refreshMs);
  checkPositive("timeoutMs", timeoutMs);
  if (mode === "a" && port === undefined) {
    throw new TypeError(`Cannot follow the addresses of "${name}" as "port" is not given`);
  }
  if (port !== undefined) checkPositiveInteger("port", port);
  const families = options.family === undefined ? [4, 6] as const : [options.family];
  const cache = new InstanceCache({
    ...options,
    source: `dns://${server === undefined ? "" : [server].flat().join(",")}/${name}`,
  });
  const stopped = new AbortController();

  async function ask(signal: AbortSignal): Promise<Instance[]> {
    if (mode === "srv") {
      const named = fromServices(name, await resolver.services(name, signal), priorities);
      if (targets === "names") return named;
      return (await Promise.all(named.map((one) => byAddresses(one, signal)))).flat();
    }
    const hosts = await addressesOf(name, signal);
    return hosts.map((host) => ({ address: joinAddress(host, port!) }));
  }

  async function addressesOf(host: string, signal: AbortSignal): Promise<string[]> {
    const lists = await Promise.all(
      families.map((family) => resolver.addresses(host, family, signal)),
    );
    return lists.flat();
  }

  async function byAddresses(instance: Instance, signal: AbortSignal): Promise<Instance[]> {
    const target = parseAddress(instance.address);
    const hosts = await addressesOf(target.host, signal);
    if (hosts.length === 0) {
      throw new KitError("unavailable", `Cannot find the address of "${target.host}"`);
    }
    return hosts.map((host) => ({ ...instance, address: joinAddress(host, target.port) }));
  }

  /** Asks, and gives up in time whatever the resolver does. */
  function askInTime(): Promise<Instance[]> {
    return new Promise((resolve, reject) => {
      const late = new AbortController();
      const end = () => {
        stopped.signal.removeEventListener("abort", onStop);
        timer[Symbol.dispose]();
      };
      const giveUp = (reason: unknown) => {
        end();
        late.abort(reason);
        reject(reason);
      };
      const onStop = () => giveUp(stopped.signal.reason);
      stopped.signal.addEventListener("abort", onStop, { once: true });
      const timer = clock.after(timeoutMs, () => {
        const message = `Cannot resolve "${name}" as no answer came within ${timeoutMs} ms`;
        giveUp(new KitError("unavailable", message));
      });
      // What failed in part is given up whole.
      ask(late.signal).then(resolve, giveUp).finally(end);
    });
  }

  async function run(): Promise<void> {
    let misses = 0;
    while (!stopped.signal.aborted) {
      let found: readonly Instance[] = [];
      try {
        found = await askInTime();
        cache.update(found);
      } catch (error) {
        cache.fail(error);
      }
      const isGood = found.length > 0 && cache.status.state === "connected";
      misses = isGood ? 0 : misses + 1;
      await delay(pause(misses), { signal: stopped.signal, clock }).catch(() => {});
    }
  }

  function pause(misses: number): number {
    if (misses === 0) return refreshMs * (0.9 + 0.2 * random());
    return Math.min(refreshMs, FIRST_RETRY_MS * 2 ** (misses - 1)) * (0.75 + 0.5 * random());
  }

  const running = run();
  return {
    subscribe: (listener) => cache.subscribe(listener),
    get status() {
      return cache.status;
    },
    async [Symbol.asyncDispose]() {
      cache[Symbol.dispose]();
      stopped.abort();
      await running;
    },
  };
}

function fromServices(
  name: string,
  records: readonly SrvRecord[],
  priorities: "lowest" | "all",
): Instance[] {
  // RFC 2782: a target of "." says that the service is decidedly not available.
  const offered = records.filter(({ target }) => target !== "" && target !== ".");
  if (offered.some(({ port }) => port === 0)) {
    throw new KitError("data_loss", `Cannot use the SRV records of "${name}" as a port is 0`);
  }
  const lowest = Math.min(...offered.map(({ priority }) => priority));
  const weighted = new Set(offered.filter(({ weight }) => weight > 0).map((one) => one.priority));
  return offered
    .filter(({ priority }) => priorities === "all" || priority === lowest)
    .sort((a, b) => a.priority - b.priority)
    .map(({ target, port, priority, weight }) => ({
      address: joinAddress(target.replace(/\.$/, "").toLowerCase(), port),
      ...(priority > 0 && { priority }),
      ...(weighted.has(priority) && { weight }),
    }));
}
