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

/** Tells whether a subject is one of those that a pattern means. */
export function isMatch(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  const rest = wanted.indexOf(">");
  if (rest < 0 ? tokens.length !== wanted.length : tokens.length <= rest) return false;
  return wanted.every((token, i) => token === ">" || token === "*" || token === tokens[i]);
}

/** One subscription. */
export class MemorySubscription implements Subscription {
  readonly closed: Promise<void>;
  readonly queue: string | undefined;
  readonly #callback: SubscribeOptions["callback"];
  readonly #flush: () => Promise<void>;
  #close: (() => void) | undefined;

  constructor(
    readonly subject: string,
    { queue, callback }: SubscribeOptions,
    host: { readonly flush: () => Promise<void>; readonly onClose: () => void },
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.queue = queue;
    this.#callback = callback;
    this.#flush = host.flush;
    this.#close = () => {
      host.onClose();
      resolve();
    };
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
