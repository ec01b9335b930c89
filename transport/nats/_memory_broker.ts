/**
 * A broker of NATS within the process, as far as servers and clients can tell.
 * @module
 */
import { delay } from "@kit/endpoint";
import {
  ClosedConnectionError,
  createInbox,
  headers as createHeaders,
  InvalidArgumentError,
  InvalidSubjectError,
  NoRespondersError,
  PermissionViolationError,
  TimeoutError,
} from "@nats-io/nats-core";
import { Channel, isMatch, MemorySubscription } from "./_memory_subscription.ts";
import type {
  Connection,
  ConnectionStatus,
  Message,
  MessageHeaders,
  SendOptions,
  SubscribeOptions,
  Subscription,
} from "./connection.ts";

/** What is on its way. */
interface Parcel {
  readonly subject: string;
  readonly reply: string;
  readonly data: Uint8Array;
  readonly headers: MessageHeaders | undefined;
}

/** The broker: it knows who subscribes to what. */
export class Broker {
  readonly subscriptions = new Map<MemorySubscription, BrokerConnection>();
  #next = 0;

  constructor(readonly maxPayload: number, readonly denied: readonly string[]) {}

  connect(): BrokerConnection {
    return new BrokerConnection(this);
  }

  isDenied(subject: string): boolean {
    return this.denied.some((pattern) => isMatch(pattern, subject));
  }

  /** Passes a message to every subscription, but to one only of each queue group. */
  route(parcel: Parcel): boolean {
    const takers: MemorySubscription[] = [];
    const groups = new Map<string, MemorySubscription[]>();
    for (const subscription of this.subscriptions.keys()) {
      if (!isMatch(subscription.subject, parcel.subject)) continue;
      const { queue } = subscription;
      if (queue === undefined) takers.push(subscription);
      else groups.set(queue, [...groups.get(queue) ?? [], subscription]);
    }
    for (const group of groups.values()) takers.push(group[this.#next++ % group.length]!);
    for (const taker of takers) taker.take(received(parcel, this.subscriptions.get(taker)!));
    return takers.length > 0;
  }
}

function received({ headers, ...parcel }: Parcel, connection: Connection): Message {
  return {
    ...parcel,
    ...(headers === undefined ? {} : { headers }),
    respond(data, options) {
      if (parcel.reply === "") return false;
      connection.publish(parcel.reply, data, options);
      return true;
    },
    string: () => new TextDecoder().decode(parcel.data),
  };
}

/** A connection to the broker. */
export class BrokerConnection implements Connection, AsyncDisposable {
  readonly #listeners = new Set<Channel<ConnectionStatus>>();
  readonly #subscriptions = new Set<MemorySubscription>();
  readonly #closed = Promise.withResolvers<void>();
  #lost: PromiseWithResolvers<void> | undefined;
  #isClosed = false;

  constructor(readonly broker: Broker) {}

  get info(): { readonly max_payload: number } | undefined {
    if (this.#isClosed || this.#lost !== undefined) return undefined;
    return { max_payload: this.broker.maxPayload };
  }

  lose(): void {
    this.#lost = Promise.withResolvers();
    this.#lost.promise.catch(() => {});
    for (const each of this.#subscriptions) this.broker.subscriptions.delete(each);
    this.#tell({ type: "disconnect" });
  }

  restore(): void {
    const lost = this.#lost;
    this.#lost = undefined;
    for (const each of this.#subscriptions) this.broker.subscriptions.set(each, this);
    this.#tell({ type: "reconnect" });
    lost?.reject(new Error("connection disconnected"));
  }

  publish(subject: string, payload: Uint8Array | string = "", options: SendOptions = {}): void {
    this.#check(subject);
    const data = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    const { headers, reply = "" } = options;
    const size = data.length + (headers === undefined ? 0 : wireSize(headers));
    if (size > this.broker.maxPayload) {
      throw new InvalidArgumentError("'payload' max_payload size exceeded");
    }
    if (this.broker.isDenied(subject)) {
      return this.#tell({ type: "error", error: violation("publish", subject) });
    }
    if (this.#lost !== undefined) return;
    // What is received shares nothing with what was sent.
    const parcel = { subject, reply, data: data.slice(), headers: headers && copyOf(headers) };
    queueMicrotask(() => {
      if (this.broker.route(parcel) || reply === "") return;
      const headers = createHeaders(503, "No Responders");
      this.broker.route({ subject: reply, reply: "", data: new Uint8Array(), headers });
    });
  }

  subscribe(subject: string, options: SubscribeOptions = {}): Subscription {
    this.#check(subject);
    const subscription = new MemorySubscription(subject, options, {
      flush: () => this.flush(),
      onClose: () => {
        this.#subscriptions.delete(subscription);
        this.broker.subscriptions.delete(subscription);
      },
    });
    if (this.broker.isDenied(subject)) {
      const error = violation("subscription", subject);
      this.#tell({ type: "error", error });
      queueMicrotask(() => subscription.fail(error));
      return subscription;
    }
    this.#subscriptions.add(subscription);
    if (this.#lost === undefined) this.broker.subscriptions.set(subscription, this);
    return subscription;
  }

  async request(subject: string, data?: Uint8Array | string): Promise<Message> {
    const reply = createInbox();
    const { promise: come, resolve } = Promise.withResolvers<Message>();
    const subscription = this.subscribe(reply, { callback: (_, message) => resolve(message) });
    const timeout = new AbortController();
    const late = delay(1000, { signal: timeout.signal });
    try {
      this.publish(subject, data, { reply });
      const message = await Promise.race([come, late]);
      if (message === undefined) throw new TimeoutError();
      if (message.headers?.code === 503) throw new NoRespondersError(subject);
      return message;
    } finally {
      late.catch(() => {});
      timeout.abort();
      subscription.unsubscribe();
    }
  }

  flush(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new ClosedConnectionError());
    // Twice, so that what has been sent has come and been answered.
    return this.#lost?.promise ?? Promise.resolve().then(() => {}).then(() => {});
  }

  status(): AsyncIterable<ConnectionStatus> {
    const listener = new Channel<ConnectionStatus>();
    this.#listeners.add(listener);
    return listener;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#lost?.reject(new ClosedConnectionError());
    for (const each of this.#subscriptions) each.unsubscribe();
    for (const listener of this.#listeners) listener.end();
    this.#closed.resolve();
    return Promise.resolve();
  }

  closed(): Promise<void> {
    return this.#closed.promise;
  }

  isClosed(): boolean {
    return this.#isClosed;
  }

  isDraining(): boolean {
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) await this.close();
  }

  #check(subject: string): void {
    if (this.#isClosed) throw new ClosedConnectionError();
    if (subject === "" || /\s/.test(subject)) throw new InvalidSubjectError(subject);
  }

  #tell(status: ConnectionStatus): void {
    for (const listener of this.#listeners) listener.push(status);
  }
}

function violation(operation: "publish" | "subscription", subject: string): Error {
  const text = `Permissions Violation for ${operation} to "${subject}"`;
  return new PermissionViolationError(text, operation, subject);
}

function copyOf(headers: MessageHeaders): MessageHeaders {
  const copy = headers.code > 0
    ? createHeaders(headers.code, headers.status.slice(4))
    : createHeaders();
  for (const [name, values] of headers) for (const value of values) copy.append(name, value);
  return copy;
}

/** How many bytes headers have on a real wire. */
function wireSize(headers: MessageHeaders): number {
  let text = "NATS/1.0\r\n\r\n";
  for (const [name, values] of headers) for (const value of values) text += `${name}: ${value}\r\n`;
  return new TextEncoder().encode(text).length;
}
