/**
 * Serves methods to clients of Go's net/rpc.
 * @module
 */
import { createServer } from "node:net";
import { type Clock, KitError, systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { stoppable } from "../_stopping.ts";
import { type ListenAddress, parseListenAddress } from "../http/listen_address.ts";
import { DEFAULT_PATH } from "./_head.ts";
import { ServerConnection } from "./_server_connection.ts";
import type { NetrpcServer } from "./server.ts";
import { SOCKET } from "./_wire.ts";

/** Options for {@linkcode serve}. */
export interface ServeOptions {
  /**
   * Where to listen: `:port` or `host:port`; port 0 takes any that is free.
   * @default {":8080"}
   */
  readonly listen?: string;
  /**
   * How messages are encoded: `gob`, or `json` as Go's net/rpc/jsonrpc has it.
   * @default {"gob"}
   */
  readonly codec?: "gob" | "json";
  /**
   * Whether clients come by HTTP CONNECT, as Go's `rpc.DialHTTP` does, and to which path; `true` is
   * Go's own, `/_goRPC_`. The headers of their request are the metadata of each call.
   * @default {false}
   */
  readonly http?: boolean | string;
  /**
   * The most bytes that a message may have.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * How many calls of a connection run at once. The next are not read before one of them is answered
   * and the client has taken the answer.
   * @default {256}
   */
  readonly maxInflight?: number;
  /**
   * How long a call may take to be answered; it fails with `deadline_exceeded` then.
   * @default {60000}
   */
  readonly handlerTimeoutMs?: number;
  /**
   * How long a client may take to send a message that it has begun, or to take what is sent to it,
   * before its connection is closed.
   * @default {30000}
   */
  readonly stallTimeoutMs?: number;
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
  /** Told of requests that reach no method, and of connections that make no sense. */
  readonly onError?: (error: unknown) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** A server that is listening. Disposing it stops it as {@linkcode NetrpcListener.shutdown} does. */
export interface NetrpcListener extends AsyncDisposable {
  /** Where it listens. */
  readonly addr: ListenAddress;
  /** Resolves when it has stopped: `true` if nothing that was in flight had to be cut off. */
  readonly finished: Promise<boolean>;
  /**
   * Stops it: what is in flight is answered, what comes in meanwhile fails with `unavailable`, and
   * after `drainMs` what is left is cut off.
   * @returns What `finished` resolves to.
   */
  shutdown(): Promise<boolean>;
}

/**
 * Serves methods to clients of Go's net/rpc, each connection with as many calls at once as it likes.
 *
 * A call that cannot be decoded fails, and its connection goes on. What is no message of net/rpc, or
 * one that is too long, ends its connection once the calls before it are answered. Needs
 * `--allow-net` for the address.
 * @param server The methods.
 * @param options Address, codec and limits.
 * @returns The server, listening.
 * @throws {TypeError} If `listen` is no address or `http` no path.
 * @throws {RangeError} If a time or a limit is not positive.
 * @throws {KitError} With code `unavailable` if the address cannot be listened on.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { client, connect, method, serve, server } from "@kit/transport/netrpc";
 * import { int, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const types = { args: struct("Args", { a: int, b: int }), reply: int };
 * const arith = server({ "Arith.Multiply": method(({ a, b }) => Promise.resolve(a * b), types) });
 * await using running = await serve(arith, { listen: "127.0.0.1:0" });
 * await using connection = connect(`127.0.0.1:${running.addr.port}`);
 * const multiply = client(connection, "Arith.Multiply", types);
 * assert.equal(await multiply({ a: 7, b: 8 }, background()), 56);
 * ```
 */
export async function serve(
  server: NetrpcServer,
  options: ServeOptions = {},
): Promise<NetrpcListener> {
  const {
    listen = ":8080",
    codec = "gob",
    http = false,
    maxBytes = 4_194_304,
    maxInflight = 256,
    handlerTimeoutMs = 60_000,
    stallTimeoutMs = 30_000,
    drainMs = 10_000,
    signals = ["SIGINT", "SIGTERM"],
    clock = systemClock,
    onError,
  } = options;
  checkPositiveInteger("maxBytes", maxBytes);
  checkPositiveInteger("maxInflight", maxInflight);
  checkPositive("handlerTimeoutMs", handlerTimeoutMs);
  checkPositive("stallTimeoutMs", stallTimeoutMs);
  checkNonNegative("drainMs", drainMs);
  const { hostname, port } = parseListenAddress(listen);
  const path = http === true ? DEFAULT_PATH : http === false ? undefined : http;
  if (path !== undefined && !/^\/[^\s]*$/.test(path)) {
    throw new TypeError(`Cannot serve as "http" must be a path: current value is "${path}"`);
  }
  const connections = new Set<ServerConnection>();
  const connectionOptions = {
    server,
    codec,
    path,
    maxBytes,
    maxInflight,
    handlerTimeoutMs,
    stallTimeoutMs,
    clock,
    onError,
  };
  let isStopping = false;
  let timer: Disposable | undefined;
  const tickMs = Math.max(1, Math.min(1000, stallTimeoutMs / 4));

  function sweepLater(): Disposable {
    return clock.after(tickMs, () => {
      timer = connections.size === 0 ? undefined : sweepLater();
      for (const connection of connections) connection.sweep(clock.now());
    }, { keepAlive: false });
  }

  const listener = createServer({ allowHalfOpen: true, ...SOCKET }, (socket) => {
    const connection = new ServerConnection(socket, connectionOptions);
    connections.add(connection);
    timer ??= sweepLater();
    connection.closed.then(() => connections.delete(connection));
    if (isStopping) connection.drain();
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", (cause) => {
      const text = `Cannot listen on "${listen}" as ${reasonOf(cause)}`;
      reject(new KitError("unavailable", text, { cause }));
    });
    listener.listen({ port, host: hostname }, resolve);
  });
  const bound = listener.address();
  const addr = typeof bound === "object" && bound !== null
    ? { hostname: bound.address, port: bound.port }
    : { hostname, port };

  const stopped = stoppable(async ({ within }) => {
    isStopping = true;
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    for (const connection of connections) connection.drain();
    const isClean = await within(drainMs, closed);
    const ends = [...connections].map(({ socket, closed }) => {
      socket.destroy();
      return closed;
    });
    await Promise.all([closed, ...ends]);
    timer?.[Symbol.dispose]();
    return isClean;
  }, { signals, clock });
  return { addr, ...stopped };
}

function reasonOf(cause: unknown): string {
  const { code } = cause as { code?: unknown };
  if (code === "EADDRINUSE") return "it is in use";
  return code === "EADDRNOTAVAIL" ? "this host has no such address" : "the system refuses it";
}
