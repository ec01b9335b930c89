/**
 * Serves queues, and stops without losing what is in flight.
 * @module
 */
import { type Clock, KitError, systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositiveInteger } from "@kit/endpoint/check";
import { stoppable } from "../_stopping.ts";
import { managed } from "./_connection.ts";
import { Consumer } from "./_consumer.ts";
import { Sender } from "./_sender.ts";
import { acknowledge as acknowledgeSafely, type Verdict } from "./acknowledge.ts";
import type { Connection } from "./connection.ts";
import type { DeliveryHandler } from "./handler.ts";
import type { Delivery } from "./message.ts";

/** Options for {@linkcode serve}. */
export interface ServeOptions {
  /**
   * How many messages of a queue are worked on at once. As many more may have been fetched.
   * @default {32}
   */
  readonly prefetch?: number;
  /**
   * When a message is taken from its queue: `"done"` when it has been handled and the broker has the
   * reply, so that a crash costs no message but may have one handled twice; `"received"` before it is
   * handled, so that it is never handled twice but may be lost.
   * @default {"done"}
   */
  readonly acknowledgeWhen?: "done" | "received";
  /**
   * Decides what becomes of a message that has been handled, where that is not settled already. What
   * it throws rejects the message.
   * @default {acknowledge}
   */
  readonly acknowledge?: (error: unknown, delivery: Delivery) => Verdict;
  /**
   * How long a message waits here before it is put back. It counts as worked on meanwhile.
   * @default {1000}
   */
  readonly requeueDelayMs?: number;
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
   * Told of what no handler can be told of: a queue that cannot be consumed, a reply that the broker
   * did not take, a handler that rejects.
   */
  readonly onError?: (error: unknown) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** Queues that are served. Disposing it stops it as {@linkcode AmqpServer.shutdown} does. */
export interface AmqpServer extends AsyncDisposable {
  /**
   * Resolves when the broker brings the messages of every queue. Rejects with `unavailable` if the
   * server is stopped before.
   */
  readonly ready: Promise<void>;
  /** Resolves when it has stopped: `true` if nothing that was in flight had to be given up. */
  readonly finished: Promise<boolean>;
  /**
   * Stops it: no message is taken any more, what has been begun is finished, replied to and
   * acknowledged, and after `drainMs` what is left goes back to its queue. The connection stays open.
   * @returns What `finished` resolves to.
   */
  shutdown(): Promise<boolean>;
}

/**
 * Serves queues, each with a handler, on a channel of its own.
 *
 * When the connection is lost and found again, or a channel or a queue is, messages are taken again by
 * themselves. What was being handled goes on; the broker delivers it once more, as it could not be
 * acknowledged.
 *
 * A message that fails again and again does not go on for ever: see {@linkcode acknowledge}. One that
 * ends the process each time is delivered again each time; only a queue of type `quorum` with a
 * delivery limit stops that.
 *
 * A body is in memory as a whole before its size is checked; the broker's `max_message_size` bounds it
 * before that.
 * @param connection The connection. Its topology may declare the queues.
 * @param handlers The handlers by queue.
 * @param options Limits and the policy of acknowledgement.
 * @returns The server.
 * @throws {TypeError} If there is no queue, or `connection` was not made by `connect`.
 * @throws {RangeError} If a limit or a time is not a number of its kind.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { client, serve, server } from "@kit/transport/amqp";
 * import { memoryBroker } from "@kit/transport/amqp/testing";
 * import assert from "node:assert/strict";
 * await using connection = memoryBroker().connect({
 *   topology: {
 *     exchanges: { dead: { type: "fanout" } },
 *     queues: { uppercase: { deadLetter: { exchange: "dead" } } },
 *   },
 * });
 * await using _running = serve(connection, {
 *   uppercase: server((s: string) => Promise.resolve(s.toUpperCase())),
 * }, { prefetch: 8 });
 * const uppercase = client<string, string>(connection, { key: "uppercase" });
 * assert.equal(await uppercase("hello", background()), "HELLO");
 * ```
 */
export function serve(
  connection: Connection,
  handlers: Readonly<Record<string, DeliveryHandler>>,
  options: ServeOptions = {},
): AmqpServer {
  const {
    prefetch = 32,
    acknowledgeWhen = "done",
    acknowledge = acknowledgeSafely,
    requeueDelayMs = 1000,
    drainMs = 10_000,
    signals = ["SIGINT", "SIGTERM"],
    onError,
    clock = systemClock,
  } = options;
  checkPositiveInteger("prefetch", prefetch);
  if (prefetch > 65_535) {
    throw new RangeError(
      `Cannot use "prefetch" as it must be at most 65535: current value is ${prefetch}`,
    );
  }
  checkNonNegative("requeueDelayMs", requeueDelayMs);
  checkNonNegative("drainMs", drainMs);
  const bindings = Object.entries(handlers);
  if (bindings.length === 0) throw new TypeError("Cannot serve as there is no queue");
  const broker = managed(connection);
  // Replies do not share a channel with requests: what breaks one leaves the other.
  const sender = new Sender(broker, { hasReplies: false });

  function tell(error: unknown): void {
    try {
      onError?.(error);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
  }

  const consumers = bindings.map((binding) =>
    new Consumer(broker, binding, {
      sender,
      prefetch,
      acknowledgeWhen,
      acknowledge,
      requeueDelayMs,
      clock,
      tell,
    })
  );
  const ready = Promise.all(consumers.map((each) => each.ready)).then(() => {});
  ready.catch(() => {}); // Not everybody asks.

  const stopped = stoppable(async ({ within }) => {
    const isClean = await within(drainMs, Promise.all(consumers.map((each) => each.drain())));
    const reason = new KitError("unavailable", "Server is stopping");
    await Promise.all(consumers.map((each) => each.close(reason)));
    await sender.close();
    return isClean;
  }, { signals, clock });
  return { ready, ...stopped };
}
