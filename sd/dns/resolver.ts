/**
 * Asks DNS servers, and tells a failure from an empty answer.
 * @module
 */
import { getServers } from "node:dns";
import { KitError } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { joinAddress, parseAddress } from "../address.ts";
import { askOverTcp, askOverUdp, type Server } from "./_exchange.ts";
import {
  type Answer,
  decodeAnswer,
  encodeQuery,
  type RecordType,
  type SrvRecord,
} from "./_message.ts";

export type { SrvRecord };

/** Asks DNS. A name that does not exist, or has no such record, has an empty answer. */
export interface DnsResolver {
  /**
   * Asks for the instances of a service.
   * @param name The name, such as `_http._tcp.example.com`.
   * @param signal Ends the question early.
   * @returns The records, in any order. The promise rejects if no server answered properly.
   */
  services(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]>;
  /**
   * Asks for the addresses of a host.
   * @param name The name, such as `stringsvc.default.svc.cluster.local`.
   * @param family Whether IPv4 or IPv6 addresses are wanted.
   * @param signal Ends the question early.
   * @returns The addresses, in any order. The promise rejects if no server answered properly.
   */
  addresses(name: string, family: 4 | 6, signal: AbortSignal): Promise<readonly string[]>;
}

/** Options for {@linkcode dnsResolver}. */
export interface DnsResolverOptions {
  /**
   * The server to ask, as `host:port`; several are asked in turn.
   * @default {those of the system}
   */
  readonly server?: string | readonly string[];
  /**
   * How to ask. `udp` asks again over TCP when the answer was truncated; `tcp` is for servers that
   * cut their answers over UDP and do not say so, as Consul does by default.
   * @default {"udp"}
   */
  readonly protocol?: "udp" | "tcp";
  /**
   * How long a server may take before the next is asked. The last may take until the question ends.
   * @default {700}
   */
  readonly nextServerMs?: number;
}

/**
 * Makes a resolver that speaks DNS itself. Those of the runtimes tell `SERVFAIL` and `REFUSED` as if
 * the name did not exist, so that a sick server would look like a service without instances.
 *
 * Names are looked up as they are: search domains and the file of hosts are not used. Nothing is
 * cached.
 * @param options The servers and how to ask them.
 * @returns The resolver; it holds nothing that has to be closed.
 * @throws {TypeError} If a server is no address.
 * @throws {RangeError} If `nextServerMs` is not positive.
 * @example A server that is not there
 * ```ts
 * import { dnsResolver } from "@kit/sd/dns";
 * import assert from "node:assert/strict";
 * const resolver = dnsResolver({ server: "127.0.0.1:1", protocol: "tcp" });
 * await assert.rejects(resolver.services("_http._tcp.example.com", AbortSignal.timeout(1000)), {
 *   code: "unavailable",
 * });
 * ```
 */
export function dnsResolver(options: DnsResolverOptions = {}): DnsResolver {
  const { server, protocol = "udp", nextServerMs = 700 } = options;
  checkPositive("nextServerMs", nextServerMs);
  const given = server === undefined ? undefined : [server].flat().map(parseAddress);

  async function ask(name: string, type: RecordType, signal: AbortSignal): Promise<Answer> {
    const servers = given ?? systemServers();
    let failure = new KitError("unavailable", `Cannot resolve "${name}" as no server is known`);
    for (const [i, server] of servers.entries()) {
      const patienceMs = i === servers.length - 1 ? Infinity : nextServerMs;
      const at = joinAddress(server.host, server.port);
      try {
        const answer = await within(
          patienceMs,
          signal,
          (signal) => askOne(server, protocol, { name, type, signal }),
        );
        if (answer.rcode === "NOERROR" || answer.rcode === "NXDOMAIN") return answer;
        const message = `Cannot resolve "${name}" as ${at} answered ${answer.rcode}`;
        failure = new KitError("unavailable", message);
      } catch (cause) {
        signal.throwIfAborted();
        const message = `Cannot resolve "${name}" as the exchange with ${at} failed`;
        failure = new KitError("unavailable", message, { cause });
      }
    }
    throw failure;
  }

  return {
    services: async (name, signal) => (await ask(name, "SRV", signal)).services,
    addresses: async (name, family, signal) =>
      (await ask(name, family === 6 ? "AAAA" : "A", signal)).addresses,
  };
}

/** `1.2.3.4`, `::1`, `1.2.3.4:5353` or `[::1]:5353`. */
function systemServers(): Server[] {
  return [...new Set(getServers())].map((text) =>
    /^\[|^[^:]+:/.test(text) ? parseAddress(text) : { host: text, port: 53 }
  );
}

/** Runs with a signal that is also aborted after a time. */
async function within<T>(
  ms: number,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = ms === Infinity
    ? undefined
    : setTimeout(() => controller.abort(new Error(`No answer within ${ms} ms`)), ms);
  try {
    return await run(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

interface Question {
  readonly name: string;
  readonly type: RecordType;
  readonly signal: AbortSignal;
}

/** What is truncated, or not understood, is asked again over TCP and without extensions. */
async function askOne(
  server: Server,
  protocol: "udp" | "tcp",
  { name, type, signal }: Question,
): Promise<Answer> {
  const id = crypto.getRandomValues(new Uint16Array(1))[0]!;
  if (protocol === "udp") {
    const query = encodeQuery(name, type, { id, takesLargeUdp: true });
    const answer = decodeAnswer(await askOverUdp(server, query, signal));
    const isUnderstood = answer.rcode !== "FORMERR" && answer.rcode !== "NOTIMP";
    if (isUnderstood && !answer.isTruncated) return answer;
  }
  const query = encodeQuery(name, type, { id, takesLargeUdp: false });
  return decodeAnswer(await askOverTcp(server, query, signal));
}
