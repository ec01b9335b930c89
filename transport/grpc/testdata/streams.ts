/**
 * Streams for the integration tests.
 * @module
 */

/** A stream of items. */
export async function* streamOf<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

/** Reads a stream of payloads, and gives their sizes. */
export async function sizesOf(
  responses: AsyncIterable<{ payload?: { body: Uint8Array } }>,
): Promise<number[]> {
  const sizes = [];
  for await (const { payload } of responses) sizes.push(payload?.body.length ?? 0);
  return sizes;
}

/** A request whose items are sent by hand. */
export class Sender<T> implements AsyncIterableIterator<T> {
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = [];
  readonly #items: IteratorResult<T>[] = [];

  send(value: T): void {
    this.#put({ done: false, value });
  }

  end(): void {
    this.#put({ done: true, value: undefined });
  }

  #put(result: IteratorResult<T>): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(result);
    else waiting(result);
  }

  next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    return item === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(item);
  }

  return(): Promise<IteratorResult<T>> {
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
