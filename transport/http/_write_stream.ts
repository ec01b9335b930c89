/**
 * Writes a stream of items as a body.
 * @module
 */
import { type Clock, KitError } from "@kit/endpoint";
import type { FrameWriter } from "./_stream_format.ts";

/** How a stream is written. */
export interface WriteStreamOptions {
  readonly writer: FrameWriter;
  readonly heartbeatMs: number;
  readonly clock: Clock;
  /** What comes before the first item. */
  readonly preamble?: string;
  /** A first step that has been taken already. */
  readonly first?: Promise<IteratorResult<unknown>>;
  /** Told once when nothing more is written, with the error of a stream that did not reach its end. */
  readonly onEnd: (error: unknown, isReaderGone: boolean) => void;
  /** Whether an error is written as the last frame, rather than breaking the body off. */
  readonly tellsErrors: boolean;
}

const encoder = new TextEncoder();

/** Writes the items of an iterator, each when the reader asks for it. */
export class StreamWriter {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #source: AsyncIterator<unknown>;
  readonly #options: WriteStreamOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #first: Promise<IteratorResult<unknown>> | undefined;
  #isOver = false;
  #wroteAt = 0;
  #timer: Disposable | undefined;

  constructor(source: AsyncIterator<unknown>, options: WriteStreamOptions) {
    this.#source = source;
    this.#options = options;
    this.#first = options.first;
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        this.#beat(options.heartbeatMs);
        if (options.preamble !== undefined) this.#write(options.preamble);
      },
      pull: () => this.#pull(),
      cancel: () => this.#cancel(),
    }, { highWaterMark: 0 });
  }

  /** Ends the stream with an error, whatever its source does. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#end(error);
    try {
      if (this.#options.tellsErrors) {
        this.#controller.enqueue(encoder.encode(this.#options.writer.error(error)));
        this.#controller.close();
      } else this.#controller.error(error);
    } catch {
      // The reader has gone.
    }
    this.#giveUp();
  }

  async #pull(): Promise<void> {
    try {
      const step = this.#first ?? this.#source.next();
      this.#first = undefined;
      const { done, value } = await step;
      if (this.#isOver) return;
      if (!done) return this.#write(this.#options.writer.item(value));
      this.#write(this.#options.writer.end);
      this.#end(undefined);
      this.#controller.close();
    } catch (error) {
      this.fail(error ?? new Error("Stream failed without an error"));
    }
  }

  #write(text: string): void {
    if (this.#timer !== undefined) this.#wroteAt = this.#options.clock.now();
    this.#controller.enqueue(encoder.encode(text));
  }

  /** One timer for many items: it looks how long ago something was written. */
  #beat(afterMs: number): void {
    const { clock, heartbeatMs, writer } = this.#options;
    if (heartbeatMs === Infinity) return;
    this.#timer = clock.after(afterMs, () => {
      const leftMs = this.#wroteAt + heartbeatMs - clock.now();
      this.#beat(leftMs > 0 ? leftMs : heartbeatMs);
      // A reader that does not read needs no sign of life.
      if (leftMs <= 0 && this.#controller.desiredSize === 0) this.#write(writer.heartbeat);
    }, { keepAlive: false });
  }

  #cancel(): void {
    if (this.#isOver) return;
    const isReaderGone = true;
    this.#end(new KitError("cancelled", "Reader has gone"), isReaderGone);
    this.#giveUp();
  }

  #end(error: unknown, isReaderGone = false): void {
    this.#isOver = true;
    this.#timer?.[Symbol.dispose]();
    this.#options.onEnd(error, isReaderGone);
  }

  /** Tells the source that nobody wants more. It may take its time, or never answer. */
  #giveUp(): void {
    try {
      this.#first?.catch(() => {});
      this.#source.return?.()?.catch(() => {});
    } catch {
      // It has been told.
    }
  }
}
