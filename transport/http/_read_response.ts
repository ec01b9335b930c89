/**
 * Reads the body of a response, within a limit.
 * @module
 */
import { isKitError, KitError } from "@kit/endpoint";
import { type Schema, validate } from "../schema.ts";
import { readAll } from "./_limit.ts";

/** Reads a response as JSON and validates it; `undefined` if it has no body. */
export function readResponse<Res>(
  response: Response,
  maxBytes: number,
  schema: Schema<Res> | undefined,
): Promise<Res> {
  const value = read(response, maxBytes, "json");
  return schema === undefined ? value as Promise<Res> : validated(value, schema);
}

/** Validates what a peer has answered. */
export async function validated<Res>(value: unknown, schema: Schema<Res>): Promise<Res> {
  const result = await value;
  try {
    return result === undefined ? undefined as Res : await validate(schema, result, "response");
  } catch (cause) {
    if (!isKitError(cause)) throw cause;
    // The caller's own request was in order, so it is not told `invalid_argument`.
    throw new KitError("internal", cause.message, { cause });
  }
}

/**
 * Reads the text of a response that is no success; nothing if it cannot be read, as its status tells
 * more than why.
 */
export async function readErrorText(response: Response, maxBytes: number): Promise<string> {
  try {
    return await read(response, maxBytes, "text") as string;
  } catch {
    return "";
  }
}

async function read(response: Response, maxBytes: number, as: "json" | "text"): Promise<unknown> {
  try {
    const length = response.status === 204 ? "0" : response.headers.get("content-length");
    if (length === "0") return as === "json" ? undefined : "";
    // Where the length is declared and nothing is compressed the platform may read in one go, or
    // nothing needs to be read at all. Even to look whether there is a body would make a stream of it.
    if (length !== null && !response.headers.has("content-encoding")) {
      if (Number(length) <= maxBytes) return await response[as]();
      throw tooLarge(maxBytes);
    }
    if (response.body === null) return as === "json" ? undefined : "";
    const text = new TextDecoder().decode(await readAll(response.body, maxBytes, tooLarge));
    return as === "json" ? JSON.parse(text) : text;
  } catch (cause) {
    if (isKitError(cause)) throw cause;
    throw cause instanceof SyntaxError
      ? new KitError("internal", "Cannot decode response as it is not JSON", { cause })
      : new KitError("unavailable", "Cannot read response as it did not arrive whole", { cause });
  }
}

function tooLarge(maxBytes: number): KitError {
  return new KitError(
    "resource_exhausted",
    `Cannot read response as it has more than ${maxBytes} bytes`,
  );
}
