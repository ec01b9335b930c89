/**
 * A broker in memory, for tests of services that use AMQP.
 * @module
 */
import { Broker } from "./_memory_broker.ts";
import type { ConnectOptions } from "./connect.ts";
import type { Connection } from "./connection.ts";

/** A broker in memory. */
export interface MemoryBroker {
  /**
   * Makes a connection to it. Of the options those that concern a network are ignored.
   * @param options Topology, times and hooks.
   * @returns The connection.
   */
  connect(options?: ConnectOptions): Connection;
  /**
   * Tells what is in a queue and has not been delivered.
   * @param queue The queue.
   * @returns The bodies as text, the next one first.
   */
  bodies(queue: string): string[];
  /** Breaks every connection. They come back by themselves. */
  cut(): void;
}

/**
 * Makes a broker in memory: queues, exchanges of type direct, topic and fanout, replies, confirms,
 * acknowledgement, prefetch and dead letters. It knows no time, so that nothing expires.
 * @returns The broker.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { publish } from "@kit/transport/amqp";
 * import { memoryBroker } from "@kit/transport/amqp/testing";
 * import assert from "node:assert/strict";
 * const broker = memoryBroker();
 * await using connection = broker.connect({ topology: { queues: { mails: {} } } });
 * await publish<string>(connection, { key: "mails" })("hello", background());
 * assert.deepEqual(broker.bodies("mails"), [`"hello"`]);
 * ```
 */
export function memoryBroker(): MemoryBroker {
  const broker = new Broker();
  return {
    connect: (options) => broker.connect(options),
    bodies: (queue) =>
      broker.queues.get(queue)?.messages.map(({ content }) => content.toString()) ?? [],
    cut: () => broker.cut(),
  };
}
