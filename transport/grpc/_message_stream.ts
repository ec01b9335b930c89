/**
 * Messages that come in, as an `AsyncIterable` that reads the wire when it is asked for one.
 * @module
 */

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** What a stream of messages is fed by. */
export interface Wire<T> {
  /** Asks for one message. */
  readonly read: () => void;
  /** Makes a message of its bytes. */
  readonly decode: (bytes: Uint8Array) => T | Promise<T>;
  /** Told that nobody reads any more, though there may be more. */
  readonly abandon: () => void;
}

/** Messages that come in. It can be iterated once. */
export class MessageStream<T> implements AsyncGenerator<T, undefined, undefined> {
  readonly #wire: Wire<T>;
  readonly #waiting: Waiting<T>[] = [];
  #isEnded = false;
  /** What the next `next` rejects with. */
  #failure: { readonly error: unknown } | undefined;

  constructor(wire: Wire<T>) {
    this.#wire = wire;
  }

  /** Takes a message that was asked for. */
  push(bytes: Uint8Array): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    if (this.#waiting.length > 0) this.#wire.read();
    try {
      const value = this.#wire.decode(bytes);
      if (!(value instanceof Promise)) return waiting.resolve({ done: false, value });
      value.then((value) => waiting.resolve({ done: false, value }), (error) => {
        this.#giveUp();
        waiting.reject(error);
      });
    } catch (error) {
      this.#giveUp();
      waiting.reject(error);
    }
  }

  /** Ends the stream, with an error if there is one. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const waiting = this.#waiting.splice(0);
    if (failure !== undefined) {
      const first = waiting.shift();
      if (first === undefined) this.#failure = failure;
      else first.reject(failure.error);
    }
    for (const { resolve } of waiting) resolve({ done: true, value: undefined });
  }

  #giveUp(): void {
    if (this.#isEnded) return;
    this.end();
    this.#wire.abandon();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const failure = this.#failure;
    if (failure !== undefined) {
      this.#failure = undefined;
      return Promise.reject(failure.error);
    }
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#waiting.length === 1) this.#wire.read();
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#failure = undefined;
    this.#giveUp();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    this.#failure = undefined;
    this.#giveUp();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
