/**
 * Takes the messages of one queue, again and again when the channel is lost.
 * @module
 */
import { background, type Clock, delay, type KitError } from "@kit/endpoint";
import type { ConsumeMessage } from "amqplib";
import { pauseMs } from "./_backoff.ts";
import type { ManagedConnection } from "./_connection.ts";
import { deliveryOf } from "./_delivery.ts";
import { brokerError, type Link, type LinkChannel } from "./_link.ts";
import type { Sender } from "./_sender.ts";
import type { Verdict } from "./acknowledge.ts";
import { within } from "./_within.ts";
import type { DeliveryHandler } from "./handler.ts";
import type { Delivery } from "./message.ts";

/** How long goodbye may take. */
const CLOSE_MS = 1000;

/** What the consumers of a server have in common. */
export interface ConsumerOptions {
  readonly sender: Sender;
  readonly prefetch: number;
  readonly acknowledgeWhen: "done" | "received";
  readonly acknowledge: (error: unknown, delivery: Delivery) => Verdict;
  readonly requeueDelayMs: number;
  readonly clock: Clock;
  readonly tell: (error: unknown) => void;
}

/** A message, and the channel that it is acknowledged on. */
interface Taken {
  readonly message: ConsumeMessage;
  readonly channel: LinkChannel;
  readonly receivedAt: number;
}

