/**
 * Compresses messages that go out.
 * @module
 */
import type { Buffer } from "node:buffer";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { createDeflate, createGzip, deflateSync, gzipSync } from "node:zlib";
import type { Compression } from "./serve.ts";

/** Less than this is sent as it is: there is little to gain. */
const MIN_BYTES = 1024;

/** How much is compressed in one go, which takes about a millisecond. */
const SLICE_BYTES = 32 * 1024;

const WAYS = {
  gzip: { atOnce: gzipSync, stream: createGzip },
  deflate: { atOnce: deflateSync, stream: createDeflate },
} as const;

const zipped = new WeakSet<Uint8Array>();

/** Whether these bytes are a message that {@linkcode zip} has compressed. */
export function isZipped(bytes: Uint8Array): boolean {
  return zipped.has(bytes);
}

/**
 * Compresses a message; gives it back as it is where that does not make it smaller. A large one takes
 * several turns of the event loop, so that it holds up nobody else.
 * @param isWanted Asked in between; the result is of no use once it says no.
 */
export function zip(
  bytes: Buffer,
  way: Exclude<Compression, "identity">,
  isWanted: () => boolean,
): Buffer | Promise<Buffer> {
  if (bytes.length < MIN_BYTES) return bytes;
  const { atOnce, stream } = WAYS[way];
  const smaller = (found: Buffer): Buffer => {
    if (found.length >= bytes.length) return bytes;
    zipped.add(found);
    return found;
  };
  if (bytes.length <= SLICE_BYTES) return smaller(atOnce(bytes));
  const slices = Readable.from(slicesOf(bytes, isWanted), { objectMode: false });
  return buffer(slices.pipe(stream({ chunkSize: SLICE_BYTES }))).then(smaller);
}

async function* slicesOf(bytes: Buffer, isWanted: () => boolean): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length && isWanted(); at += SLICE_BYTES) {
    yield bytes.subarray(at, at + SLICE_BYTES);
    // The runtime may compress in its main thread.
    await setImmediate();
  }
}
