/**
 * Streamed responses, seen step by step.
 * @module
 */

/** Tells whether a response is streamed. */
export function isStream(response: unknown): response is AsyncIterable<unknown> {
  return typeof response === "object" && response !== null && Symbol.asyncIterator in response;
}

/** What is done with one step of an iteration. */
export type WatchStep = (
  step: Promise<IteratorResult<unknown>>,
  iterator: AsyncIterator<unknown>,
) => Promise<IteratorResult<unknown>>;

/** A stream each step of which passes through `watch`. */
export class SteppedStream implements AsyncIterable<unknown> {
  #iterator: AsyncIterator<unknown> | undefined;

  constructor(readonly source: AsyncIterable<unknown>, readonly watch: WatchStep) {}

  /** Frees what the stream holds; how that ends is of no interest. */
  close(): void {
    close(() => this.#iterator ?? this.source[Symbol.asyncIterator]());
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const iterator = this.#iterator = this.source[Symbol.asyncIterator]();
    const { watch } = this;
    return {
      next: (...args) => watch(iterator.next(...args), iterator),
      return: (value) => {
        const step = iterator.return?.(value) ?? Promise.resolve({ done: true, value: undefined });
        return watch(step, iterator);
      },
      throw: (error) => watch(iterator.throw?.(error) ?? Promise.reject(error), iterator),
    };
  }
}

/** Frees what a stream that nobody reads on holds; how that ends is of no interest. */
export function close(open: () => AsyncIterator<unknown>): void {
  try {
    open().return?.()?.then(undefined, () => {});
  } catch {
    // It is told from a timer, where nobody could catch it.
  }
}
