/**
 * Sends the items of a source no faster than the wire takes them.
 * @module
 */

/**
 * Writes one item and calls back when the wire has taken it.
 * @returns How many bytes it has; a promise if the item is written later, and the next after it.
 */
export type Write<T> = (item: T, taken: () => void) => number | Promise<number>;

/** A source on its way to a wire. */
export class Pump<T> {
  readonly #source: AsyncIterable<T>;
  readonly #write: Write<T>;
  readonly #windowBytes: number;
  #iterator: AsyncIterator<T> | undefined;
  #pendingBytes = 0;
  #isStopped = false;
  #resume: (() => void) | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  /** As many bytes as `windowBytes` may be under way before the source is asked for more. */
  constructor(source: AsyncIterable<T>, write: Write<T>, windowBytes: number) {
    this.#source = source;
    this.#write = write;
    this.#windowBytes = windowBytes;
  }

  /** Sends all; rejects when the source fails, or with the reason of {@linkcode stop}. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#loop().then(resolve, reject);
    });
  }

  /** Sends nothing more and tells the source so. */
  stop(reason: unknown): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#reject?.(reason);
    this.#resume?.();
    this.#leave();
  }

  async #loop(): Promise<void> {
    const iterator = this.#iterator = this.#source[Symbol.asyncIterator]();
    while (!this.#isStopped) {
      const result = await iterator.next();
      if (this.#isStopped) return;
      if (result.done) {
        this.#isStopped = true;
        return;
      }
      try {
        const sending = this.#send(result.value);
        if (sending !== undefined) await sending;
      } catch (error) {
        // It rejects what `run` has given.
        return this.stop(error);
      }
      if (this.#isStopped) return;
      if (this.#pendingBytes > this.#windowBytes) {
        await new Promise<void>((resolve) => this.#resume = resolve);
      }
    }
  }

  #send(item: T): void | Promise<void> {
    let isTaken = false;
    let size = 0;
    const taken = () => {
      isTaken = true;
      this.#pendingBytes -= size;
      if (this.#pendingBytes > this.#windowBytes) return;
      this.#resume?.();
      this.#resume = undefined;
    };
    const written = (bytes: number) => {
      // An empty message is on the wire as well.
      size = isTaken ? 0 : bytes + 5;
      this.#pendingBytes += size;
    };
    const bytes = this.#write(item, taken);
    return typeof bytes === "number" ? written(bytes) : bytes.then(written);
  }

  #leave(): void {
    // Not waited for: a generator that is busy takes note of it only when it yields.
    try {
      this.#iterator?.return?.()?.then(undefined, () => {});
    } catch {
      // The stream is over whatever its source says.
    }
  }
}
