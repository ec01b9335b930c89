/**
 * A broker of NATS within the process, as far as servers and clients can tell.
 * @module
 */
import {
  ClosedConnectionError,
  createInbox,
  DrainingConnectionError,
  headers as createHeaders,
  InvalidArgumentError,
  InvalidSubjectError,
  type Msg,
  type MsgHdrs,
  NoRespondersError,
  type Payload,
  PermissionViolationError,
  type PublishOptions,
  type RequestOptions,
  type Server,
  type ServerInfo,
  type Stats,
  type Status,
  type Subscription,
  type SubscriptionOptions,
  TimeoutError,
} from "@nats-io/nats-core";
import { delay } from "@kit/endpoint";
import { Channel, MemorySubscription } from "./_memory_subscription.ts";
import type { MemoryBroker, MemoryConnection } from "./testing.ts";

/** What is on its way. */
interface Parcel {
  readonly subject: string;
  readonly reply: string;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

/** The broker: it knows who subscribes to what. */
export class Broker implements MemoryBroker {
  readonly subscriptions = new Set<MemorySubscription>();
  #next = 0;

  constructor(readonly maxPayload: number, readonly denied: ReadonlySet<string>) {}

  connect(): MemoryConnection {
    return new Connection(this);
  }

  /** Passes a message to every subscription, but to one only of each queue group. */
  route(parcel: Parcel): boolean {
    const takers: MemorySubscription[] = [];
    const groups = new Map<string, MemorySubscription[]>();
    for (const subscription of this.subscriptions) {
      if (!subscription.isMatch(parcel.subject)) continue;
      const { queue } = subscription;
      if (queue === undefined) takers.push(subscription);
      else groups.set(queue, [...groups.get(queue) ?? [], subscription]);
    }
    for (const group of groups.values()) takers.push(group[this.#next++ % group.length]!);
    for (const taker of takers) {
      taker.take(new Message(parcel, taker.connection as Connection, taker.getID()));
    }
    return takers.length > 0;
  }
}

class Message implements Msg {
  readonly subject: string;
  readonly reply: string;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs;

  constructor(parcel: Parcel, readonly connection: Connection, readonly sid: number) {
    this.subject = parcel.subject;
    this.reply = parcel.reply;
    this.data = parcel.data;
    if (parcel.headers !== undefined) this.headers = parcel.headers;
  }

  respond(payload?: Payload, options?: PublishOptions): boolean {
    if (this.reply === "") return false;
    this.connection.publish(this.reply, payload, options);
    return true;
  }

  json<T>(reviver?: (key: string, value: unknown) => unknown): T {
    return JSON.parse(this.string(), reviver);
  }

  string(): string {
    return new TextDecoder().decode(this.data);
  }
}

class Connection implements MemoryConnection {
  readonly #listeners = new Set<Channel<Status>>();
  readonly #subscriptions = new Set<MemorySubscription>();
  readonly #closed = Promise.withResolvers<void>();
  #lost: PromiseWithResolvers<void> | undefined;
  #isClosed = false;
  #isDraining = false;
  #sid = 0;

  constructor(readonly broker: Broker) {}

  get info(): ServerInfo | undefined {
    if (this.#isClosed || this.#lost !== undefined) return undefined;
    return {
      client_id: 1,
      go: "none",
      headers: true,
      host: "memory",
      max_payload: this.broker.maxPayload,
      port: 4222,
      proto: 1,
      server_id: "memory",
      server_name: "memory",
      version: "2.9.10",
    };
  }

  lose(): void {
    this.#lost = Promise.withResolvers();
    this.#lost.promise.catch(() => {});
    for (const each of this.#subscriptions) this.broker.subscriptions.delete(each);
    this.#tell({ type: "disconnect", server: "memory" });
  }

  restore(): void {
    const lost = this.#lost;
    this.#lost = undefined;
    for (const each of this.#subscriptions) this.broker.subscriptions.add(each);
    this.#tell({ type: "reconnect", server: "memory" });
    lost?.reject(new Error("connection disconnected"));
  }

  publish(subject: string, payload: Payload = "", options: PublishOptions = {}): void {
    this.#check(subject);
    const data = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    const { headers, reply = "" } = options;
    const size = data.length + (headers === undefined ? 0 : wireSize(headers));
    if (size > this.broker.maxPayload) {
      throw new InvalidArgumentError("'payload' max_payload size exceeded");
    }
    if (this.broker.denied.has(subject)) return void this.#refuse("publish", subject);
    if (this.#lost !== undefined) return;
    // What is received shares nothing with what was sent.
    const parcel = { subject, reply, data: data.slice(), headers: headers && copyOf(headers) };
    queueMicrotask(() => {
      if (this.broker.route(parcel) || reply === "") return;
      const headers = createHeaders(503, "No Responders");
      this.broker.route({ subject: reply, reply: "", data: new Uint8Array(), headers });
    });
  }

  subscribe(subject: string, options: SubscriptionOptions = {}): Subscription {
    this.#check(subject);
    if (this.#isDraining) throw new DrainingConnectionError();
    const subscription = new MemorySubscription(this, ++this.#sid, subject, options, () => {
      this.#subscriptions.delete(subscription);
      this.broker.subscriptions.delete(subscription);
    });
    if (this.broker.denied.has(subject)) {
      queueMicrotask(() => {
        const error = this.#refuse("subscription", subject);
        subscription.callback(error, {} as Msg);
        subscription.unsubscribe();
      });
      return subscription;
    }
    this.#subscriptions.add(subscription);
    if (this.#lost === undefined) this.broker.subscriptions.add(subscription);
    return subscription;
  }

  async request(subject: string, payload?: Payload, options?: RequestOptions): Promise<Msg> {
    const reply = createInbox();
    const replies = this.subscribe(reply, { max: 1 });
    const timeout = new AbortController();
    const late = delay(options?.timeout ?? 1000, { signal: timeout.signal });
    try {
      this.publish(subject, payload, { ...options, reply });
      const first = replies[Symbol.asyncIterator]().next();
      const result = await Promise.race([first, late]);
      if (result === undefined) throw new TimeoutError();
      if (result.done) throw new ClosedConnectionError();
      if (result.value.headers?.code === 503) throw new NoRespondersError(subject);
      return result.value;
    } finally {
      late.catch(() => {});
      timeout.abort();
      replies.unsubscribe();
    }
  }

  flush(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new ClosedConnectionError());
    // Twice, so that what has been sent has come and been answered.
    return this.#lost?.promise ?? Promise.resolve().then(() => {}).then(() => {});
  }

  async drain(): Promise<void> {
    if (this.#isClosed) throw new ClosedConnectionError();
    if (this.#isDraining) throw new DrainingConnectionError();
    this.#isDraining = true;
    await Promise.all([...this.#subscriptions].map((each) => each.drain()));
    await this.close();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#lost?.reject(new ClosedConnectionError());
    for (const each of this.#subscriptions) each.unsubscribe();
    this.#tell({ type: "close" });
    for (const listener of this.#listeners) listener.end();
    this.#closed.resolve();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) await this.close();
  }

  status(): AsyncIterable<Status> {
    const listener = new Channel<Status>();
    this.#listeners.add(listener);
    return listener;
  }

  publishMessage({ subject, data, reply, headers }: Msg): void {
    this.publish(subject, data, { ...(reply ? { reply } : {}), ...(headers ? { headers } : {}) });
  }

  respondMessage({ reply, data, headers }: Msg): boolean {
    if (reply) this.publish(reply, data, headers ? { headers } : {});
    return !!reply;
  }

  requestMany(): Promise<AsyncIterable<Msg>> {
    return Promise.reject(
      new Error("Cannot request many as the broker in memory does not know it"),
    );
  }

  closed(): Promise<void | Error> {
    return this.#closed.promise;
  }
  isClosed(): boolean {
    return this.#isClosed;
  }
  isDraining(): boolean {
    return this.#isDraining;
  }
  getServer(): string {
    return "memory";
  }
  getServers(): readonly Server[] {
    return [];
  }
  setServers(): void {}
  stats(): Stats {
    return { inBytes: 0, outBytes: 0, inMsgs: 0, outMsgs: 0 };
  }
  rtt(): Promise<number> {
    return this.flush().then(() => 0);
  }
  reconnect(): Promise<void> {
    this.lose();
    this.restore();
    return Promise.resolve();
  }

  #check(subject: string): void {
    if (this.#isClosed) throw new ClosedConnectionError();
    if (subject === "" || /\s/.test(subject)) throw new InvalidSubjectError(subject);
  }

  #refuse(operation: "publish" | "subscription", subject: string): PermissionViolationError {
    const text = `Permissions Violation for ${operation} to "${subject}"`;
    const error = new PermissionViolationError(text, operation, subject);
    this.#tell({ type: "error", error });
    return error;
  }

  #tell(status: Status): void {
    for (const listener of this.#listeners) listener.push(status);
  }
}

function copyOf(headers: MsgHdrs): MsgHdrs {
  const copy = headers.code > 0
    ? createHeaders(headers.code, headers.description)
    : createHeaders();
  for (const [name, values] of headers) for (const value of values) copy.append(name, value);
  return copy;
}

/** How many bytes headers have on a real wire. */
function wireSize(headers: MsgHdrs): number {
  let text = "NATS/1.0\r\n\r\n";
  for (const [name, values] of headers) for (const value of values) text += `${name}: ${value}\r\n`;
  return new TextEncoder().encode(text).length;
}
