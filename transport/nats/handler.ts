/**
 * What serves the messages of a subject.
 * @module
 */
import type { Message } from "./connection.ts";

/** What a host knows of a message besides the message. */
export interface HandlerInfo {
  /**
   * Aborted when the host waits no longer for the handler. It has answered in its place by then, so
   * that whatever the handler sends afterwards is not to be sent.
   */
  readonly signal?: AbortSignal;
  /** When the message came, in milliseconds since the epoch, if it has had to wait since. */
  readonly receivedAt?: number;
}

/**
 * Serves one message, and replies if somebody waits for a reply. What {@linkcode server} makes never
 * rejects.
 */
export type MessageHandler = (message: Message, info?: HandlerInfo) => Promise<void>;
