/**
 * Messages as amqplib has them and as hooks see them.
 * @module
 */
import { Buffer } from "node:buffer";
import type { ConsumeMessage, Options } from "amqplib";
import { checkHeaders } from "./_headers.ts";
import { newHeaders } from "./_headers.ts";
import type { Delivery, OutgoingMessage, Properties } from "./message.ts";

/** Shows a message that has come. */
export function deliveryOf({ fields, properties, content }: ConsumeMessage): Delivery {
  return {
    exchange: fields.exchange,
    key: fields.routingKey,
    redelivered: fields.redelivered,
    headers: Object.assign(newHeaders(), properties.headers),
    properties: properties as Properties,
    body: content,
  };
}

/** The largest expiration that a broker takes; it closes the channel over others. */
const MAX_EXPIRATION = 2 ** 32 - 1;

/** Checks a message, and makes what amqplib takes to send it. */
export function publishOptions(message: OutgoingMessage): Options.Publish {
  const { properties, headers, mandatory } = message;
  const { expiration, deliveryMode } = properties;
  if (
    expiration !== undefined &&
    (!/^\d{1,10}$/.test(expiration) || Number(expiration) > MAX_EXPIRATION)
  ) {
    throw new TypeError(
      `Cannot send message as its expiration must be milliseconds: current value is "${expiration}"`,
    );
  }
  if (deliveryMode !== undefined && deliveryMode !== 1 && deliveryMode !== 2) {
    throw new TypeError(
      `Cannot send message as its delivery mode must be 1 or 2: current value is ${deliveryMode}`,
    );
  }
  checkHeaders(headers);
  return { ...properties, headers, mandatory };
}

/** Makes what amqplib takes as a body, without copying. */
export function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
