/**
 * A bounded queue of lines in front of a slow writer.
 * @module
 */

/** Writes bytes; may write fewer than it was given, and tells how many. */
export interface ByteWriter {
  /**
   * Writes without blocking.
   * @param bytes What to write.
   * @returns How many bytes were written.
   */
  write(bytes: Uint8Array): Promise<number>;
  /**
   * Writes at once; used when the process ends.
   * @param bytes What to write.
   * @returns How many bytes were written.
   */
  writeSync?(bytes: Uint8Array): number;
}

/** Where the time of a sink comes from. A `Clock` of `@kit/endpoint` is one. */
export interface SinkClock {
  /**
   * Tells the time.
   * @returns Milliseconds.
   */
  now(): number;
  /**
   * Calls back once.
   * @param delayMs After how many milliseconds.
   * @param callback What to call.
   * @param options Whether the process waits for it.
   * @returns The timer.
   */
  after(
    delayMs: number,
    callback: () => void,
    options?: { readonly keepAlive?: boolean },
  ): Disposable;
}

/** What a {@linkcode LineWriter} needs. */
export interface LineWriterOptions {
  readonly maxLines: number;
  readonly maxLength: number;
  readonly delayMs: number;
  readonly closeMs: number;
  readonly dropped: (count: number) => string;
  readonly clock: SinkClock;
}

/** The characters that are written at once: more would keep the event loop for too long. */
const BATCH_LENGTH = 65_536;
/** How long a target that refused a write is left alone, and the least time between two notices. */
const SECOND_MS = 1000;
const NEWLINE = 10;

/** What is on its way to the writer. */
interface Batch {
  bytes: Uint8Array;
  /** The characters it frees when it is written. */
  readonly length: number;
  /** The lines it holds of those that were pushed. */
  readonly lines: number;
  /** Whether one more line tells of drops. */
  readonly tells: boolean;
}

/** How many of a batch's lines are not written to their end. */
function unwritten(batch: Batch): number {
  let count = batch.tells ? -1 : 0;
  for (const byte of batch.bytes) if (byte === NEWLINE) count++;
  return Math.max(0, count);
}

/** A writer that makes no progress would be asked for ever. */
function rest(bytes: Uint8Array, written: number): Uint8Array {
  if (!(written > 0)) throw new Error("Cannot write as the writer takes no bytes");
  return bytes.subarray(written);
}

/** Takes lines without ever waiting, and hands them to a writer in batches. */
export class LineWriter {
  /** Lines that were dropped. */
  dropped = 0;

  readonly #writer: ByteWriter;
  readonly #options: LineWriterOptions;
  readonly #encoder = new TextEncoder();
  #queue: string[] = [];
  /** What is being written, or waits to be written again. */
  #batch: Batch | undefined;
  /** Lines and characters in the queue and in the batch. */
  #lines = 0;
  #length = 0;
  /** Lines taken and lines done with, ever: the marks that `flush` goes by. */
  #taken = 0;
  #done = 0;
  /** The drops that a notice has told of, and when the last one was made. */
  #told = 0;
  #toldAt = -Infinity;
  #writing: Promise<boolean> | undefined;
  #writingSince = 0;
  #timer: Disposable | undefined;
  #noticeTimer: Disposable | undefined;
  #isClosed = false;

