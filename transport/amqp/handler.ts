/**
 * What serves the messages of a queue.
 * @module
 */
import type { Delivery, OutgoingMessage } from "./message.ts";

/** What a host knows of a message besides the message. */
export interface HandlerInfo {
  /** Aborted when the host waits no longer for the handler. The message goes back to its queue. */
  readonly signal?: AbortSignal;
  /** When the message came, in milliseconds since the epoch, if it has had to wait since. */
  readonly receivedAt?: number;
}

/** What comes of a message. */
export interface Outcome {
  /** What is to be sent, if somebody waits for a reply. */
  readonly reply: OutgoingMessage | undefined;
  /** Why the call failed; `undefined` if it did not. */
  readonly error: unknown;
}

/**
 * Serves one message. It sends nothing and acknowledges nothing: its host does, by what it tells.
 * What {@linkcode server} makes never rejects.
 */
export type DeliveryHandler = (delivery: Delivery, info?: HandlerInfo) => Promise<Outcome>;
