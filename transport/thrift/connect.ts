/**
 * Calls over TCP.
 * @module
 */
import { type Clock, type Context, KitError, systemClock } from "@kit/endpoint";
import { checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { parseListenAddress } from "../http/listen_address.ts";
import { untilAborted } from "../_client_call.ts";
import type { Framing } from "./_inbox.ts";
import { DEFAULT_MAX_BYTES } from "./_limits.ts";
import { Link } from "./_link.ts";
import type { Connection, OutgoingCall } from "./connection.ts";
import { parseProtocol, type Protocol } from "./protocol.ts";

/** Options for {@linkcode connect}. */
export interface ConnectOptions {
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
   * The most bytes that a reply may have.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * The most sockets at once; calls beyond that wait for one. A server that has a thread a connection,
   * as most of Apache's do, needs as many threads.
   * @default {8}
   */
  readonly maxSockets?: number;
  /**
   * How long to wait for a socket to connect.
   * @default {5000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** A call that waits for a socket. */
interface Waiter {
  readonly resolve: (link: Link) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes a way to a server that speaks Thrift over TCP.
 *
 * Sockets are opened when calls need them, and used again. Each carries one call at a time, since
 * servers answer in order and some lose calls that are sent ahead. So a call that is cancelled or late
 * costs its socket, and no other call is touched by it. A call whose socket is lost rejects with
 * `unavailable`, and the next one opens another.
 *
 * The wire carries neither metadata nor a deadline; the server sees a call that was given up by its
 * socket being closed.
 * @param target The server, as `host:port`.
 * @param options The protocol and limits.
 * @returns The connection, for {@linkcode client}. Disposing of it closes the sockets; calls in flight
 * reject with `unavailable`.
 * @throws {TypeError} If `target` is no `host:port`, or `protocol` is none.
 * @throws {RangeError} If a limit is not positive.
 * @example Usage
 * ```ts
 * import { connect } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * using connection = connect("127.0.0.1:9090", { protocol: "compact", framed: true });
 * assert.equal(connection.protocol, "compact");
 * ```
 */
export function connect(target: string, options: ConnectOptions = {}): Connection {
  const {
    framed = false,
    maxBytes = DEFAULT_MAX_BYTES,
    maxSockets = 8,
    connectTimeoutMs = 5000,
    clock = systemClock,
  } = options;
  const protocol = parseProtocol(options.protocol ?? "binary");
  const { hostname, port } = parseListenAddress(target);
  checkPositiveInteger("maxBytes", maxBytes);
  checkPositiveInteger("maxSockets", maxSockets);
  checkPositive("connectTimeoutMs", connectTimeoutMs);
  const framing: Framing = { protocol, framed, maxBytes };
  const idle: Link[] = [];
  const links = new Set<Link>();
  const waiting = new Set<Waiter>();
  const closing = new AbortController();
  /** How many sockets there are, with those that are being opened. */
  let open = 0;

  async function openLink(): Promise<Link> {
    const late = new AbortController();
    const timer = clock.after(connectTimeoutMs, () => late.abort(), { keepAlive: false });
    const signal = AbortSignal.any([late.signal, closing.signal]);
    try {
      const socket = await Deno.connect({ hostname, port, signal });
      const link = new Link(socket, framing, () => lost(link));
      links.add(link);
      return link;
    } catch (cause) {
      if (closing.signal.aborted) throw closed();
      const why = late.signal.aborted
        ? `it took more than ${connectTimeoutMs} ms`
        : "the server cannot be reached";
      throw new KitError("unavailable", `Cannot connect to "${target}" as ${why}`, { cause });
    } finally {
      timer[Symbol.dispose]();
    }
  }

  /** Opens a socket for whoever waits first by then. */
  function openForNext(): void {
    open++;
    openLink().then(release, (error) => {
      open--;
      const [first] = waiting;
      if (first === undefined) return;
      waiting.delete(first);
      first.reject(error);
      // The others have waited for this one as well.
      if (waiting.size > 0 && open === 0) openForNext();
    });
  }

  function release(link: Link): void {
    if (!link.isUsable) return;
    const [first] = waiting;
    if (first === undefined) return void idle.push(link);
    waiting.delete(first);
    first.resolve(link);
  }

  function lost(link: Link): void {
    if (!links.delete(link)) return;
    open--;
    const i = idle.indexOf(link);
    if (i >= 0) idle.splice(i, 1);
    if (waiting.size > open && !closing.signal.aborted) openForNext();
  }

  function acquire(ctx: Context): Promise<Link> | Link {
    if (closing.signal.aborted) throw closed();
    const link = idle.pop();
    if (link !== undefined) return link;
    let waiter!: Waiter;
    const turn = new Promise<Link>((resolve, reject) => waiter = { resolve, reject });
    waiting.add(waiter);
    if (open < maxSockets) openForNext();
    return untilAborted(turn, ctx, () => {
      // It may have been given one at the same moment.
      if (!waiting.delete(waiter)) turn.then(release, () => {});
    });
  }

  async function send(
    message: Uint8Array,
    { isOneway }: OutgoingCall,
    ctx: Context,
  ): Promise<Uint8Array | undefined> {
    const link = await acquire(ctx);
    const reply = await link.exchange(message, isOneway, ctx);
    release(link);
    return reply;
  }

  return {
    protocol,
    hasHeaders: false,
    send,
    [Symbol.dispose]: () => {
      closing.abort();
      for (const waiter of waiting) waiter.reject(closed());
      waiting.clear();
      for (const link of links) link.close();
    },
  };
}

function closed(): KitError {
  return new KitError("unavailable", "Cannot call as the connection is closed");
}
