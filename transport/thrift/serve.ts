/**
 * Serves a processor over TCP.
 * @module
 */
import { type Clock, delay, KitError, systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { stoppable } from "../_stopping.ts";
import { type ListenAddress, parseListenAddress } from "../http/listen_address.ts";
import { DEFAULT_MAX_BYTES } from "./_limits.ts";
import { Peer, type PeerOptions } from "./_peer.ts";
import { closeQuietly } from "./_socket.ts";
import { parseProtocol, type Protocol } from "./protocol.ts";
import type { Processor } from "./server.ts";

/** Options for {@linkcode serve}. */
export interface ServeOptions {
  /**
   * Where to listen: `:port` or `host:port`; port 0 takes any that is free.
   * @default {":9090"}
   */
  readonly listen?: string;
  /**
   * The protocol of the messages.
   * @default {"binary"}
   */
  readonly protocol?: Protocol;
  /**
   * Whether each message is in a frame, so has its length before it.
   * @default {false}
   */
  readonly framed?: boolean;
  /**
   * The most bytes that a message may have.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * How long a message may take to arrive once it has begun, and a reply to be taken.
   * @default {30000}
   */
  readonly messageTimeoutMs?: number;
  /**
   * How long a connection may lie idle.
   * @default {Infinity}
   */
  readonly idleTimeoutMs?: number;
  /**
   * The most connections at once; more are closed as they come.
   * @default {10000}
   */
  readonly maxConnections?: number;
  /**
   * How long a stop waits for what is in flight.
   * @default {10000}
   */
  readonly drainMs?: number;
  /**
   * Signals of the system that stop the server. A second one ends the wait for what is in flight.
   * @default {["SIGINT", "SIGTERM"]}
   */
  readonly signals?: readonly ("SIGINT" | "SIGTERM" | "SIGHUP")[];
  /** Told of bytes that are no message. Errors of calls are told to the processor's `onError`. */
  readonly onError?: (error: unknown) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** A server that is listening. Disposing it stops it as {@linkcode ThriftServer.shutdown} does. */
export interface ThriftServer extends AsyncDisposable {
  /** Where it listens. */
  readonly addr: ListenAddress;
  /** Resolves when it has stopped: `true` if nothing that was in flight had to be cut off. */
  readonly finished: Promise<boolean>;
  /**
   * Stops it: no connection is taken any more, what is in flight is finished, and after `drainMs` what
   * is left is cut off.
   * @returns What `finished` resolves to.
   */
  shutdown(): Promise<boolean>;
}

/** How many times in the shortest limit connections are looked at. */
const TICKS = 8;

/**
 * Serves a processor over TCP, one call at a time on each connection, as the servers of Apache Thrift
 * do. A handler's signal is aborted when its caller closes the connection, unless the method is
 * oneway. The wire carries neither metadata nor a deadline.
 *
 * Bytes that are no message are answered with an exception, and their connection is closed. Writing is
 * not buffered beyond one message, so there is no size to set for that.
 * @param processor What {@linkcode server} made.
 * @param options Where to listen, how messages look, and limits.
 * @returns The server, listening.
 * @throws {TypeError} If `listen` or `protocol` cannot be one.
 * @throws {RangeError} If a limit is not a positive number.
 * @throws {KitError} With code `unavailable` if the address cannot be listened on.
 * @example Usage
 * ```ts
 * import { server, serve, service } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const processor = server(service("Nothing", {}), {});
 * await using running = serve(processor, {
 *   listen: "127.0.0.1:0",
 *   protocol: "compact",
 *   framed: true,
 * });
 * assert(running.addr.port > 0);
 * ```
 */
export function serve(processor: Processor, options: ServeOptions = {}): ThriftServer {
  const {
    listen = ":9090",
    framed = false,
    maxBytes = DEFAULT_MAX_BYTES,
    messageTimeoutMs = 30_000,
    idleTimeoutMs = Infinity,
    maxConnections = 10_000,
    drainMs = 10_000,
    signals = ["SIGINT", "SIGTERM"],
    onError,
    clock = systemClock,
  } = options;
  const protocol = parseProtocol(options.protocol ?? "binary");
  checkPositiveInteger("maxBytes", maxBytes);
  checkPositive("messageTimeoutMs", messageTimeoutMs);
  checkPositive("idleTimeoutMs", idleTimeoutMs);
  checkPositive("maxConnections", maxConnections);
  checkNonNegative("drainMs", drainMs);
  const listener = listenOn(listen);
  const peers = new Set<Peer>();
  const tickMs = Math.min(messageTimeoutMs, idleTimeoutMs) / TICKS;
  let tick = 0;
  let timer: Disposable | undefined;
  let onEmpty: (() => void) | undefined;
  const peerOptions: PeerOptions = {
    processor,
    protocol,
    framed,
    maxBytes,
    onError,
    tick: () => tick,
  };

  let isStopping = false;
  async function accept(): Promise<void> {
    for (;;) {
      let socket: Deno.TcpConn;
      try {
        socket = await listener.accept();
      } catch {
        if (isStopping) return;
        // Too many files are open, or the caller has gone already: neither ends the server.
        await delay(10, { clock });
        continue;
      }
      if (peers.size >= maxConnections || isStopping) closeQuietly(socket);
      else attend(new Peer(socket, peerOptions));
    }
  }

  async function attend(peer: Peer): Promise<void> {
    peers.add(peer);
    timer ??= startTimer();
    await peer.run();
    peers.delete(peer);
    if (peers.size === 0) onEmpty?.();
  }

  function startTimer(): Disposable | undefined {
    return tickMs === Infinity ? undefined : clock.after(tickMs, sweep, { keepAlive: false });
  }

  function sweep(): void {
    tick++;
    timer = peers.size === 0 ? undefined : startTimer();
    for (const peer of peers) {
      // The tick in which it began may have been all but over.
      const ageMs = (tick - peer.since - 1) * tickMs;
      const limitMs = peer.phase === "idle"
        ? idleTimeoutMs
        : peer.phase === "transfer"
        ? messageTimeoutMs
        : Infinity;
      if (ageMs >= limitMs) peer.close();
    }
  }

  const stopped = stoppable(async ({ within }) => {
    isStopping = true;
    closeQuietly(listener);
    const emptied = new Promise<void>((resolve) => onEmpty = resolve);
    for (const peer of peers) peer.stop();
    let isClean = true;
    if (peers.size > 0) {
      isClean = await within(drainMs, emptied);
      for (const peer of peers) peer.close();
    }
    timer?.[Symbol.dispose]();
    timer = undefined;
    return isClean;
  }, { signals, clock });
  const accepting = accept();

  return {
    addr: { hostname: listener.addr.hostname, port: listener.addr.port },
    ...stopped,
    [Symbol.asyncDispose]: async () => {
      await stopped.shutdown();
      await accepting;
    },
  };
}

function listenOn(listen: string): Deno.TcpListener {
  const { hostname, port } = parseListenAddress(listen);
  try {
    return Deno.listen({ hostname, port });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse ? "it is in use" : "the system refuses it";
    throw new KitError("unavailable", `Cannot listen on "${listen}" as ${why}`, { cause });
  }
}
