/**
 * Sends messages, and requests that wait for their replies.
 * @module
 */
import type { Context } from "@kit/endpoint";
import { untilAborted } from "../_client_call.ts";
import { SendChannel } from "./_send_channel.ts";
import { brokerError, type Link } from "./_link.ts";
import type { ManagedConnection } from "./_connection.ts";
import type { Delivery, OutgoingMessage } from "./message.ts";

/** What a sender is for. */
export interface SenderOptions {
  /** Whether it waits for replies. */
  readonly hasReplies: boolean;
}

/** Keeps one channel for sending, a new one whenever it has been lost. */
export class Sender {
  readonly #connection: ManagedConnection;
  readonly #options: SenderOptions;
  #link: Link | undefined;
  #opening: Promise<SendChannel> | undefined;

  constructor(connection: ManagedConnection, options: SenderOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Sends a message; resolves when the broker has taken it. */
  async publish(message: OutgoingMessage, ctx: Context, stamp?: () => void): Promise<void> {
    const channel = await this.#ready(message.exchange, ctx);
    stamp?.();
    await untilAborted(channel.publish(message), ctx);
  }

  /** Sends a request; resolves with its reply. */
  async request(message: OutgoingMessage, ctx: Context, stamp: () => void): Promise<Delivery> {
    const channel = await this.#ready(message.exchange, ctx);
    stamp();
    const reply = channel.request(message);
    return await untilAborted(reply, ctx, () => channel.forget(message));
  }

  /** Closes the channel. */
  async close(): Promise<void> {
    const channel = await this.#opening?.catch(() => undefined);
    await channel?.close();
  }

  /** Waits until there is a channel with room in it, and an exchange to send to. */
  async #ready(exchange: string, ctx: Context): Promise<SendChannel> {
    for (;;) {
      const channel = await untilAborted(this.#channel(), ctx);
      if (channel.isReady(exchange)) return channel;
      await untilAborted(channel.makeReady(exchange), ctx);
    }
  }

  async #channel(): Promise<SendChannel> {
    const link = await this.#connection.link();
    if (this.#link !== link || this.#opening === undefined) {
      this.#link = link;
      const opening = SendChannel.open(link, this.#options.hasReplies);
      this.#opening = opening;
      const forget = () => {
        if (this.#opening === opening) this.#opening = undefined;
      };
      opening.then((channel) => channel.closed.then(forget), forget);
    }
    try {
      return await this.#opening;
    } catch (cause) {
      throw brokerError("Cannot open channel to broker", cause);
    }
  }
}
