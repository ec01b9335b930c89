/**
 * Serves subjects, and stops without losing what is in flight.
 * @module
 */
import { type Clock, KitError, systemClock } from "@kit/endpoint";
import {
  checkNonNegative,
  checkNonNegativeInteger,
  checkPositiveInteger,
} from "@kit/endpoint/check";
import { stoppable } from "../_stopping.ts";
import type { Connection } from "./connection.ts";
import { Dispatcher } from "./_dispatcher.ts";
import { checkPattern, checkSubject } from "./_subject.ts";
import type { MessageHandler } from "./handler.ts";

/** How long a stop waits at its very end until what was replied has left. */
const FLUSH_MS = 500;

/** Options for {@linkcode serve}. */
export interface ServeOptions {
  /**
   * The queue group: of all the servers in it one gets a message. Without it each server of a subject
   * gets every message.
   */
  readonly queue?: string;
  /**
   * How many messages are worked on at once, over all subjects.
   * @default {256}
   */
  readonly maxInFlight?: number;
  /**
   * How many messages more may wait. Any further one is refused with `resource_exhausted`.
   * @default {8192}
   */
  readonly maxPending?: number;
  /**
   * How many bytes the bodies of the messages that wait may have together.
   * @default {67108864}
   */
  readonly maxPendingBytes?: number;
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
  /**
   * Told of what no handler can be told of: a subject that the broker refuses, a message that is
   * refused as too many wait, a connection that is closed for ever, a handler that rejects.
   */
  readonly onError?: (error: unknown) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** Subjects that are served. Disposing it stops it as {@linkcode NatsServer.shutdown} does. */
export interface NatsServer extends AsyncDisposable {
  /**
   * Resolves when the broker has taken the subscriptions, so that calls from elsewhere find them.
   * Rejects with `permission_denied` if it refuses one, and with `unavailable` if the connection is
   * closed or the server stopped before.
   */
  readonly ready: Promise<void>;
  /** Resolves when it has stopped: `true` if nothing that was in flight had to be given up. */
  readonly finished: Promise<boolean>;
  /**
   * Stops it: no message is asked for any more, what has come is finished and replied to, and after
   * `drainMs` what is left is answered with `unavailable`. The connection stays open.
   * @returns What `finished` resolves to.
   */
  shutdown(): Promise<boolean>;
}

/**
 * Serves subjects of NATS, each with a handler.
 *
 * The client of NATS subscribes again by itself when it has lost the connection and found it again:
 * connect with `maxReconnectAttempts: -1`, or it gives up for ever after ten attempts, which ends the
 * server and is told to `onError`. Messages that come meanwhile go to other members of the queue
 * group; if there are none, callers are told so at once.
 *
 * NATS knows no back-pressure: the broker sends on however slow its subscriber is. So what cannot be
 * worked on waits here, in its order, up to `maxPending`, and anything beyond is refused with
 * `resource_exhausted` at once. Who waits so long that its deadline passes is not worked on at all.
 * A process that is too slow even to read what comes is cut off by the broker as a slow consumer;
 * its callers get no reply then, and the client of NATS connects again.
 * @param connection The connection, of `@nats-io/transport-node` or any other of its kind.
 * @param handlers The handlers by subject; wildcards may be used.
 * @param options Queue group and limits.
 * @returns The server.
 * @throws {TypeError} If a subject or the queue group cannot be one, or there is no subject.
 * @throws {RangeError} If a limit or a time is not a number of its kind.
 * @throws {KitError} With code `unavailable` if the connection is closed.
 * @example Usage
 * ```ts
 * import { serve, server } from "@kit/transport/nats";
 * import { memoryBroker } from "@kit/transport/nats/testing";
 * import assert from "node:assert/strict";
 * await using connection = memoryBroker().connect();
 * await using running = serve(connection, {
 *   "stringsvc.uppercase": server(({ s }: { s: string }) => Promise.resolve(s.toUpperCase())),
 *   "stringsvc.count": server(({ s }: { s: string }) => Promise.resolve(s.length)),
 * }, { queue: "stringsvc" });
 * await running.ready;
 * const reply = await connection.request("stringsvc.count", `{"s":"hello"}`);
 * assert.equal(reply.string(), "5");
 * ```
 */
export function serve(
  connection: Connection,
  handlers: Readonly<Record<string, MessageHandler>>,
  options: ServeOptions = {},
): NatsServer {
  const {
    queue,
    maxInFlight = 256,
    maxPending = 8192,
    maxPendingBytes = 67_108_864,
    drainMs = 10_000,
    signals = ["SIGINT", "SIGTERM"],
    onError,
    clock = systemClock,
  } = options;
  checkPositiveInteger("maxInFlight", maxInFlight);
  checkNonNegativeInteger("maxPending", maxPending);
  checkNonNegative("maxPendingBytes", maxPendingBytes);
  checkNonNegative("drainMs", drainMs);
  if (queue !== undefined) checkSubject(queue);
  const subjects = Object.keys(handlers);
  if (subjects.length === 0) throw new TypeError("Cannot serve as there is no subject");
  for (const subject of subjects) checkPattern(subject);
  if (connection.isClosed() || connection.isDraining()) throw closed();

  const dispatcher = new Dispatcher({ maxInFlight, maxPending, maxPendingBytes, onError });
  const { promise: ready, resolve: setReady, reject: setUnready } = Promise.withResolvers<void>();
  ready.catch(() => {}); // Not everybody asks.
  const subscriptions = Object.entries(handlers).map(([subject, handler]) =>
    connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback(cause, message) {
        if (cause === null) return dispatcher.take(handler, message);
        const text = `Cannot serve "${subject}" as NATS does not allow it`;
        const error = new KitError("permission_denied", text, { cause });
        setUnready(error);
        tell(error);
      },
    })
  );

  function tell(error: unknown): void {
    try {
      onError?.(error);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
  }

  async function confirm(): Promise<void> {
    // The client subscribes again by itself: what is lost with a connection is the answer to this.
    while (!connection.isClosed()) {
      if (await connection.flush().then(() => true, () => false)) return setReady();
    }
  }

  let isStopping = false;
  const stopped = stoppable(async ({ within }) => {
    setUnready(stopping());
    isStopping = true;
    const stopAt = clock.now() + drainMs;
    await within(drainMs, Promise.allSettled(subscriptions.map((each) => each.drain())));
    for (const each of subscriptions) if (!each.isClosed()) each.unsubscribe();
    const leftMs = connection.isClosed() ? 0 : stopAt - clock.now();
    const isClean = await within(leftMs, dispatcher.idle());
    if (!isClean) dispatcher.giveUp(stopping());
    if (!connection.isClosed()) await within(FLUSH_MS, connection.flush().catch(() => {}));
    return isClean;
  }, { signals, clock });
  confirm();
  connection.closed().then((cause) => {
    if (isStopping) return;
    const error = closed(cause ?? undefined);
    setUnready(error);
    tell(error);
    stopped.shutdown();
  });
  return { ready, ...stopped };
}

function closed(cause?: unknown): KitError {
  return new KitError("unavailable", "Cannot serve as the connection to NATS is closed", { cause });
}

function stopping(): KitError {
  return new KitError("unavailable", "Server is stopping");
}
