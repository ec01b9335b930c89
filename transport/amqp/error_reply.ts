/**
 * Errors as replies, written and read.
 * @module
 */
import { KitError } from "@kit/endpoint";
import { parseWireError, wireError } from "../_wire_error.ts";
import { encodeJson, parseJson } from "./_json.ts";
import type { Delivery, OutgoingMessage } from "./message.ts";

const CODE = "kit-error-code";
const DETAILS = "kit-error-details";
const RETRY_AFTER_MS = "kit-retry-after-ms";

/** How many characters the details may have, so that they fit in the headers. */
const MAX_DETAILS = 30_000;

/**
 * Makes the reply for a failed call. The body is `{"err":"..."}`, as Go kit writes it. The headers
 * tell a client of Kit what was thrown: `kit-error-code`, and where the error has them
 * `kit-error-details` (JSON, left out if it has more than 30000 characters) and `kit-retry-after-ms`.
 *
 * Only a `KitError` shows its message. Of anything else not a word is told.
 * @param error What was thrown.
 * @param reply The reply, whose body and headers are set.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { errorReply } from "@kit/transport/amqp";
 * import assert from "node:assert/strict";
 * const reply = {
 *   exchange: "",
 *   key: "answers",
 *   mandatory: false,
 *   headers: {},
 *   properties: {},
 *   body: new Uint8Array(),
 * };
 * errorReply(new KitError("not_found", "No such profile"), reply);
 * assert.equal(new TextDecoder().decode(reply.body), `{"err":"No such profile"}`);
 * assert.deepEqual(reply.headers, { "kit-error-code": "not_found" });
 * ```
 */
export function errorReply(error: unknown, reply: OutgoingMessage): void {
  const { code, message, details, retryAfterMs } = wireError(error);
  encodeJson({ err: message }, reply);
  const { headers } = reply;
  headers[CODE] = code;
  const text = details && JSON.stringify(details);
  if (text !== undefined && text.length <= MAX_DETAILS) headers[DETAILS] = text;
  if (retryAfterMs !== undefined) headers[RETRY_AFTER_MS] = String(retryAfterMs);
}

/**
 * Reads the error out of a reply, if it is one. It is one by the header `kit-error-code` only. A body
 * with an `err` in it is a response like any other, since services answer business failures in that
 * way.
 * @param reply The reply.
 * @returns The error; `undefined` if the reply is a response.
 * @example Usage
 * ```ts
 * import { parseErrorReply } from "@kit/transport/amqp";
 * import assert from "node:assert/strict";
 * const reply = {
 *   exchange: "",
 *   key: "answers",
 *   redelivered: false,
 *   headers: { "kit-error-code": "not_found" },
 *   properties: {},
 *   body: new TextEncoder().encode(`{"err":"No such profile"}`),
 * };
 * assert.equal(parseErrorReply(reply)?.code, "not_found");
 * assert.equal(parseErrorReply({ ...reply, headers: {} }), undefined);
 * ```
 */
export function parseErrorReply(reply: Delivery): KitError | undefined {
  const { headers } = reply;
  if (!Object.hasOwn(headers, CODE)) return undefined;
  return parseWireError({
    code: headers[CODE],
    message: errIn(reply)?.text,
    details: parse(headers[DETAILS]),
    retryAfterMs: parse(headers[RETRY_AFTER_MS]),
  }, { code: "unknown", message: "Unknown error" });
}

/**
 * Reads the error out of a reply of Go kit's subscriber, which marks an error by nothing but its
 * body. It is one if {@linkcode parseErrorReply} finds one, or if the body is an object with a text
 * as `err` and no other key; so `{"v":"","err":"empty string"}` is a response, and `{"err":"x"}` an
 * error with code `unknown`. Set it as `decodeError` of a client, where no response of the service
 * looks like the latter.
 * @param reply The reply.
 * @returns The error; `undefined` if the reply is a response.
 * @example Usage
 * ```ts
 * import { parseGoKitErrorReply } from "@kit/transport/amqp";
 * import assert from "node:assert/strict";
 * const reply = (text: string) => ({
 *   exchange: "",
 *   key: "answers",
 *   redelivered: false,
 *   headers: {},
 *   properties: {},
 *   body: new TextEncoder().encode(text),
 * });
 * assert.equal(parseGoKitErrorReply(reply(`{"err":"no such table"}`))?.message, "no such table");
 * assert.equal(parseGoKitErrorReply(reply(`{"v":"","err":"empty string"}`)), undefined);
 * ```
 */
export function parseGoKitErrorReply(reply: Delivery): KitError | undefined {
  const found = parseErrorReply(reply);
  if (found !== undefined) return found;
  const err = errIn(reply);
  return err?.isAlone ? new KitError("unknown", err.text) : undefined;
}

const START = new TextEncoder().encode(`{"err":`);

/** Finds the text of an error in a body that begins as Go kit writes errors. */
function errIn(reply: Delivery): { text: string; isAlone: boolean } | undefined {
  for (let i = 0; i < START.length; i++) if (reply.body[i] !== START[i]) return undefined;
  try {
    const members = parseJson(reply) as Record<string, unknown>;
    return typeof members.err === "string"
      ? { text: members.err, isAlone: Object.keys(members).length === 1 }
      : undefined;
  } catch {
    return undefined;
  }
}

function parse(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
