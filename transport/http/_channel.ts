/**
 * A stream in each direction over one WebSocket.
 * @module
 */
import { type Clock, type ErrorCode, isKitError, KitError, toKitError } from "@kit/endpoint";
import { closeCodeOf, closeReason, codeOfClose } from "./_close_codes.ts";
import { errorJson, itemJson, parseFrame } from "./_frame.ts";
import { Queue } from "./_queue.ts";

/** The subprotocol without flow control, for browsers by hand. */
export const PLAIN_PROTOCOL = "kit.stream";
/** The subprotocol in which each side tells how many items it takes. */
export const CREDIT_PROTOCOL = "kit.stream.credit";

/** How many items a side takes before it knows how large they are. */
const FIRST_WINDOW = 32;
/** How many items may be on their way or wait at once, and about how many bytes. */
const MAX_WINDOW = 256;
const WINDOW_BYTES = 1024 * 1024;
/** How much may wait in the socket before a sender waits. */
const HIGH_BYTES = 64 * 1024;
/** How often a sender looks whether the socket has sent enough: it tells nobody. */
const POLL_MS = 4;
/** How long a peer has to fall silent, and then to answer a close. */
const CLOSE_MS = 1000;
/** For how long nothing must have come before the connection is closed. */
const QUIET_MS = 10;

/** The state of a socket that is open: not every runtime has `WebSocket` to ask for it. */
const OPEN = 1;

/** How a channel is run. */
export interface ChannelOptions {
  readonly maxBytes: number;
  readonly clock: Clock;
  /** The code of what is no frame. */
  readonly badCode: ErrorCode;
  /** Whether each side tells how many items it takes. */
  readonly isCredited: boolean;
}

