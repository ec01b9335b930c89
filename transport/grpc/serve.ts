/**
 * A gRPC server that can be stopped without losing what is in flight.
 * @module
 */
import { Server, ServerCredentials, type ServerInterceptingCall } from "@grpc/grpc-js";
import { type Clock, delay, KitError, systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { Buffer } from "node:buffer";
import process from "node:process";
import { type ListenAddress, parseListenAddress } from "../http/listen_address.ts";
import { endConnections, mendCall, mendServer, silence } from "./_mend.ts";
import type { Binding, RunningCall, Serving } from "./server.ts";

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

/** The longest time that grpc-js can wait; it stands for "never". */
const NEVER_MS = 2 ** 31 - 1;

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
  const { promise: finished, resolve: finish } = Promise.withResolvers<boolean>();
  const hurry = new AbortController();

  async function stop(): Promise<void> {
    stopping.abort(new KitError("unavailable", "Server is stopping"));
    if (delayMs > 0) await delay(delayMs, { signal: hurry.signal, clock }).catch(() => {});
    const done = new AbortController();
    const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    const signal = AbortSignal.any([hurry.signal, done.signal]);
    const late = delay(drainMs, { signal, clock }).then(() => false, () => false);
    const isClean = await Promise.race([closed.then(() => true), late]);
    done.abort();
    if (!isClean) {
      const error = new KitError("unavailable", "Server is stopping");
      for (const call of [...running]) call.abandon(error);
      // What was just written has to leave before the connections go.
      await delay(20, { clock: systemClock });
      endConnections(server);
      await closed;
    }
    for (const name of names) process.off(name, onSignal);
    finish(isClean);
  }

  let stopped: Promise<void> | undefined;
  function shutdown(): Promise<boolean> {
    stopped ??= stop();
    return finished;
  }
  function onSignal(): void {
    if (stopped === undefined) shutdown();
    else hurry.abort();
  }
  const names = new Set(signals);
  for (const name of names) process.on(name, onSignal);

  return {
    addr: { hostname, port: bound },
    finished,
    shutdown,
    [Symbol.asyncDispose]: async () => void await shutdown(),
  };
}

/** The server of grpc-js, each method answered by its binding. */
function engine(
  bindings: readonly Binding[],
  running: Set<RunningCall>,
  options: ServeOptions,
): Server {
  const { maxBytes = 4 * 1024 * 1024, maxStreams = 100, keepalive = {} } = options;
  const { maxAgeMs = Infinity, maxAgeGraceMs = Infinity, maxIdleMs = Infinity } = options;
  const { timeMs = 7_200_000, timeoutMs = 20_000 } = keepalive;
  checkPositiveInteger("maxBytes", maxBytes);
  checkPositiveInteger("maxStreams", maxStreams);
  checkPositive("keepalive.timeMs", timeMs);
  checkPositive("keepalive.timeoutMs", timeoutMs);
  checkPositive("maxAgeMs", maxAgeMs);
  checkPositive("maxAgeGraceMs", maxAgeGraceMs);
  checkPositive("maxIdleMs", maxIdleMs);
  const serving: Serving = { running, maxBytes };
  silence();
  const byPath = new Map<string, Binding>();
  const server = new Server({
    "grpc.max_receive_message_length": maxBytes,
    "grpc.max_send_message_length": maxBytes,
    "grpc.max_concurrent_streams": maxStreams,
    "grpc.keepalive_time_ms": Math.min(timeMs, NEVER_MS),
    "grpc.keepalive_timeout_ms": Math.min(timeoutMs, NEVER_MS),
    "grpc.max_connection_age_ms": Math.min(maxAgeMs, NEVER_MS),
    "grpc.max_connection_age_grace_ms": Math.min(maxAgeGraceMs, NEVER_MS),
    "grpc.max_connection_idle_ms": Math.min(maxIdleMs, NEVER_MS),
    "grpc.enable_channelz": 0,
    interceptors: [
      // Takes the place of grpc-js's own handling of a call, which begins with `start`.
      ({ path }, call) => {
        mendCall(call);
        const start = () => byPath.get(path)!.accept(call, serving);
        return { start } as unknown as ServerInterceptingCall;
      },
    ],
  });
  const asIs = <T>(value: T): T => value;
  for (const binding of bindings) {
    const { path } = binding.method;
    if (byPath.has(path)) throw new TypeError(`Cannot serve "${path}" as it is bound twice`);
    byPath.set(path, binding);
    server.register(path, () => {}, asIs<Buffer>, asIs<Buffer>, "bidi");
  }
  return server;
}

function bind(server: Server, address: string, tls: ServerTls | undefined): Promise<number> {
  const credentials = tls === undefined ? ServerCredentials.createInsecure() : secure(tls);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      if (cause === null) return resolve(port);
      server.forceShutdown();
      reject(
        new KitError("unavailable", `Cannot listen on "${address}" as ${why(cause)}`, { cause }),
      );
    });
  });
}

function secure({ cert, key, clientCa }: ServerTls): ServerCredentials {
  // Without a root of our own grpc-js takes that of its environment, which breaks Deno's TLS.
  return ServerCredentials.createSsl(
    Buffer.from(clientCa ?? cert),
    [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
    clientCa !== undefined,
  );
}

function why({ message }: Error): string {
  if (message.includes("EADDRINUSE")) return "it is in use";
  if (message.includes("EADDRNOTAVAIL")) return "this host has no such address";
  return "the system refuses it";
}
