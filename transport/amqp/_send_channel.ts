/**
 * One channel for sending.
 * @module
 */
import { KitError } from "@kit/endpoint";
import { asBuffer, deliveryOf, publishOptions } from "./_delivery.ts";
import type { Link, LinkChannel } from "./_link.ts";
import { within } from "./_within.ts";
import type { Delivery, OutgoingMessage } from "./message.ts";

/** The broker's own queue for replies. It belongs to the channel; nothing has to be declared. */
const REPLY_QUEUE = "amq.rabbitmq.reply-to";

/** How long goodbye may take. */
const CLOSE_MS = 1000;

/** Told what came of a message that was sent. */
type Done = (error?: KitError) => void;

/** A request that waits for its reply. */
type Call = PromiseWithResolvers<Delivery>;

/** A channel in confirm mode: it sends, joins replies to requests, and tells what got lost. */
export class SendChannel {
  /** Resolves when it is gone. */
  readonly closed: Promise<void>;
  readonly #link: Link;
  readonly #channel: LinkChannel;
  readonly #calls = new Map<string, Call>();
  /** What fails if it comes back. */
  readonly #mandatory = new Map<string, Done[]>();
  /** The exchanges that are there, or are being asked for. */
  readonly #exchanges = new Map<string, "there" | Promise<void>>([["", "there"]]);
  #isOpen = true;
  #isFull = false;
  #isBlocked = false;
  #room: PromiseWithResolvers<void> | undefined;
  #why: unknown;

  private constructor(link: Link, channel: LinkChannel) {
    this.#link = link;
    this.#channel = channel;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    const blocking = link.onBlocked((state) => {
      this.#isBlocked = state === "blocked";
      this.#makeRoom();
    });
    channel.on("error", (error: Error) => this.#why = error);
    channel.on("drain", () => {
      this.#isFull = false;
      this.#makeRoom();
    });
    channel.on("return", ({ fields, properties }) => {
      this.#returned(placeOf(properties.messageId, fields.exchange, fields.routingKey));
    });
    channel.on("close", () => {
      this.#isOpen = false;
      blocking[Symbol.dispose]();
      this.#makeRoom();
      for (const call of this.#calls.values()) call.reject(this.#lost());
      this.#calls.clear();
      resolve();
    });
  }

  /** Opens one, and has replies brought to it if it is to send requests. */
  static async open(link: Link, hasReplies: boolean): Promise<SendChannel> {
    const channel = await link.openChannel();
    const sender = new SendChannel(link, channel);
    if (hasReplies) {
      await channel.consume(REPLY_QUEUE, (message) => {
        if (message !== null) sender.#replied(deliveryOf(message));
      }, { noAck: true });
    }
    return sender;
  }

  /** Whether a message may be sent to an exchange now. */
  isReady(exchange: string): boolean {
    return this.#isOpen && this.#hasRoom && this.#exchanges.get(exchange) === "there";
  }

  /** Waits for what keeps a message from being sent; what that is has to be asked again. */
  async makeReady(exchange: string): Promise<void> {
    if (!this.#isOpen) return;
    if (!this.#hasRoom) await (this.#room ??= Promise.withResolvers()).promise;
    else {
      let found = this.#exchanges.get(exchange);
      if (found === undefined) this.#exchanges.set(exchange, found = this.#find(exchange));
      if (found !== "there") await found;
    }
  }

  /** Sends a message; resolves when the broker has taken it. */
  publish(message: OutgoingMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#send(message, (error) => error === undefined ? resolve() : reject(error));
    });
  }

  /** Sends a request; resolves with the reply. */
  request(message: OutgoingMessage): Promise<Delivery> {
    const { properties } = message;
    const id = properties.correlationId ??= crypto.randomUUID();
    if (this.#calls.has(id)) {
      throw new KitError("already_exists", "Cannot send request as its correlation id is in use");
    }
    const call: Call = Promise.withResolvers();
    properties.replyTo = REPLY_QUEUE;
    this.#send(message, (error) => {
      if (error === undefined) return;
      this.#forget(id, call);
      call.reject(error);
    });
    this.#calls.set(id, call);
    return call.promise;
  }

  /** Waits no longer for a reply. */
  forget({ properties: { correlationId } }: OutgoingMessage): void {
    this.#calls.delete(correlationId!);
  }

  /** Closes it; never rejects. */
  async close(): Promise<void> {
    await within(CLOSE_MS, this.#channel.close());
  }

  get #hasRoom(): boolean {
    return !this.#isFull && !this.#isBlocked;
  }

  #makeRoom(): void {
    if (this.#isOpen && !this.#hasRoom) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Sends; throws if it cannot be sent at all. */
  #send(message: OutgoingMessage, done: Done): void {
    const { exchange, key, body, mandatory, properties } = message;
    // By its id a message is known that comes back.
    if (mandatory) properties.messageId ??= crypto.randomUUID();
    const options = publishOptions(message);
    const forget = mandatory
      ? this.#watch(placeOf(properties.messageId!, exchange, key), done)
      : () => {};
    const confirmed = (cause: unknown) => {
      forget();
      done(cause === null ? undefined : this.#refused(cause));
    };
    try {
      const hasRoom = this.#channel.publish(exchange, key, asBuffer(body), options, confirmed);
      if (!hasRoom) this.#isFull = true;
    } catch (cause) {
      forget();
      throw (cause as Error).name === "IllegalOperationError" ? this.#lost(cause) : cause;
    }
  }

  #watch(place: string, done: Done): () => void {
    const waiting = this.#mandatory.get(place);
    if (waiting === undefined) this.#mandatory.set(place, [done]);
    else waiting.push(done);
    return () => {
      const left = this.#mandatory.get(place)?.filter((one) => one !== done) ?? [];
      if (left.length === 0) this.#mandatory.delete(place);
      else this.#mandatory.set(place, left);
    };
  }

  #returned(place: string): void {
    const error = new KitError("unavailable", "Cannot deliver message as no queue takes it");
    this.#mandatory.get(place)?.shift()?.(error);
  }

  #replied(reply: Delivery): void {
    const { correlationId } = reply.properties;
    const call = this.#calls.get(correlationId!);
    // What nobody waits for any more is dropped.
    if (call === undefined) return;
    this.#calls.delete(correlationId!);
    call.resolve(reply);
  }

  #forget(id: string, call: Call): void {
    if (this.#calls.get(id) === call) this.#calls.delete(id);
  }

  /**
   * Asks for an exchange, on a channel of its own: the broker closes the channel over one that is not
   * there, which would fail every call on it.
   */
  async #find(exchange: string): Promise<void> {
    try {
      const channel = await this.#link.openChannel();
      await channel.checkExchange(exchange);
      this.#exchanges.set(exchange, "there");
      await channel.close();
    } catch (cause) {
      if (this.#exchanges.get(exchange) === "there") return;
      this.#exchanges.delete(exchange);
      throw new KitError("unavailable", `Cannot find exchange "${exchange}"`, { cause });
    }
  }

  #refused(cause: unknown): KitError {
    return (cause as Error).message === "message nacked"
      ? new KitError("resource_exhausted", "Broker has refused message", { cause })
      : this.#lost(cause);
  }

  #lost(cause: unknown = this.#why): KitError {
    return new KitError("unavailable", "Connection to broker was lost", {
      cause: this.#why ?? cause,
    });
  }
}

function placeOf(messageId: string, exchange: string, key: string): string {
  return `${messageId}\0${exchange}\0${key}`;
}
