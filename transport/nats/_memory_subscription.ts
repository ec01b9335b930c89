/**
 * What listens to subjects of the broker in memory.
 * @module
 */
import type {
  Msg,
  MsgCallback,
  NatsConnection,
  Subscription,
  SubscriptionOptions,
} from "@nats-io/nats-core";

/** A queue without bounds, read by one reader. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined, undefined> {
    for (;;) {
      while (this.#items.length > 0) yield this.#items.shift()!;
      if (this.#isEnded) return;
      await new Promise<void>((wake) => this.#wake = wake);
    }
  }
}

/** One subscription. */
export class MemorySubscription implements Subscription {
  readonly queue: string | undefined;
  readonly callback: MsgCallback<Msg>;
  readonly closed: Promise<void | Error>;
  readonly #messages = new Channel<Msg>();
  readonly #pattern: readonly string[];
  readonly #close: () => void;
  #max: number | undefined;
  #received = 0;
  #isClosed = false;
  #isDraining = false;

  constructor(
    readonly connection: NatsConnection,
    readonly sid: number,
    readonly subject: string,
    options: SubscriptionOptions,
    onClose: () => void,
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.queue = options.queue;
    this.#max = options.max;
    this.#pattern = subject.split(".");
    this.callback = options.callback ?? ((error, message) => {
      if (error === null) this.#messages.push(message);
    });
    this.#close = () => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      onClose();
      this.#messages.end();
      resolve();
    };
  }

  isMatch(subject: string): boolean {
    const tokens = subject.split(".");
    const end = this.#pattern.indexOf(">");
    if (end < 0 ? tokens.length !== this.#pattern.length : tokens.length <= end) return false;
    return this.#pattern.every((token, i) => token === ">" || token === "*" || token === tokens[i]);
  }

  take(message: Msg): void {
    if (this.#isClosed) return;
    this.#received++;
    this.callback(null, message);
    if (this.#max !== undefined && this.#received >= this.#max) this.#close();
  }

  unsubscribe(max?: number): void {
    this.#max = max;
    if (max === undefined || this.#received >= max) this.#close();
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    await this.connection.flush().catch(() => {});
    this.#close();
  }

  [Symbol.asyncIterator](): AsyncIterator<Msg> {
    return this.#messages[Symbol.asyncIterator]();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) await this.drain();
  }
  isDraining(): boolean {
    return this.#isDraining;
  }
  isClosed(): boolean {
    return this.#isClosed;
  }
  getSubject(): string {
    return this.subject;
  }
  getReceived(): number {
    return this.#received;
  }
  getProcessed(): number {
    return this.#received - this.#messages.length;
  }
  getPending(): number {
    return this.#messages.length;
  }
  getID(): number {
    return this.sid;
  }
  getMax(): number | undefined {
    return this.#max;
  }
}
