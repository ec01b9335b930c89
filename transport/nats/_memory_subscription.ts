/**
 * What listens to subjects of the broker in memory.
 * @module
 */
import type { Message, SubscribeOptions, Subscription } from "./connection.ts";

/** A queue without bounds, read by one reader. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;

  push(item: T): void {
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
  readonly closed: Promise<void>;
  readonly queue: string | undefined;
  readonly #callback: SubscribeOptions["callback"];
  readonly #pattern: readonly string[];
  readonly #flush: () => Promise<void>;
  #close: (() => void) | undefined;

  constructor(
    subject: string,
    { queue, callback }: SubscribeOptions,
    host: { readonly flush: () => Promise<void>; readonly onClose: () => void },
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.queue = queue;
    this.#callback = callback;
    this.#pattern = subject.split(".");
    this.#flush = host.flush;
    this.#close = () => {
      host.onClose();
      resolve();
    };
  }

  isMatch(subject: string): boolean {
    const tokens = subject.split(".");
    const rest = this.#pattern.indexOf(">");
    if (rest < 0 ? tokens.length !== this.#pattern.length : tokens.length <= rest) return false;
    return this.#pattern.every((token, i) => token === ">" || token === "*" || token === tokens[i]);
  }

  take(message: Message): void {
    if (!this.isClosed()) this.#callback?.(null, message);
  }

  fail(error: Error): void {
    this.#callback?.(error, {} as Message);
    this.unsubscribe();
  }

  unsubscribe(): void {
    const close = this.#close;
    this.#close = undefined;
    close?.();
  }

  async drain(): Promise<void> {
    await this.#flush().catch(() => {});
    this.unsubscribe();
  }

  isClosed(): boolean {
    return this.#close === undefined;
  }
}
