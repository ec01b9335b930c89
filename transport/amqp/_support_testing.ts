/**
 * What several tests of this folder share.
 * @module
 */
import { Broker } from "./_memory_broker.ts";
import type { Connection } from "./connection.ts";
import type { Delivery } from "./message.ts";
import type { Topology } from "./topology.ts";

/** The bytes of a text. */
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The text of a body. */
export const textOf = (message: { readonly body: Uint8Array } | undefined): string =>
  new TextDecoder().decode(message?.body);

/** A message that somebody waits for the reply of. */
export function request(body: string, more: Partial<Delivery> = {}): Delivery {
  return {
    exchange: "",
    key: "q",
    redelivered: false,
    headers: {},
    properties: { replyTo: "answers", correlationId: "c1" },
    body: bytes(body),
    ...more,
  };
}

/** A broker with queues, and a connection to it. */
export function brokerWith(
  ...queues: readonly string[]
): { broker: Broker; connection: Connection; topology: Topology } {
  const broker = new Broker();
  const topology = { queues: Object.fromEntries(queues.map((name) => [name, {}])) };
  return { broker, topology, connection: broker.connect({ topology }) };
}

/** Fails in place of a test that would hang. */
export async function soon<T>(promise: PromiseLike<T>, ms = 5000): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Nothing after ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
