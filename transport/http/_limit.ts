/**
 * Reads bodies with a limit that counts decompressed bytes while reading.
 * @module
 */
import { HttpError } from "./http_error.ts";

/** How much a body may have: 4 MiB, as gRPC receives by default. */
export const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;

/** What a body is read as, piece by piece. */
export type Chunks = AsyncIterable<Uint8Array>;

type Decoder = "createGunzip" | "createInflate" | "createBrotliDecompress";

/** The codings of RFC 9110 section 8.4.1, by what undoes them. */
const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ["gzip", "createGunzip"],
  ["x-gzip", "createGunzip"],
  ["deflate", "createInflate"],
  ["br", "createBrotliDecompress"],
]);

/** How much is decompressed at once. */
const CHUNK_BYTES = 64 * 1024;

/** The error of a body over the limit. */
export function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `Cannot read body as it has more than ${maxBytes} bytes`);
}

/** The error of a compressed body where none is taken (RFC 9110 section 15.5.16). */
export function compressed(): HttpError {
  return new HttpError(415, "Cannot read body as it is compressed", {
    headers: { "accept-encoding": "identity" },
  });
}

/** Whether a coding leaves a body as it is. */
export function isIdentity(coding: string): boolean {
  return /^\s*(?:identity)?\s*$/i.test(coding);
}

/**
 * Undoes the coding of a request's body.
 *
 * `DecompressionStream` is no choice: it hands out in one piece whatever a piece of its input
 * becomes, be that 256 MiB. The modules are loaded with the first body that needs them, as they take
 * several times as long as all the rest.
 */
export async function decompressed(body: Chunks, coding: string): Promise<Chunks> {
  const create = DECODERS.get(coding.trim().toLowerCase());
  if (create === undefined) {
    throw new HttpError(415, "Cannot read body as its content coding is not known", {
      headers: { "accept-encoding": "gzip, deflate, br" },
    });
  }
  const [zlib, { pipeline }] = await Promise.all([import("node:zlib"), import("node:stream")]);
  const decoder = zlib[create]({ chunkSize: CHUNK_BYTES });
  // What goes wrong on the way comes out of the iteration.
  pipeline(body, decoder, () => {});
  return decoder;
}

/**
 * Reads a stream to its end. As soon as there are more than `maxBytes`, it is cancelled and the
 * error of `refuse` is thrown.
 */
export async function readAll(
  body: Chunks,
  maxBytes: number,
  refuse: (maxBytes: number) => Error = tooLarge,
): Promise<Uint8Array> {
  // The pieces are copied together at once: kept as they are, pieces of one byte would take a
  // hundred times the limit.
  let all = new Uint8Array();
  let size = 0;
  for await (const chunk of body) {
    const end = size + chunk.length;
    // Leaving the loop cancels the stream.
    if (end > maxBytes) throw refuse(maxBytes);
    if (end > all.length) {
      const larger = new Uint8Array(Math.min(Math.max(2 * end, 4096), maxBytes));
      larger.set(all.subarray(0, size));
      all = larger;
    }
    all.set(chunk, size);
    size = end;
  }
  return all.subarray(0, size);
}
