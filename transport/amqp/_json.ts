/**
 * Bodies as JSON, without a newline at their end.
 * @module
 */
import { isKitError, KitError } from "@kit/endpoint";
import { type Schema, validate } from "../schema.ts";
import { DEFAULT_MAX_BYTES } from "../http/_limit.ts";
import type { Delivery, OutgoingMessage } from "./message.ts";

export { DEFAULT_MAX_BYTES };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** What a body may be encoded as: as nothing. Some clients name the character set here. */
const PLAIN = new Set(["", "identity", "utf-8", "utf8"]);

/** Puts a value into a message; `undefined` becomes `null`. */
export function encodeJson(value: unknown, message: OutgoingMessage): void {
  const text: string | undefined = JSON.stringify(value ?? null);
  if (text === undefined) throw new TypeError("Cannot encode body as it is no JSON");
  message.body = encoder.encode(text);
  message.properties.contentType = "application/json";
}

/** Refuses a body over the limit. */
export function checkSize({ body }: Delivery, maxBytes: number): void {
  if (body.length <= maxBytes) return;
  throw new KitError(
    "resource_exhausted",
    `Cannot read body as it has more than ${maxBytes} bytes`,
  );
}

/** Reads a request; what is wrong with it is the caller's fault. */
export function decodeRequest<T>(delivery: Delivery, schema?: Schema<T>): T | Promise<T> {
  const value = parseJson(delivery);
  return schema === undefined ? value as T : validate(schema, value, "request");
}

/** Reads a response; what is wrong with it is the server's fault. */
export async function decodeResponse<T>(delivery: Delivery, schema?: Schema<T>): Promise<T> {
  try {
    const value = parseJson(delivery);
    return schema === undefined ? value as T : await validate(schema, value, "response");
  } catch (cause) {
    if (!isKitError(cause)) throw cause;
    throw new KitError("internal", cause.message, { cause, details: cause.details });
  }
}

/** Reads a body. */
export function parseJson({ body, properties }: Delivery): unknown {
  if (body.length === 0) throw undecodable("it is empty");
  if (!PLAIN.has(String(properties.contentEncoding ?? "").toLowerCase())) {
    throw undecodable("its content encoding is not known");
  }
  let text: string;
  try {
    text = decoder.decode(body);
  } catch (cause) {
    throw undecodable("it is not UTF-8", cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw undecodable("it is not JSON", cause);
  }
}

function undecodable(why: string, cause?: unknown): KitError {
  return new KitError("invalid_argument", `Cannot decode body as ${why}`, { cause });
}
