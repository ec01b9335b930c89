/**
 * A channel of a broker in memory.
 * @module
 */
import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import type { ConsumeMessage, Options } from "amqplib";
import type { LinkChannel } from "./_link.ts";
import type { Broker, Consuming, MemoryLink, OnMessage, Stored } from "./_memory_broker.ts";

const REPLY_TO = "amq.rabbitmq.reply-to";

let numbers = 0;

/** A channel of a broker in memory. */
export class MemoryChannel extends EventEmitter implements LinkChannel {
  readonly #link: MemoryLink;
  readonly #broker: Broker;
  readonly #number = String(++numbers);
  readonly #unacked = new Map<number, { message: Stored; queue: string }>();
  readonly #unconfirmed = new Set<(error: unknown) => void>();
  #onReply: OnMessage | undefined;
  #prefetch = 0;
  #tags = 0;
  isOpen = true;
  /** What `publish` answers. */
  hasRoom = true;

  constructor(link: MemoryLink) {
    super();
    this.#link = link;
    this.#broker = link.broker;
    link.channels.add(this);
    link.broker.channels.set(this.#number, this);
  }

  get hasCredit(): boolean {
    return this.#prefetch === 0 || this.#unacked.size < this.#prefetch;
  }

  async assertExchange(name: string, type: string): Promise<void> {
    await this.#turn();
    const found = this.#broker.exchanges.get(name);
    if (found !== undefined && found.type !== type) this.fail(406, "PRECONDITION_FAILED");
    else if (found === undefined) this.#broker.exchanges.set(name, { type, bindings: [] });
  }

  async checkExchange(name: string): Promise<void> {
    await this.#turn();
    if (!this.#broker.exchanges.has(name)) this.fail(404, "NOT_FOUND");
  }

  async assertQueue(name: string, options: Options.AssertQueue): Promise<void> {
    await this.#turn();
    if (this.#broker.queues.has(name)) return;
    const args = options.arguments as Record<string, unknown> | undefined;
    const exchange = args?.["x-dead-letter-exchange"] as string | undefined;
    const key = args?.["x-dead-letter-routing-key"] as string | undefined;
    this.#broker.queues.set(name, {
      deadLetter: exchange === undefined ? undefined : { exchange, key },
      maxLength: Number(args?.["x-max-length"] ?? Infinity),
      messages: [],
      consumers: [],
    });
  }

  async bindQueue(queue: string, exchange: string, key: string): Promise<void> {
    await this.#turn();
    const found = this.#broker.exchanges.get(exchange);
    if (found === undefined || !this.#broker.queues.has(queue)) this.fail(404, "NOT_FOUND");
    else if (!found.bindings.some((one) => one.queue === queue && one.key === key)) {
      found.bindings.push({ queue, key });
    }
  }

  async prefetch(count: number): Promise<void> {
    await this.#turn();
    this.#prefetch = count;
  }

  async consume(queue: string, onMessage: OnMessage): Promise<{ consumerTag: string }> {
    await this.#turn();
    const tag = `${this.#number}-${++this.#tags}`;
    if (queue === REPLY_TO) this.#onReply = onMessage;
    else {
      const found = this.#broker.queues.get(queue);
      if (found === undefined) this.fail(404, "NOT_FOUND");
      found!.consumers.push({ tag, channel: this, onMessage });
      queueMicrotask(() => this.#broker.pump(queue));
    }
    return { consumerTag: tag };
  }

  async cancel(consumerTag: string): Promise<void> {
    await this.#turn();
    for (const queue of this.#broker.queues.values()) {
      queue.consumers = queue.consumers.filter(({ tag }) => tag !== consumerTag);
    }
  }

  ack({ fields }: ConsumeMessage): void {
    this.#settle(fields.deliveryTag);
  }

  reject({ fields }: ConsumeMessage, requeue: boolean): void {
    const { message, queue } = this.#settle(fields.deliveryTag);
    if (requeue) {
      this.#broker.queues.get(queue)?.messages.unshift({ ...message, redelivered: true });
      this.#broker.pump(queue);
    } else this.#broker.bury(message, queue);
  }

  publish(
    exchange: string,
    key: string,
    content: Buffer,
    { mandatory, ...properties }: Options.Publish,
    done: (error: unknown) => void,
  ): boolean {
    if (!this.isOpen) throw illegal("Channel closed");
    if (properties.replyTo === REPLY_TO) properties.replyTo = `${REPLY_TO}.${this.#number}`;
    const headers = { ...properties.headers as Record<string, unknown> };
    const message: Stored = {
      exchange,
      key,
      content: Buffer.from(content),
      properties: { ...properties, headers },
      redelivered: false,
    };
    this.#unconfirmed.add(done);
    queueMicrotask(() => {
      if (!this.#unconfirmed.delete(done)) return;
      const came = this.#send(message);
      if (came === "unroutable" && mandatory) this.emit("return", shown(message));
      done(came === "full" ? new Error("message nacked") : null);
    });
    return this.hasRoom;
  }

  deliver(message: Stored, { tag, onMessage }: Consuming, queue: string): void {
    const deliveryTag = ++this.#tags;
    this.#unacked.set(deliveryTag, { message, queue });
    queueMicrotask(() => {
      if (this.isOpen) onMessage(shown(message, { consumerTag: tag, deliveryTag }));
    });
  }

  /** Closes as a broker does over what it does not allow. */
  fail(code: number, text: string): never {
    const error = Object.assign(new Error(`Channel closed by server: ${code} (${text})`), { code });
    if (this.isOpen) {
      this.emit("error", error);
      this.end();
    }
    throw error;
  }

  end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#link.channels.delete(this);
    this.#broker.channels.delete(this.#number);
    for (const queue of this.#broker.queues.values()) {
      queue.consumers = queue.consumers.filter(({ channel }) => channel !== this);
    }
    for (const done of this.#unconfirmed) done(new Error("channel closed"));
    this.#unconfirmed.clear();
    this.emit("close");
    for (const { message, queue } of [...this.#unacked.values()].reverse()) {
      this.#broker.queues.get(queue)?.messages.unshift({ ...message, redelivered: true });
      this.#broker.pump(queue);
    }
  }

  async close(): Promise<void> {
    await this.#turn();
    this.end();
  }

  #send(message: Stored): "routed" | "unroutable" | "full" {
    const { exchange, key } = message;
    if (exchange === "" && key.startsWith(`${REPLY_TO}.`)) {
      const channel = this.#broker.channels.get(key.slice(REPLY_TO.length + 1));
      if (channel === undefined) return "unroutable";
      channel.#onReply?.(shown(message));
      return "routed";
    }
    return this.#broker.route(message);
  }

  #settle(deliveryTag: number): { message: Stored; queue: string } {
    if (!this.isOpen) throw illegal("Channel closed");
    const found = this.#unacked.get(deliveryTag);
    if (found === undefined) return this.fail(406, "PRECONDITION_FAILED");
    this.#unacked.delete(deliveryTag);
    queueMicrotask(() => this.#broker.pump(found.queue));
    return found;
  }

  async #turn(): Promise<void> {
    await Promise.resolve();
    if (!this.isOpen) throw illegal("Channel closed");
  }
}

function shown(
  { exchange, key, content, properties, redelivered }: Stored,
  fields = { consumerTag: "", deliveryTag: 0 },
): ConsumeMessage {
  return {
    content,
    fields: { ...fields, exchange, routingKey: key, redelivered },
    properties: properties as ConsumeMessage["properties"],
  };
}

/** The error of amqplib for what is closed. */
export function illegal(text: string): Error {
  return Object.assign(new Error(text), { name: "IllegalOperationError" });
}
