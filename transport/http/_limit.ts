/**
 * Reads bodies with a limit that counts decompressed bytes while reading.
 * @module
 */
import { HttpError } from "./http_error.ts";

/** How much a body may have: 4 MiB, as gRPC receives by default. */
export const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;

/** The codings of RFC 9110 section 8.4.1 by the platform's name for them. */
const FORMATS: Readonly<Record<string, CompressionFormat>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
  br: "brotli" as CompressionFormat,
};

/** The error of a body over the limit. */
export function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `Cannot read body as it has more than ${maxBytes} bytes`);
}

/** Undoes the coding of a request's body. */
export function decompressed(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  coding: string,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const name = coding.trim().toLowerCase();
  if (name === "identity" || name === "") return body;
  try {
    const format = Object.hasOwn(FORMATS, name) ? FORMATS[name]! : raise();
    return body.pipeThrough(new DecompressionStream(format));
  } catch {
    throw new HttpError(415, `Cannot read body as its content coding is not known`, {
      headers: { "accept-encoding": "gzip, deflate" },
    });
  }
}

function raise(): never {
  throw new TypeError("unknown coding");
}

/**
 * Reads a stream to its end. As soon as there are more than `maxBytes`, it is cancelled and the
 * error of `refuse` is thrown.
 */
export async function readAll(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
  refuse: (maxBytes: number) => Error = tooLarge,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Leaving the loop cancels the stream.
    if (size > maxBytes) throw refuse(maxBytes);
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0]!;
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}
