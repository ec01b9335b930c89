/**
 * A gRPC server that can be stopped without losing what is in flight.
 * @module
 */
import { type Clock, delay, KitError, systemClock } from "@kit/endpoint";
import { checkNonNegative } from "@kit/endpoint/check";
import { type Stop, stoppable } from "../_stopping.ts";
import { type ListenAddress, parseListenAddress } from "../http/listen_address.ts";
import { bind, engine } from "./_engine.ts";
import type { RunningCall } from "./_incoming_call.ts";
import { announceStop, endConnections, mendServer } from "./_mend.ts";
import type { Binding } from "./server.ts";

/** How messages are compressed; `identity` is not at all. */
export type Compression = "identity" | "gzip" | "deflate";

/** What makes a server speak TLS. */
export interface ServerTls {
  /** Certificate chain, as PEM. */
  readonly cert: string;
  /** Private key, as PEM. */
  readonly key: string;
  /**
   * Certificates, as PEM, of those who sign the certificates of clients. With it a client without one
   * of those is refused (mTLS).
   */
  readonly clientCa?: string;
}

/** Pings that find out whether a client is still there. */
export interface ServerKeepalive {
  /**
   * How long a connection may be silent before it is pinged.
   * @default {7200000}
   */
  readonly timeMs?: number;
  /**
   * How long the answer to a ping may take before the connection is closed.
   * @default {20000}
   */
  readonly timeoutMs?: number;
}

/** What a {@linkcode Service} is told of the server that it is part of. */
export interface ServiceHost {
  /** All bindings of the server, those of services too. Read it when a call comes, not before. */
  readonly bindings: readonly Binding[];
  /** Aborted when a stop begins, before anything is refused. */
  readonly stopping: AbortSignal;
}

/** Bindings that have to know the server they are part of, such as health and reflection. */
export type Service = (host: ServiceHost) => readonly Binding[];

/** Options for {@linkcode serve}. */
export interface ServeOptions {
  /**
   * Where to listen: `:port` or `host:port`; port 0 takes any that is free.
   * @default {":8081"}
   */
  readonly listen?: string;
  /** Speaks TLS. Left out, connections are not encrypted. */
  readonly tls?: ServerTls;
  /**
   * More bindings, which know the server.
   * @default {[]}
   */
  readonly services?: readonly Service[];
  /**
   * The most bytes that a message may have, decompressed, in either direction.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * How messages of 1 KiB or more are compressed that go out, where the caller takes that and it makes
   * them smaller; `compress` of `server()` leaves some out. Those that come in may be
   * compressed in any case.
   * @default {"identity"}
   */
  readonly compression?: Compression;
  /**
   * How many calls of one connection may run at once; the client waits with more.
   * @default {100}
   */
  readonly maxStreams?: number;
  /** Pings on connections that are silent. */
  readonly keepalive?: ServerKeepalive;
  /**
   * After how long a connection is closed gently, so that clients spread anew; ten percent more or
   * less.
   * @default {Infinity}
   */
  readonly maxAgeMs?: number;
  /**
   * How long the calls of a connection that is too old may go on.
   * @default {Infinity}
   */
  readonly maxAgeGraceMs?: number;
  /**
   * After how long a connection without calls is closed.
   * @default {Infinity}
   */
  readonly maxIdleMs?: number;
  /**
   * How long a stop waits for what is in flight; what is left is then told `unavailable`.
   * @default {10000}
   */
  readonly drainMs?: number;
  /**
   * How long to go on serving after a stop has been asked for, so that the news reaches those who
   * still send requests here.
   * @default {0}
   */
  readonly delayMs?: number;
  /**
   * Signals of the system that stop the server. A second one ends the wait for what is in flight.
   * @default {["SIGINT", "SIGTERM"]}
   */
  readonly signals?: readonly ("SIGINT" | "SIGTERM" | "SIGHUP")[];
  /**
   * Where the time of a stop comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** A server that is listening. Disposing it stops it as {@linkcode GrpcServer.shutdown} does. */
export interface GrpcServer extends AsyncDisposable {
  /** Where it listens. */
  readonly addr: ListenAddress;
  /** Resolves when it has stopped: `true` if nothing that was in flight had to be cut off. */
  readonly finished: Promise<boolean>;
  /**
   * Stops it: no connection and no call is taken any more, what is in flight is finished, and after
   * `drainMs` what is left is cut off.
   * @returns What `finished` resolves to.
   */
  shutdown(): Promise<boolean>;
}

/** How long clients may take to hear of a stop. */
const ANNOUNCE_MS = 500;

/**
 * Serves endpoints over gRPC, on grpc-js, with a stop that loses nothing that is in flight and does
 * not hang on a client that stalls.
 *
 * Needs `--allow-net` for the address and `--allow-env`, as grpc-js reads its settings when it loads.
 * @param bindings What {@linkcode server} has made, one for each method.
 * @param options Address, TLS, limits and signals.
 * @returns The server, once it listens.
 * @throws {TypeError} If `listen` is not an address, or two bindings are of one method.
 * @throws {RangeError} If a time or a limit is out of range.
 * @throws {KitError} With code `unavailable` if the address cannot be listened on.
 * @example Usage
 * ```ts
 * import { serve } from "@kit/transport/grpc";
 * import assert from "node:assert/strict";
 * await using running = await serve([], { listen: "127.0.0.1:0" });
 * assert(running.addr.port > 0);
 * ```
 */
export async function serve(
  bindings: readonly Binding[],
  options: ServeOptions = {},
): Promise<GrpcServer> {
  const {
    listen = ":8081",
    services = [],
    drainMs = 10_000,
    delayMs = 0,
    signals = ["SIGINT", "SIGTERM"],
    clock = systemClock,
    tls,
  } = options;
  checkNonNegative("drainMs", drainMs);
  checkNonNegative("delayMs", delayMs);
  const { hostname, port } = parseListenAddress(listen);
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const stopping = new AbortController();
  const all: Binding[] = [...bindings];
  const serviceHost: ServiceHost = { bindings: all, stopping: stopping.signal };
  for (const service of services) all.push(...service(serviceHost));

  const running = new Set<RunningCall>();
  const server = engine(all, running, options);
  const bound = await bind(server, `${host}:${port}`, tls);
  mendServer(server);

  const stopped = stoppable(async (way) => {
    const error = new KitError("unavailable", "Server is stopping");
    stopping.abort(error);
    if (delayMs > 0) await way.pause(delayMs);
    const closed = close(way);
    if (await way.within(drainMs, closed)) return true;
    for (const call of [...running]) call.abandon(error);
    // What was just written has to leave before the connections go.
    await delay(20, { clock: systemClock });
    endConnections(server);
    await closed;
    return false;
  }, { signals, clock });

  async function close(way: Stop): Promise<void> {
    await way.within(ANNOUNCE_MS, announceStop(server));
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  }

  return { addr: { hostname, port: bound }, ...stopped };
}
