/**
 * Reads JSON out of a request, within a limit.
 * @module
 */
import { isKitError, KitError } from "@kit/endpoint";
import type { HandlerInfo } from "./handler.ts";
import { decompressed, readAll, tooLarge } from "./_limit.ts";
import { duplicateKey } from "./_duplicate_key.ts";

/** How JSON is read. */
export interface JsonLimits {
  readonly maxBytes: number;
  readonly strict: boolean;
}

/**
 * Reads the body of a request as JSON.
 *
 * Where the length is declared within the limit and nothing is compressed, the platform's own
 * `json()` does it: it is far ahead of every other way. Only where that does not do is the body read
 * piece by piece.
 */
export function readJson(
  request: Request,
  info: HandlerInfo | undefined,
  limits: JsonLimits,
): Promise<unknown> {
  const { headers } = request;
  const length = headers.get("content-length");
  if (length !== null && Number(length) > limits.maxBytes) {
    return Promise.reject(tooLarge(limits.maxBytes));
  }
  if (info !== undefined) info.bodyReceived = false;
  const isPlain = length !== null && !headers.has("content-encoding");
  const value = isPlain && !limits.strict
    ? request.json()
    : (isPlain ? request.bytes() : readLimited(request, limits.maxBytes))
      .then(limits.strict ? parseStrictly : parseLeniently);
  return value.then(
    (value) => {
      if (info !== undefined) info.bodyReceived = true;
      return value;
    },
    (error) => {
      throw unreadable(error, length);
    },
  );
}

/** The error of a body that was not JSON, or did not arrive whole. */
function unreadable(error: unknown, length: string | null): KitError {
  if (isKitError(error)) return error;
  if (error instanceof SyntaxError) {
    const why = length === "0" ? "it is empty" : `it is not JSON${place(error.message)}`;
    return new KitError("invalid_argument", `Cannot decode body as ${why}`, { cause: error });
  }
  return new KitError("invalid_argument", "Cannot read body as it did not arrive whole", {
    cause: error,
  });
}

/** Takes the place out of a parser's text, whose rest may quote the body. */
function place(text: string): string {
  const match = /position (\d+)/.exec(text);
  if (match !== null) return `: error at position ${match[1]}`;
  return text.includes("end of JSON") ? ": it ends too early" : "";
}

function readLimited(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (request.body === null) return Promise.resolve(new Uint8Array());
  const coding = request.headers.get("content-encoding");
  return coding === null
    ? readAll(request.body, maxBytes)
    : readCompressed(request.body, coding, maxBytes);
}

async function readCompressed(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  coding: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = decompressed(body, coding);
  try {
    return await readAll(stream, maxBytes);
  } catch (error) {
    if (isKitError(error)) throw error;
    throw new KitError("invalid_argument", "Cannot decompress body as it is damaged", {
      cause: error,
    });
  }
}

function parseLeniently(bytes: Uint8Array): unknown {
  return parse(bytes, new TextDecoder().decode(bytes));
}

function parseStrictly(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KitError("invalid_argument", "Cannot decode body as it is not UTF-8", { cause });
  }
  const value = parse(bytes, text);
  const key = duplicateKey(text);
  if (key === undefined) return value;
  throw new KitError("invalid_argument", `Cannot decode body as key "${key}" occurs twice`, {
    details: [{ pointer: "", detail: `key "${key}" occurs twice` }],
  });
}

function parse(bytes: Uint8Array, text: string): unknown {
  if (bytes.length === 0) {
    throw new KitError("invalid_argument", "Cannot decode body as it is empty");
  }
  return JSON.parse(text);
}
