/**
 * Messages as endpoints and hooks see them.
 * @module
 */

/** The properties of a message, which the protocol knows besides its headers. */
export interface Properties {
  /** The type of the body. */
  contentType?: string;
  /** The coding of the body. */
  contentEncoding?: string;
  /** 2 if the broker keeps the message on disk, as far as its queue is durable; else 1. */
  deliveryMode?: number;
  /** From 0 to 255, for queues that have priorities. */
  priority?: number;
  /** What joins a reply to its request. */
  correlationId?: string;
  /** The queue that a reply goes to. */
  replyTo?: string;
  /** After how many milliseconds in a queue the broker drops the message, as digits. */
  expiration?: string;
  /** The id of the message. */
  messageId?: string;
  /** When the message was made, in seconds since the epoch. */
  timestamp?: number;
  /** The kind of the message, as applications agree on it. */
  type?: string;
  /** The application that made it. */
  appId?: string;
}

/** A message that has come. */
export interface Delivery {
  /** The exchange that it was published to; empty for the default one. */
  readonly exchange: string;
  /** The routing key that it was published with. */
  readonly key: string;
  /** Whether it has been delivered before, without having been acknowledged. */
  readonly redelivered: boolean;
  /**
   * The headers, without a prototype. Of their values those that are text, numbers and booleans, and
   * lists of them, are the `metadata` of the context as well.
   */
  readonly headers: Readonly<Record<string, unknown>>;
  /** The other properties. */
  readonly properties: Readonly<Properties>;
  /** The body. */
  readonly body: Uint8Array;
}

/** A message that is about to be sent. An encoder and hooks may change all of it. */
export interface OutgoingMessage {
  /** The exchange; empty for the default one, whose routing keys are the names of queues. */
  exchange: string;
  /** The routing key. */
  key: string;
  /** Whether a message that reaches no queue fails the call. Replies never do. */
  mandatory: boolean;
  /** The headers: text, numbers, booleans, and lists and tables of them. */
  readonly headers: Record<string, unknown>;
  /** The other properties. */
  readonly properties: Properties;
  /** The body. */
  body: Uint8Array;
}
