/**
 * A broker of NATS within the process, for tests of servers and clients without a network.
 * @module
 */
import { Broker } from "./_memory_broker.ts";
import type { Connection, Message } from "./connection.ts";

/** A connection to a {@linkcode MemoryBroker}, which a test may take away. */
export interface MemoryConnection extends Connection, AsyncDisposable {
  /**
   * Sends a message and waits for the reply, for a second at most.
   * @param subject Where to.
   * @param data The body.
   * @returns The reply.
   */
  request(subject: string, data?: Uint8Array | string): Promise<Message>;
  /** Loses the connection, with all that is on its way, until {@linkcode MemoryConnection.restore}. */
  lose(): void;
  /** Finds the broker again; subscriptions go on. */
  restore(): void;
  /** Closes the connection for ever. */
  close(): Promise<void>;
}

/** Options for {@linkcode memoryBroker}. */
export interface MemoryBrokerOptions {
  /**
   * The most bytes that a message may have, its headers included.
   * @default {1048576}
   */
  readonly maxPayload?: number;
  /**
   * Subjects that nobody may publish to or subscribe to; wildcards may be used.
   * @default {[]}
   */
  readonly denied?: readonly string[];
}

/** A broker within the process. */
export interface MemoryBroker {
  /**
   * Connects.
   * @returns A connection that sees the messages of all the others.
   */
  connect(): MemoryConnection;
}

/**
 * Makes a broker within the process: subjects with wildcards, queue groups, headers, request and
 * reply, no responders, a limit for messages, a connection that can be lost. It knows no accounts
 * and no streams.
 * @param options Its limits.
 * @returns The broker.
 * @example Usage
 * ```ts
 * import { memoryBroker } from "@kit/transport/nats/testing";
 * import assert from "node:assert/strict";
 * const broker = memoryBroker();
 * await using alice = broker.connect();
 * await using bob = broker.connect();
 * bob.subscribe("greet.*", { callback: (_, message) => message.respond("hi, I am bob") });
 * assert.equal((await alice.request("greet.bob")).string(), "hi, I am bob");
 * ```
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  return new Broker(options.maxPayload ?? 1_048_576, options.denied ?? []);
}