/** The two streams. It is iterated for what comes in. */
export class Channel implements AsyncIterableIterator<unknown, undefined> {
  readonly #socket: WebSocket;
  readonly #options: ChannelOptions;
  readonly #isCredited: boolean;
  #resolveClosed!: () => void;
  /** Resolves when the connection is closed, or the peer does not answer the close. */
  readonly closed: Promise<void> = new Promise((resolve) => this.#resolveClosed = resolve);
  readonly #queue = new Queue();
  /** Whether the peer has told the end of its items. */
  #isEnded = false;
  /** Why nothing more comes in. */
  #failure: { readonly error: unknown } | undefined;
  #isClosing = false;
  #isHeard = false;
  #credit = 0;
  /** How many items the peer may still send. */
  #granted = 0;
  #averageBytes = WINDOW_BYTES / FIRST_WINDOW;
  #onIncoming: (() => void) | undefined;
  #onWritable: (() => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #timer: Disposable | undefined;
  #onGuarded: ((error: unknown) => void) | undefined;
  /** Called once when the channel is of no more use, with why. */
  onBroken: ((error: unknown) => void) | undefined;

  /** Takes a socket that has just opened. */
  constructor(socket: WebSocket, options: ChannelOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#isCredited = options.isCredited;
    if (this.#isCredited) this.#grant();
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onerror = (event) => event.preventDefault();
    socket.onclose = ({ code, reason }) => this.#onClose(code, reason);
  }

  /** Waits for something, but no longer than the channel is of use. */
  guard<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        work.catch(() => {});
        return reject(this.#failure.error);
      }
      this.#onGuarded = reject;
      work.then(resolve, reject);
    });
  }

  // Incoming

  next(): Promise<IteratorResult<unknown, undefined>> {
    const step = this.#last.then(() => this.#step());
    this.#last = step.catch(() => {});
    return step;
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    // What still comes is dropped, and is not granted any more.
    this.#endIncoming();
    this.#queue.clear();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #step(): Promise<IteratorResult<unknown, undefined>> {
    while (this.#queue.size === 0) {
      if (this.#isEnded) return { done: true, value: undefined };
      if (this.#failure !== undefined) throw this.#failure.error;
      await new Promise<void>((resolve) => this.#onIncoming = resolve);
    }
    const value = this.#queue.take();
    if (this.#isCredited) this.#grant();
    return { done: false, value };
  }

  #take(data: unknown): void {
    this.#isHeard = true;
    if (this.#failure !== undefined || this.#isClosing) return;
    const { maxBytes, badCode } = this.#options;
    try {
      if (typeof data !== "string") {
        throw new KitError("invalid_argument", "Cannot decode message as it is not text");
      }
      const size = byteLength(data, maxBytes);
      if (size > maxBytes) {
        const rule = `it has more than ${maxBytes} bytes`;
        throw new KitError("resource_exhausted", `Cannot read item as ${rule}`);
      }
      const frame = parseFrame(data);
      if (frame.type === "credit") {
        this.#credit = Math.min(this.#credit + frame.credit, Number.MAX_SAFE_INTEGER);
        this.#onWritable?.();
      } else if (frame.type === "error") this.#break(frame.error);
      else if (frame.type === "end") this.#endIncoming();
      else this.#keep(frame.item, size);
    } catch (error) {
      const isBad = isKitError(error) && error.code === "invalid_argument";
      this.fail(isBad ? new KitError(badCode, error.message, { cause: error }) : error);
    }
  }

  #keep(item: unknown, size: number): void {
    if (this.#isEnded) return;
    this.#queue.add(item, size);
    this.#averageBytes += (size - this.#averageBytes) / 8;
    const { maxBytes } = this.#options;
    if (this.#isCredited ? --this.#granted < 0 : this.#queue.bytes > maxBytes) {
      throw new KitError("resource_exhausted", "Cannot keep up as items come too fast");
    }
    this.#onIncoming?.();
  }

  #endIncoming(): void {
    this.#isEnded = true;
    this.#onIncoming?.();
  }

  /** Lets the peer send on: few large items, or many small ones. */
  #grant(): void {
    if (this.#isEnded) return;
    const fitting = Math.floor(WINDOW_BYTES / this.#averageBytes);
    const window = Math.min(Math.max(fitting, 1), MAX_WINDOW);
    const credit = window - this.#granted - this.#queue.size;
    if (credit < Math.max(1, window / 8)) return;
    this.#granted += credit;
    this.#post(`{"credit":${credit}}`);
  }

  // Outgoing

  /** Sends an item once the peer and the socket take it. */
  async send(item: unknown): Promise<void> {
    const text = `{"item":${itemJson(item)}}`;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const isFull = this.#socket.bufferedAmount > HIGH_BYTES;
      if (!isFull && (!this.#isCredited || this.#credit > 0)) break;
      await new Promise<void>((resolve) => {
        this.#onWritable = resolve;
        if (isFull) this.#timer = this.#options.clock.after(POLL_MS, resolve);
      });
      this.#timer?.[Symbol.dispose]();
    }
    this.#credit--;
    this.#post(text);
  }

  /**
   * Sends the items of a stream. It rejects with what the stream fails with, or with why the channel
   * is of no more use; the stream is told, if it is not at fault.
   */
  async sendAll(items: AsyncIterable<unknown>): Promise<void> {
    const source = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.guard(source.next());
        if (done) return;
        await this.send(value);
      }
    } catch (error) {
      // It may take its time, or never answer.
      source.return?.()?.catch(() => {});
      throw error;
    }
  }

  /** Tells that there are no more items. */
  end(): void {
    this.#post(`{"end":true}`);
  }

  /** Tells an error and closes: with its code, or the one that is given. */
  fail(error: unknown, closeCode?: number): void {
    if (this.#isClosing) return;
    const { code, message } = toKitError(error);
    this.#post(`{"error":${errorJson(error)}}`);
    this.#shut(closeCode ?? closeCodeOf(code), closeReason(message));
    this.#break(error);
  }

  /** Tells the peer that the caller has gone, and closes; here it is the error that counts. */
  abandon(error: unknown): void {
    this.#break(error);
    this.fail(new KitError("cancelled", "Caller has gone"));
  }

  /** Closes: all has been said. */
  close(): void {
    if (!this.#isClosing) this.#shut(1000, "");
  }

  #post(text: string): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(text);
  }

  #shut(code: number, reason: string): void {
    this.#isClosing = true;
    const { clock } = this.#options;
    const close = () => {
      if (this.#socket.readyState <= OPEN) this.#socket.close(code, reason);
    };
    // Deno breaks a connection off, and loses the close, when messages still come after it. So the
    // peer is given the time to read what was said and to fall silent.
    const linger = (leftMs: number): Disposable =>
      clock.after(QUIET_MS, () => {
        const isQuiet = !this.#isHeard;
        this.#isHeard = false;
        if (isQuiet || leftMs <= 0) close();
        else pause = linger(leftMs - QUIET_MS);
      });
    let pause: Disposable | undefined;
    if (this.#isEnded && !this.#isCredited) close();
    else pause = linger(CLOSE_MS);
    const late = clock.after(2 * CLOSE_MS, () => this.#resolveClosed());
    this.closed.then(() => {
      late[Symbol.dispose]();
      pause?.[Symbol.dispose]();
    });
  }

  #onClose(code: number, reason: string): void {
    this.#isClosing = true;
    // Deno tells 1005 or nothing of a connection that was just lost.
    const text = codeOfClose(code) === "unavailable" || reason === ""
      ? "Connection was closed"
      : reason;
    this.#break(new KitError(codeOfClose(code), text));
    this.#resolveClosed();
  }

  /** Nothing more comes in or goes out. */
  #break(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#timer?.[Symbol.dispose]();
    this.#onIncoming?.();
    this.#onWritable?.();
    this.#onGuarded?.(error);
    this.onBroken?.(error);
  }
}

/** Tells how many bytes a text has, if that may be more than a limit. */
function byteLength(text: string, limit: number): number {
  // No unit of UTF-16 becomes more than three bytes.
  return 3 * text.length <= limit ? text.length : new TextEncoder().encode(text).length;
}
