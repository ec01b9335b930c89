/**
 * A broker in memory, as far as Kit needs one.
 * @module
 */
import type { Buffer } from "node:buffer";
import type { ConsumeMessage, Options } from "amqplib";
import { systemClock } from "@kit/endpoint";
import { ManagedConnection } from "./_connection.ts";
import type { BlockState, Link } from "./_link.ts";
import { illegal, MemoryChannel } from "./_memory_channel.ts";
import type { Connection } from "./connection.ts";
import type { ConnectOptions } from "./connect.ts";

/** A message in a queue. */
export interface Stored {
  readonly exchange: string;
  readonly key: string;
  readonly content: Buffer;
  readonly properties: Options.Publish;
  redelivered: boolean;
}

export type OnMessage = (message: ConsumeMessage | null) => void;

/** A consumer of a queue. */
export interface Consuming {
  readonly tag: string;
  readonly channel: MemoryChannel;
  readonly onMessage: OnMessage;
}

/** What the options of a queue come down to. */
interface Queue {
  readonly deadLetter: { readonly exchange: string; readonly key: string | undefined } | undefined;
  readonly maxLength: number;
  readonly messages: Stored[];
  consumers: Consuming[];
}

interface Exchange {
  readonly type: string;
  readonly bindings: { readonly queue: string; readonly key: string }[];
}

/** Queues, exchanges and the links to them. */
export class Broker {
  readonly queues = new Map<string, Queue>();
  readonly exchanges = new Map<string, Exchange>();
  readonly links = new Set<MemoryLink>();
  /** By number, for replies. */
  readonly channels = new Map<string, MemoryChannel>();
  isDown = false;
  dials = 0;

  connect(options: ConnectOptions = {}): Connection {
    const { topology = {}, minBackoffMs = 100, maxBackoffMs = 10_000 } = options;
    return new ManagedConnection({
      dial: () => this.dial(),
      topology,
      backoff: { minMs: minBackoffMs, maxMs: maxBackoffMs, random: options.random ?? Math.random },
      clock: options.clock ?? systemClock,
      onStatus: options.onStatus,
      onError: options.onError,
    });
  }

  async dial(): Promise<MemoryLink> {
    await Promise.resolve();
    this.dials++;
    if (this.isDown) throw new Error("connect ECONNREFUSED");
    const link = new MemoryLink(this);
    this.links.add(link);
    return link;
  }

  /** Breaks every link. */
  cut(): void {
    for (const link of [...this.links]) link.break(new Error("read ECONNRESET"));
  }

  deleteQueue(name: string): void {
    const queue = this.queues.get(name);
    this.queues.delete(name);
    for (const { onMessage } of queue?.consumers ?? []) onMessage(null);
  }

  /** Puts a message where it belongs. */
  route(message: Stored): "routed" | "unroutable" | "full" {
    const names = this.#targets(message.exchange, message.key);
    let isFull = false;
    for (const name of names) {
      const queue = this.queues.get(name)!;
      if (queue.messages.length >= queue.maxLength) isFull = true;
      else {
        queue.messages.push({ ...message });
        this.pump(name);
      }
    }
    if (isFull) return "full";
    return names.length === 0 ? "unroutable" : "routed";
  }

  /** Gives messages to consumers that have room for them. */
  pump(name: string): void {
    const queue = this.queues.get(name);
    if (queue === undefined) return;
    for (let tried = 0; queue.messages.length > 0 && tried < queue.consumers.length;) {
      const consumer = queue.consumers.shift()!;
      queue.consumers.push(consumer);
      if (consumer.channel.hasCredit) {
        tried = 0;
        consumer.channel.deliver(queue.messages.shift()!, consumer, name);
      } else tried++;
    }
  }

  bury(message: Stored, name: string): void {
    const deadLetter = this.queues.get(name)?.deadLetter;
    if (deadLetter === undefined) return;
    const { exchange, key = message.key } = deadLetter;
    this.route({ ...message, exchange, key, redelivered: false });
  }

  #targets(exchange: string, key: string): string[] {
    if (exchange === "") return this.queues.has(key) ? [key] : [];
    const { type, bindings } = this.exchanges.get(exchange)!;
    const found = bindings.filter((binding) => matches(type, binding.key, key));
    return [...new Set(found.map(({ queue }) => queue))].filter((name) => this.queues.has(name));
  }
}

/** A link to a broker in memory. */
export class MemoryLink implements Link {
  readonly lost: Promise<unknown>;
  readonly channels = new Set<MemoryChannel>();
  readonly blocking = new Set<(state: BlockState) => void>();
  readonly #setLost: (why: unknown) => void;
  isOpen = true;

  constructor(readonly broker: Broker) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.lost = promise;
    this.#setLost = resolve;
  }

  async openChannel(): Promise<MemoryChannel> {
    await Promise.resolve();
    if (!this.isOpen) throw illegal("Connection closed");
    return new MemoryChannel(this);
  }

  onBlocked(listener: (state: BlockState) => void): Disposable {
    this.blocking.add(listener);
    return { [Symbol.dispose]: () => void this.blocking.delete(listener) };
  }

  block(state: BlockState): void {
    for (const listener of this.blocking) listener(state);
  }

  break(why?: Error): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.broker.links.delete(this);
    for (const channel of [...this.channels]) channel.end();
    this.#setLost(why);
  }

  close(): Promise<void> {
    this.break();
    return Promise.resolve();
  }
}

function matches(type: string, pattern: string, key: string): boolean {
  if (type === "fanout") return true;
  if (type !== "topic") return pattern === key;
  const words = pattern.split(".").map((word) =>
    word === "*" ? "[^.]*" : word === "#" ? ".*" : RegExp.escape(word)
  );
  return new RegExp(`^${words.join("\\.").replaceAll("\\..*", "(?:\\..*)?")}$`).test(key);
}
