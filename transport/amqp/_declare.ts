/**
 * Declares exchanges, queues and bindings.
 * @module
 */
import { brokerError, type Link } from "./_link.ts";
import type { QueueOptions, Topology } from "./topology.ts";

/** Declares a topology; rejects if the broker refuses some of it. */
export async function declare(link: Link, topology: Topology): Promise<void> {
  const exchanges = Object.entries(topology.exchanges ?? {});
  const queues = Object.entries(topology.queues ?? {});
  const bindings = topology.bindings ?? [];
  if (exchanges.length + queues.length + bindings.length === 0) return;
  let what = "";
  const channel = await link.openChannel();
  try {
    for (const [name, { type = "topic", alternate, ...options }] of exchanges) {
      what = `exchange "${name}"`;
      await channel.assertExchange(name, type, {
        ...options,
        ...(alternate === undefined ? {} : { alternateExchange: alternate }),
      });
    }
    for (const [name, options] of queues) {
      what = `queue "${name}"`;
      const { durable = true, exclusive = false, autoDelete = false } = options;
      await channel.assertQueue(name, {
        durable,
        exclusive,
        autoDelete,
        arguments: argumentsOf(options),
      });
    }
    for (const { exchange, queue, key = "", arguments: args } of bindings) {
      what = `binding of queue "${queue}" to exchange "${exchange}"`;
      await channel.bindQueue(queue, exchange, key, args);
    }
  } catch (cause) {
    throw brokerError(`Cannot declare ${what} as the broker refuses it`, cause);
  } finally {
    await channel.close().catch(() => {});
  }
}

function argumentsOf(options: QueueOptions): Record<string, unknown> {
  const { type, deadLetter, messageTtlMs, maxLength, deliveryLimit } = options;
  const all = {
    "x-queue-type": type,
    "x-dead-letter-exchange": deadLetter?.exchange,
    "x-dead-letter-routing-key": deadLetter?.key,
    "x-message-ttl": messageTtlMs,
    "x-max-length": maxLength,
    "x-delivery-limit": deliveryLimit,
    ...options.arguments,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
