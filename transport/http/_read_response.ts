/**
 * Reads the body of a response, within a limit.
 * @module
 */
import { isKitError, KitError } from "@kit/endpoint";
import { type Schema, validate } from "../schema.ts";
import { readAll } from "./_limit.ts";

/** Reads a response as JSON and validates it; `undefined` if it has no body. */
export async function readResponse<Res>(
  response: Response,
  maxBytes: number,
  schema: Schema<Res> | undefined,
): Promise<Res> {
  if (response.status === 204 || response.body === null) return undefined as Res;
  const value = await read(response, maxBytes, "json");
  if (schema === undefined) return value as Res;
  try {
    return await validate(schema, value, "response");
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
    if (isDeclared(response, maxBytes)) return await response[as]();
    const bytes = response.body === null
      ? new Uint8Array()
      : await readAll(response.body, maxBytes, tooLarge);
    const text = new TextDecoder().decode(bytes);
    return as === "json" ? JSON.parse(text) : text;
  } catch (cause) {
    if (isKitError(cause)) throw cause;
    throw cause instanceof SyntaxError
      ? new KitError("internal", "Cannot decode response as it is not JSON", { cause })
      : new KitError("unavailable", "Cannot read response as it did not arrive whole", { cause });
  }
}

/** Whether the platform may read the body in one go: its length is known and small, as it is. */
function isDeclared({ headers }: Response, maxBytes: number): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= maxBytes && !headers.has("content-encoding");
}

function tooLarge(maxBytes: number): KitError {
  return new KitError(
    "resource_exhausted",
    `Cannot read response as it has more than ${maxBytes} bytes`,
  );
}
