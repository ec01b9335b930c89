/**
 * A sink that never blocks.
 * @module
 */
import { type ByteWriter, LineWriter, type SinkClock } from "./_line_writer.ts";
import { after } from "./_runtime.ts";
import { LEVELS } from "./level.ts";
import { formatLogfmt } from "./logfmt.ts";
import type { Format, Sink } from "./sink.ts";

export type { ByteWriter, SinkClock } from "./_line_writer.ts";

/** What a sink uses of a `WritableStream<Uint8Array>`. */
export interface ByteStream {
  /**
   * Locks the stream.
   * @returns Its writer.
   */
  getWriter(): { write(chunk: Uint8Array): Promise<void>; releaseLock(): void };
}

/** Options for {@linkcode writerSink}. */
export interface WriterSinkOptions {
  /**
   * The most lines that wait. When there are more, the newest are dropped.
   * @default {16384}
   */
  readonly maxLines?: number;
  /**
   * The most characters that wait: bytes, as long as all is ASCII.
   * @default {4194304}
   */
  readonly maxLength?: number;
  /**
   * How long a line waits for others to be written with, in milliseconds.
   * @default {10}
   */
  readonly delayMs?: number;
  /**
   * How long disposal waits for a target that stalls, in milliseconds.
   * @default {2000}
   */
  readonly closeMs?: number;
  /**
   * Writes the line that tells how many lines were dropped: the format of the logger.
   * @default {formatLogfmt}
   */
  readonly format?: Format;
  /**
   * Where the time comes from.
   * @default {the system}
   */
  readonly clock?: SinkClock;
}

/** A sink that keeps lines until they are written. */
export interface WriterSink extends Sink, AsyncDisposable {
  /** How many lines were dropped since the start: for want of room, or left at disposal. */
  readonly dropped: number;
  /**
   * Waits until the lines taken so far are written.
   * @returns A promise that resolves then, or when the target has refused them. While the target
   * stalls it is pending. It never rejects.
   */
  flush(): Promise<void>;
  /**
   * Writes what waits at once, if the target can. For the end of the process: it blocks.
   */
  flushSync(): void;
}

const systemClock: SinkClock = { now: () => performance.now(), after };

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `Cannot use "${name}" as it must be a positive integer: current value is ${value}`,
    );
  }
}

function checkTime(name: string, value: number): void {
  if (!(value >= 0 && value < Infinity)) {
    throw new RangeError(
      `Cannot use "${name}" as it must be a non-negative number: current value is ${value}`,
    );
  }
}

function streamWriter(stream: ByteStream): ByteWriter & Disposable {
  const writer = stream.getWriter();
  return {
    write: async (bytes) => {
      await writer.write(bytes);
      return bytes.length;
    },
    [Symbol.dispose]: () => writer.releaseLock(),
  };
}

/**
 * Gives a sink that writes lines to a stream of bytes, in batches and without ever blocking: while
 * the target stalls, lines wait; when too many wait, the newest are dropped and counted, and a line
 * tells so, at most one a second. A target that fails is tried again each second. Nothing that the
 * target does reaches the caller of the logger.
 *
 * Dispose of it when the program ends: the last lines are written then.
 * @param target A `WritableStream`, which is locked until disposal and not closed, or anything with
 * `write(bytes)` that tells how many bytes it wrote, as `Deno.stderr` and `Deno.FsFile` do.
 * @param options The bounds.
 * @returns The sink.
 * @throws {RangeError} If a bound is not a positive integer, or a time negative.
 * @example Usage
 * ```ts
 * import { logfmt, writerSink } from "@kit/log";
 * import assert from "node:assert/strict";
 * const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
 * const text = new Response(readable).text();
 * {
 *   await using sink = writerSink(writable);
 *   logfmt(sink)({ msg: "hello" });
 * }
 * await writable.close();
 * assert.equal(await text, "msg=hello\n");
 * ```
 */
export function writerSink(
  target: ByteWriter | ByteStream,
  options: WriterSinkOptions = {},
): WriterSink {
  const { maxLines = 16_384, maxLength = 4_194_304, delayMs = 10, closeMs = 2000 } = options;
  const { format = formatLogfmt, clock = systemClock } = options;
  checkCount("maxLines", maxLines);
  checkCount("maxLength", maxLength);
  checkTime("delayMs", delayMs);
  checkTime("closeMs", closeMs);
  const stream = "getWriter" in target ? streamWriter(target) : undefined;
  const dropped = (count: number) =>
    format({ level: LEVELS.warn, msg: "Log lines dropped", dropped: count });
  const writer = new LineWriter(stream ?? target as ByteWriter, {
    maxLines,
    maxLength,
    delayMs,
    closeMs,
    dropped,
    clock,
  });
  const sink = (line: string) => writer.push(line);
  Object.defineProperty(sink, "dropped", { get: () => writer.dropped });
  return Object.assign(sink as typeof sink & { readonly dropped: number }, {
    flush: () => writer.flush(),
    flushSync: () => writer.flushSync(),
    [Symbol.asyncDispose]: async () => {
      await writer.close();
      stream?.[Symbol.dispose]();
    },
  });
}