/** Consumes a queue. */
export class Consumer {
  readonly #connection: ManagedConnection;
  readonly #queue: string;
  readonly #handler: DeliveryHandler;
  readonly #options: ConsumerOptions;
  readonly #following: Disposable;
  readonly #ready = Promise.withResolvers<void>();
  /** Aborted when no more messages are taken. */
  readonly #stop = new AbortController();
  /** Aborted when nobody waits for handlers any more. */
  readonly #end = new AbortController();
  readonly #waiting: Taken[] = [];
  #channel: LinkChannel | undefined;
  #tag: string | undefined;
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(
    connection: ManagedConnection,
    binding: readonly [queue: string, handler: DeliveryHandler],
    options: ConsumerOptions,
  ) {
    this.#connection = connection;
    [this.#queue, this.#handler] = binding;
    this.#options = options;
    this.#ready.promise.catch(() => {}); // Not everybody asks.
    this.#following = connection.follow((link) => void this.#consume(link));
  }

  /** Resolves when the broker brings messages for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Takes no more messages; resolves when those that were begun are over. */
  async drain(): Promise<void> {
    this.#following[Symbol.dispose]();
    this.#stop.abort();
    const channel = this.#channel;
    for (const taken of this.#waiting.splice(0)) settle(taken, "requeue");
    if (channel !== undefined && this.#tag !== undefined) {
      await channel.cancel(this.#tag).catch(() => {});
    }
    if (this.#running > 0) await new Promise<void>((resolve) => this.#onIdle = resolve);
  }

  /** Gives up what is left, which goes back to the queue. */
  async close(reason: KitError): Promise<void> {
    this.#end.abort(reason);
    this.#ready.reject(reason);
    const channel = this.#channel;
    this.#channel = undefined;
    await within(CLOSE_MS, channel?.close());
  }

  /** Consumes on a link until that is lost, on as many channels as it takes. */
  async #consume(link: Link): Promise<void> {
    const { signal } = this.#stop;
    const { backoff, clock } = this.#connection;
    for (let failures = 0; !signal.aborted; failures++) {
      let why: unknown;
      try {
        // A queue that has been deleted may be one of ours.
        if (failures > 0) await this.#connection.declare(link);
        why = await this.#consumeOnce(link);
      } catch (cause) {
        why = cause;
      }
      if (signal.aborted || !this.#connection.isCurrent(link)) return;
      this.#options.tell(brokerError(`Cannot consume queue "${this.#queue}"`, why));
      await delay(pauseMs(backoff, failures), { signal, clock }).catch(() => {});
      if (!this.#connection.isCurrent(link)) return;
    }
  }

  /** Consumes on one channel; resolves with why it ended. */
  async #consumeOnce(link: Link): Promise<unknown> {
    const channel = await link.openChannel();
    const ended = Promise.withResolvers<unknown>();
    let why: unknown;
    channel.on("error", (error: Error) => why = error);
    channel.on("close", () => {
      if (this.#channel === channel) this.#channel = this.#tag = undefined;
      this.#dropWaiting(channel);
      ended.resolve(why ?? new Error("Channel closed"));
    });
    await channel.prefetch(this.#options.prefetch);
    const { consumerTag } = await channel.consume(this.#queue, (message) => {
      if (message !== null) this.#take(message, channel);
      else {
        ended.resolve(new Error("Queue is gone"));
        // What it has begun may still be acknowledged, unless the queue is gone for good.
        this.#leave(channel);
      }
    });
    if (this.#stop.signal.aborted) {
      await channel.close().catch(() => {});
      return undefined;
    }
    this.#channel = channel;
    this.#tag = consumerTag;
    this.#ready.resolve();
    return await ended.promise;
  }

  #leave(channel: LinkChannel): void {
    this.#dropWaiting(channel);
    if (this.#channel === channel) this.#channel = this.#tag = undefined;
    channel.close().catch(() => {});
  }

  /** The broker brings again what has not been begun on a channel that is gone. */
  #dropWaiting(channel: LinkChannel): void {
    const left = this.#waiting.filter((taken) => taken.channel !== channel);
    this.#waiting.splice(0, Infinity, ...left);
  }

  #take(message: ConsumeMessage, channel: LinkChannel): void {
    const taken = { message, channel, receivedAt: this.#options.clock.now() };
    if (this.#stop.signal.aborted) settle(taken, "requeue");
    else if (this.#running < this.#options.prefetch) this.#begin(taken);
    else this.#waiting.push(taken);
  }

  async #begin(taken: Taken): Promise<void> {
    this.#running++;
    try {
      await this.#handle(taken);
    } catch (error) {
      this.#options.tell(error);
    } finally {
      this.#running--;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#begin(next);
      else if (this.#running === 0) this.#onIdle?.();
    }
  }

  async #handle(taken: Taken): Promise<void> {
    const { sender, acknowledgeWhen, acknowledge, tell } = this.#options;
    const { signal } = this.#end;
    const delivery = deliveryOf(taken.message);
    if (acknowledgeWhen === "received") settle(taken, "ack");
    let error: unknown;
    try {
      const outcome = await this.#handler(delivery, { signal, receivedAt: taken.receivedAt });
      error = outcome.error;
      if (outcome.reply !== undefined && !signal.aborted) {
        // The work is done, whether the reply gets there or not.
        await sender.publish(outcome.reply, background()).catch(tell);
      }
    } catch (cause) {
      // Of a handler that is not one of server(): nothing has been replied.
      error = cause ?? new Error("Handler failed without an error");
      tell(error);
    }
    if (acknowledgeWhen === "received" || signal.aborted) return;
    let verdict: Verdict = "reject";
    try {
      verdict = acknowledge(error, delivery);
    } catch (cause) {
      tell(cause);
    }
    if (verdict === "requeue") await this.#pause();
    if (!signal.aborted) settle(taken, verdict);
  }

  /** Waits before a message is put back, or its failing would keep broker and server busy. */
  async #pause(): Promise<void> {
    const { requeueDelayMs, clock } = this.#options;
    if (requeueDelayMs === 0) return;
    await delay(requeueDelayMs, { signal: this.#stop.signal, clock }).catch(() => {});
  }
}

function settle({ message, channel }: Taken, verdict: Verdict): void {
  try {
    if (verdict === "ack") channel.ack(message);
    else channel.reject(message, verdict === "requeue");
  } catch {
    // The channel is gone, and the broker has put the message back by itself.
  }
}