  constructor(writer: ByteWriter, options: LineWriterOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  /** Takes a line, or counts it as dropped when there is no room. */
  push(line: string): void {
    const { maxLines, maxLength, delayMs } = this.#options;
    const length = this.#length + line.length + 1;
    if (this.#lines >= maxLines || length > maxLength || this.#isClosed) {
      this.dropped++;
    } else {
      // Joins the pieces that a line is made of, so that they need not wait with it and be moved about.
      line.charCodeAt(0);
      this.#queue.push(line);
      this.#lines++;
      this.#taken++;
      this.#length = length;
    }
    if (this.#timer === undefined && this.#writing === undefined) this.#schedule(delayMs);
  }

  /** Writes what was taken so far; gives up when the writer refuses. */
  async flush(): Promise<void> {
    const goal = this.#taken;
    while (this.#done < goal) if (!await this.#write()) return;
  }

  /** Writes everything at once, if the writer can and does not stall. */
  flushSync(): void {
    const { clock } = this.#options;
    const stalls = this.#writing !== undefined && clock.now() - this.#writingSince >= SECOND_MS;
    if (this.#writer.writeSync === undefined || stalls) return;
    // What is on its way is for the runtime to finish, and it does so before it takes more.
    let batch = this.#writing === undefined ? this.#batch : undefined;
    batch ??= this.#next({ isLast: true });
    for (; batch !== undefined; batch = this.#next({ isLast: true })) {
      try {
        while (batch.bytes.length > 0) {
          batch.bytes = rest(batch.bytes, this.#writer.writeSync(batch.bytes));
        }
        this.#finish(batch);
      } catch {
        this.dropped += unwritten(batch);
        return this.#finish(batch);
      }
    }
  }

  /** Writes what is left within `closeMs`, and counts the rest as dropped. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancel();
    this.#cancelNotice();
    const late = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(this.#options.closeMs, late.resolve);
    try {
      await Promise.race([this.#writeAll(), late.promise]);
    } finally {
      timer[Symbol.dispose]();
      this.#abandon();
    }
  }

  async #writeAll(): Promise<void> {
    const isDone = () =>
      this.#lines === 0 && this.#batch === undefined && this.dropped === this.#told;
    while (!isDone()) if (!await this.#write()) return;
  }

  #abandon(): void {
    this.dropped += this.#queue.length + (this.#batch === undefined ? 0 : unwritten(this.#batch));
    this.#queue = [];
    this.#batch = undefined;
    this.#lines = this.#length = 0;
    this.#done = this.#taken;
    this.#told = this.dropped;
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = undefined;
      void this.#write();
    }, { keepAlive: false });
  }

  #cancel(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #cancelNotice(): void {
    this.#noticeTimer?.[Symbol.dispose]();
    this.#noticeTimer = undefined;
  }

  /** Writes one batch, one at a time; resolves to whether the writer took it. */
  #write(): Promise<boolean> {
    return this.#writing ??= this.#send().then((isWritten) => {
      this.#writing = undefined;
      if (isWritten) this.#plan();
      // What was refused stays: a full disk gets space again. A reader that is gone fills the queue.
      else this.#schedule(SECOND_MS);
      return isWritten;
    });
  }

  async #send(): Promise<boolean> {
    this.#cancel();
    const batch = this.#batch ??= this.#next({ isLast: this.#isClosed });
    if (batch === undefined) return true;
    this.#writingSince = this.#options.clock.now();
    try {
      while (batch.bytes.length > 0) {
        batch.bytes = rest(batch.bytes, await this.#writer.write(batch.bytes));
      }
    } catch {
      return false;
    }
    if (this.#batch === batch) this.#finish(batch); // It may have been given up meanwhile.
    return true;
  }

  /** Sees to what is left: a full batch now, less after a while, a notice when it is its time. */
  #plan(): void {
    if (this.#isClosed) return;
    if (this.#length >= BATCH_LENGTH) void this.#write();
    else if (this.#lines > 0) this.#schedule(this.#options.delayMs);
    else if (this.dropped > this.#told) {
      const { clock } = this.#options;
      this.#noticeTimer ??= clock.after(Math.max(1, this.#toldAt + SECOND_MS - clock.now()), () => {
        this.#noticeTimer = undefined;
        void this.#write();
      }, { keepAlive: false });
    }
  }

  /** Takes the next batch out of the queue. */
  #next({ isLast }: { readonly isLast: boolean }): Batch | undefined {
    let lines = 0;
    let length = 0;
    while (lines < this.#queue.length && length < BATCH_LENGTH) {
      length += this.#queue[lines++]!.length + 1;
    }
    const taken = this.#queue;
    this.#queue = taken.splice(lines);
    const now = this.#options.clock.now();
    const tells = this.dropped > this.#told && (isLast || now - this.#toldAt >= SECOND_MS);
    if (tells) {
      taken.push(this.#options.dropped(this.dropped - this.#told));
      this.#told = this.dropped;
      this.#toldAt = now;
    }
    if (taken.length === 0) return undefined;
    return { bytes: this.#encoder.encode(`${taken.join("\n")}\n`), length, lines, tells };
  }

  #finish(batch: Batch): void {
    if (this.#batch === batch) this.#batch = undefined;
    this.#lines -= batch.lines;
    this.#length -= batch.length;
    this.#done += batch.lines;
  }
}
