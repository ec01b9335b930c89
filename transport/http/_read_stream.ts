/**
 * Reads a body as the stream of items that it carries.
 * @module
 */
import { type Clock, type ErrorCode, isKitError, KitError } from "@kit/endpoint";
import { type Schema, validate } from "../schema.ts";
import type { Frame } from "./_frame.ts";
import type { FrameReader } from "./_stream_format.ts";

/** How a stream is read. */
export interface ReadStreamOptions<T> {
  readonly schema: Schema<T> | undefined;
  readonly idleMs: number;
  readonly clock: Clock;
  /** The code of a body that ends or breaks off before the stream does. */
  readonly cutCode: ErrorCode;
  /** The code of what is no item. */
  readonly badCode: ErrorCode;
  /** Tells what to fail with in place of what the body fails with. */
  readonly reason: (error: unknown) => unknown;
  /**
   * Ends the stream when it is aborted, with its reason. What made the body may not hear of it: once
   * nobody holds the response, Deno's `fetch` forgets whom its signal was for.
   */
  readonly signal?: AbortSignal | undefined;
  /** Told once when nothing more is read. */
  readonly onEnd?: () => void;
}

/**
 * Iterates over the items of a body. It can be iterated once. Its `return` cancels the body at once,
 * also while a `next` waits.
 */
export class StreamReader<T> implements AsyncIterableIterator<T, undefined> {
  readonly #body: ReadableStreamDefaultReader<Uint8Array>;
  readonly #reader: FrameReader;
  readonly #options: ReadStreamOptions<T>;
  #frames: Frame[] = [];
  #index = 0;
  #isOver = false;
  #last: Promise<unknown> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #watch: Disposable | undefined;
  #heardAt = 0;
  #isWaiting = false;

  constructor(
    body: ReadableStream<Uint8Array>,
    reader: FrameReader,
    options: ReadStreamOptions<T>,
  ) {
    this.#body = body.getReader();
    this.#reader = reader;
    this.#options = options;
    if (options.signal?.aborted) this.#onAbort();
    else options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => {
    const { signal, onEnd } = this.#options;
    this.#fail(signal!.reason);
    onEnd?.();
  };

  next(): Promise<IteratorResult<T, undefined>> {
    // Calls of `next` that do not wait for each other are answered in order.
    const step: Promise<IteratorResult<T, undefined>> = this.#last === undefined
      ? this.#step()
      : this.#last.then(() => this.#step());
    const settled = step.then(() => {}, () => {}).then(() => {
      if (this.#last === settled) this.#last = undefined;
    });
    this.#last = settled;
    return step;
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #step(): Promise<IteratorResult<T, undefined>> {
    try {
      const frame = await this.#frame();
      if (frame?.type === "item") {
        return { done: false, value: await this.#validated(frame.item) };
      }
      if (frame?.type === "error") throw frame.error;
      this.#end();
      return { done: true, value: undefined };
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async #validated(item: unknown): Promise<T> {
    const { schema } = this.#options;
    if (schema === undefined) return item as T;
    try {
      return await validate(schema, item, "item");
    } catch (error) {
      throw this.#bad(error);
    }
  }

  /** Who reads an answer was not wrong in what it asked. */
  #bad(error: unknown): unknown {
    const { badCode } = this.#options;
    if (!isKitError(error) || error.code !== "invalid_argument" || error.code === badCode) {
      return error;
    }
    return new KitError(badCode, error.message, { cause: error });
  }

  /** Tells the next frame; nothing once the stream was given up. */
  async #frame(): Promise<Frame | undefined> {
    for (;;) {
      if (this.#isOver) return undefined;
      this.#throwIfFailed();
      const frame = this.#frames[this.#index++];
      if (frame !== undefined) {
        if (frame.type === "credit") continue;
        return frame;
      }
      const piece = await this.#read();
      if (this.#isOver) return undefined;
      this.#throwIfFailed();
      if (piece === undefined) throw this.#cut("it ended before its end was told");
      this.#index = 0;
      this.#frames = this.#decoded(piece);
    }
  }

  #decoded(piece: Uint8Array): Frame[] {
    try {
      return this.#reader.push(piece);
    } catch (error) {
      throw this.#bad(error);
    }
  }

  async #read(): Promise<Uint8Array | undefined> {
    const { clock, idleMs } = this.#options;
    if (idleMs !== Infinity) {
      this.#heardAt = clock.now();
      this.#watch ??= this.#startWatch(idleMs);
    }
    this.#isWaiting = true;
    try {
      const { value } = await this.#body.read();
      return value;
    } catch (error) {
      if (this.#isOver || this.#failure !== undefined) return undefined;
      throw this.#options.reason(this.#cut("it broke off", error));
    } finally {
      this.#isWaiting = false;
    }
  }

  /** One timer for many reads: it looks how long ago something was heard. */
  #startWatch(afterMs: number): Disposable {
    const { clock, idleMs } = this.#options;
    return clock.after(afterMs, () => {
      // A consumer that takes its time does not make the peer silent.
      const leftMs = this.#isWaiting ? this.#heardAt + idleMs - clock.now() : idleMs;
      if (leftMs > 0) {
        this.#watch = this.#startWatch(leftMs);
        return;
      }
      this.#fail(this.#cut(`nothing came for ${idleMs} ms`));
    }, { keepAlive: false });
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Has a `next` that waits, or the one to come, reject. */
  #fail(error: unknown): void {
    if (this.#isOver || this.#failure !== undefined) return;
    this.#failure = { error };
    this.#watch?.[Symbol.dispose]();
    this.#body.cancel(error).catch(() => {});
  }

  #cut(why: string, cause?: unknown): KitError {
    return new KitError(this.#options.cutCode, `Cannot read stream as ${why}`, { cause });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watch?.[Symbol.dispose]();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    // What is left of the body would hold the connection. A body that was read to its end does not
    // mind.
    this.#body.cancel().catch(() => {});
    this.#options.onEnd?.();
  }
}
