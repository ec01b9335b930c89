/**
 * Functions for the `before` and `after` options of servers and clients.
 * @module
 */
import type { Context } from "@kit/endpoint";
import type { Delivery, OutgoingMessage } from "./message.ts";

/**
 * Looks at a message that has come before it is decoded, and may derive the context of its call: a
 * request for `before` of a server, a reply for `after` of a client.
 * It is told the context so far and the message, and returns the context to go on with.
 */
export type DeliveryFunc = (ctx: Context, delivery: Delivery) => Context;

/**
 * Changes a message that is about to be sent, and may derive the context: a request for `before` of
 * a client, a reply for `after` of a server.
 * It is told the context so far and the message, and returns the context to go on with.
 */
export type MessageFunc = (ctx: Context, message: OutgoingMessage) => Context;

function changing(change: (message: OutgoingMessage) => void): MessageFunc {
  return (ctx, message) => {
    change(message);
    return ctx;
  };
}

/**
 * Sets the exchange that a message is published to.
 * @param exchange Its name; empty for the default one.
 * @returns A function for `before` of a client or `after` of a server.
 */
export function setExchange(exchange: string): MessageFunc {
  return changing((message) => message.exchange = exchange);
}

/**
 * Sets the routing key that a message is published with.
 * @param key The key.
 * @returns A function for `before` of a client or `after` of a server.
 * @example Usage
 * ```ts
 * import { server, setKey } from "@kit/transport/amqp";
 * import assert from "node:assert/strict";
 * const handle = server((name: string) => Promise.resolve(`hello ${name}`), {
 *   after: [setKey("greetings")],
 * });
 * const { reply } = await handle({
 *   exchange: "",
 *   key: "greet",
 *   redelivered: false,
 *   headers: {},
 *   properties: {},
 *   body: new TextEncoder().encode(`"ada"`),
 * });
 * assert.equal(reply?.key, "greetings");
 * ```
 */
export function setKey(key: string): MessageFunc {
  return changing((message) => message.key = key);
}

/**
 * Sets the delivery mode.
 * @param deliveryMode 2 to have the broker keep the message on disk, else 1.
 * @returns A function for `before` of a client or `after` of a server.
 */
export function setDeliveryMode(deliveryMode: number): MessageFunc {
  return changing(({ properties }) => properties.deliveryMode = deliveryMode);
}

/**
 * Sets the content type.
 * @param contentType The content type.
 * @returns A function for `before` of a client or `after` of a server.
 */
export function setContentType(contentType: string): MessageFunc {
  return changing(({ properties }) => properties.contentType = contentType);
}

/**
 * Sets the content encoding.
 * @param contentEncoding The content encoding.
 * @returns A function for `before` of a client or `after` of a server.
 */
export function setContentEncoding(contentEncoding: string): MessageFunc {
  return changing(({ properties }) => properties.contentEncoding = contentEncoding);
}

/**
 * Sets the correlation id, which is random otherwise. One of a call that is under way is refused; one
 * of a call that was given up may bring the late reply to that.
 * @param correlationId The id.
 * @returns A function for `before` of a client or `after` of a server.
 */
export function setCorrelationId(correlationId: string): MessageFunc {
  return changing(({ properties }) => properties.correlationId = correlationId);
}

/**
 * Sets the priority, for queues that have priorities.
 * @param priority From 0 to 255.
 * @returns A function for `before` of a client or `after` of a server.
 */
export function setPriority(priority: number): MessageFunc {
  return changing(({ properties }) => properties.priority = priority);
}

/**
 * Sets a header, in place of one that is there.
 * @param name Its name, of 255 bytes at most; its case matters on this wire.
 * @param value Its value: text, a number, a boolean, or a list or a table of them.
 * @returns A function for `before` of a client or `after` of a server.
 */
export function setHeader(name: string, value: unknown): MessageFunc {
  return changing(({ headers }) => headers[name] = value);
}
