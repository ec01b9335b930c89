/**
 * Reads JSON out of a request, within a limit.
 * @module
 */
import { isKitError, KitError } from "@kit/endpoint";
import { compressed, decompressed, isIdentity, readAll, tooLarge } from "./_limit.ts";
import { duplicateKey } from "./_duplicate_key.ts";

/** How JSON is read. */
export interface JsonLimits {
  readonly maxBytes: number;
  readonly strict: boolean;
  readonly decompress: boolean;
}

/** How much of a key is told in a message. */
const MAX_KEY = 64;

/** Tells the length that a request declares: NaN where it declares nonsense. */
export function declaredLength({ headers }: Request): number | undefined {
  const length = headers.get("content-length");
  return length === null ? undefined : Number(length);
}

/**
 * Reads the body of a request as JSON. What it rejects with is to be shown as {@linkcode unreadable}
 * says: one more promise to do that here would cost a small handler a percent of its throughput.
 *
 * Where the length is declared within the limit, the platform's own `json()` does it: it is far ahead
 * of every other way, and if the body is compressed it fails. Only where that does not do is the body
 * read piece by piece.
 */
export function readJson(
  request: Request,
  length: number | undefined,
  limits: JsonLimits,
): Promise<unknown> {
  return read(request, length, limits, "json");
}

/** Reads the body of a request by the same rules, but as the text, for {@linkcode parseJson}. */
export function readText(request: Request, limits: JsonLimits): Promise<string> {
  return read(request, declaredLength(request), limits, "text") as Promise<string>;
}

function read(
  request: Request,
  length: number | undefined,
  limits: JsonLimits,
  as: "json" | "text",
): Promise<unknown> {
  const { maxBytes, strict, decompress } = limits;
  const isDeclared = length !== undefined;
  // What is no number is no length that a host has held the body to.
  if (isDeclared && !(length <= maxBytes)) return Promise.reject(tooLarge(maxBytes));
  if (isDeclared && !strict && !decompress) return request[as]();
  const isPlain = isDeclared && !request.headers.has("content-encoding");
  if (isPlain && !strict) return request[as]();
  const bytes = isPlain ? request.arrayBuffer() : readLimited(request, limits);
  return bytes.then((bytes) => {
    const text = textOf(bytes, limits);
    return as === "json" ? parseJson(text, limits) : text;
  });
}

/** The error of a body that was not JSON, or did not arrive whole. */
export function unreadable(error: unknown, request: Request): KitError {
  if (isKitError(error)) return error;
  if (error instanceof SyntaxError) {
    const coding = request.headers.get("content-encoding");
    if (coding !== null && !isIdentity(coding)) return compressed();
    const why = request.headers.get("content-length") === "0"
      ? "it is empty"
      : `it is not JSON${place(error.message)}`;
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

async function readLimited(
  { body, headers }: Request,
  { maxBytes, decompress }: JsonLimits,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const coding = headers.get("content-encoding");
  if (coding === null || isIdentity(coding)) return await readAll(body, maxBytes);
  if (!decompress) {
    await body.cancel();
    throw compressed();
  }
  const plain = await decompressed(body, coding);
  try {
    return await readAll(plain, maxBytes);
  } catch (error) {
    if (isKitError(error)) throw error;
    throw new KitError("invalid_argument", "Cannot decompress body as it is damaged", {
      cause: error,
    });
  }
}

function textOf(bytes: Uint8Array | ArrayBuffer, { strict }: JsonLimits): string {
  if (!strict) return new TextDecoder().decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KitError("invalid_argument", "Cannot decode body as it is not UTF-8", { cause });
  }
}

/** Parses the text of a body. */
export function parseJson(text: string, { strict }: JsonLimits): unknown {
  if (text === "") throw new KitError("invalid_argument", "Cannot decode body as it is empty");
  const value: unknown = JSON.parse(text);
  const key = strict ? duplicateKey(text) : undefined;
  if (key === undefined) return value;
  const shown = key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}...` : key;
  throw new KitError("invalid_argument", `Cannot decode body as key "${shown}" occurs twice`, {
    details: [{ pointer: "", detail: `key "${shown}" occurs twice` }],
  });
}
