/**
 * Errors as replies, written and read.
 * @module
 */
import { KitError } from "@kit/endpoint";
import { parseWireError, wireError } from "../_wire_error.ts";
import { codeOfStatus, statusOf } from "../http/status.ts";
import type { MessageHeaders } from "./connection.ts";
import type { IncomingReply } from "./functions.ts";
import { encodeJson } from "./_json.ts";

// By these two, which are those of the services API of NATS, anybody knows an error.
const TEXT = "Nats-Service-Error";
const STATUS = "Nats-Service-Error-Code";
// By these three a client of Kit gets back what was thrown.
const CODE = "kit-error-code";
const DETAILS = "kit-error-details";
const RETRY_AFTER_MS = "kit-retry-after-ms";

/** How much of a message is in its header; the body has all of it. */
const MAX_TEXT = 256;

/**
 * Makes the reply for a failed call. The body is `{"err":"..."}`, as Go kit writes it. The headers
 * tell a client that it is an error: `Nats-Service-Error` (its message, as one line of at most 256
 * characters) and `Nats-Service-Error-Code` (the HTTP status of its code), as in the services API of
 * NATS; `kit-error-code`, and where the error has them `kit-error-details` (JSON in ASCII) and
 * `kit-retry-after-ms`.
 *
 * Only a `KitError` shows its message. Of anything else not a word is told.
 * @param error What was thrown.
 * @param headers The headers of the reply, which are set.
 * @returns The body of the reply.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { headers } from "@nats-io/nats-core";
 * import { errorReply } from "@kit/transport/nats";
 * import assert from "node:assert/strict";
 * const reply = headers();
 * const body = errorReply(new KitError("not_found", `Cannot find "7"`), reply);
 * assert.equal(new TextDecoder().decode(body), `{"err":"Cannot find \\"7\\""}`);
 * assert.equal(reply.get("Nats-Service-Error-Code"), "404");
 * assert.equal(reply.get("kit-error-code"), "not_found");
 * ```
 */
export function errorReply(error: unknown, headers: MessageHeaders): Uint8Array {
  const { code, message, details, retryAfterMs } = wireError(error);
  headers.set(TEXT, message.slice(0, MAX_TEXT).replaceAll(/[\r\n]+/g, " "));
  headers.set(STATUS, String(statusOf(code)));
  headers.set(CODE, code);
  if (details !== undefined) headers.set(DETAILS, ascii(JSON.stringify(details)));
  if (retryAfterMs !== undefined) headers.set(RETRY_AFTER_MS, String(retryAfterMs));
  return encodeJson({ err: message }, "error");
}

/**
 * Reads the error out of a reply, if it is one. It is one by its headers only: those that
 * {@linkcode errorReply} writes, those of the services API of NATS, or a status of NATS itself. A
 * body with an `err` in it is a response like any other, since services answer business failures in
 * that way.
 * @param reply The reply.
 * @returns The error, with the code of Kit, or else that of the HTTP status; `undefined` if the reply
 * is a response.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { headers } from "@nats-io/nats-core";
 * import { errorReply, parseErrorReply } from "@kit/transport/nats";
 * import assert from "node:assert/strict";
 * const sent = headers();
 * const data = errorReply(new KitError("aborted", "Try again", { retryAfterMs: 50 }), sent);
 * const error = parseErrorReply({ subject: "_INBOX.1", data, headers: sent });
 * assert.equal(error?.code, "aborted");
 * assert.equal(error?.retryAfterMs, 50);
 * assert.equal(parseErrorReply({ subject: "_INBOX.1", data, headers: undefined }), undefined);
 * ```
 */
export function parseErrorReply(reply: IncomingReply): KitError | undefined {
  const { headers } = reply;
  if (headers === undefined) return undefined;
  if (headers.has(STATUS) || headers.has(CODE) || headers.has(TEXT)) {
    const status = headers.get(STATUS);
    const retryAfterMs = headers.get(RETRY_AFTER_MS);
    return parseWireError({
      code: headers.get(CODE),
      message: errIn(reply.data)?.text,
      details: parse(headers.get(DETAILS)),
      retryAfterMs: retryAfterMs === "" ? undefined : Number(retryAfterMs),
    }, {
      code: codeOfStatus(Number(status)),
      message: headers.get(TEXT) || `Call failed with status ${status}`,
    });
  }
  return headers.hasError
    ? new KitError(codeOfStatus(headers.code), `Call failed with status ${headers.status}`)
    : undefined;
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
 * import { parseGoKitErrorReply } from "@kit/transport/nats";
 * import assert from "node:assert/strict";
 * const reply = (text: string) => ({
 *   subject: "_INBOX.1",
 *   data: new TextEncoder().encode(text),
 *   headers: undefined,
 * });
 * assert.equal(parseGoKitErrorReply(reply(`{"err":"no such table"}`))?.message, "no such table");
 * assert.equal(parseGoKitErrorReply(reply(`{"v":"","err":"empty string"}`)), undefined);
 * ```
 */
export function parseGoKitErrorReply(reply: IncomingReply): KitError | undefined {
  const found = parseErrorReply(reply);
  if (found !== undefined) return found;
  const err = errIn(reply.data);
  return err?.isAlone ? new KitError("unknown", err.text) : undefined;
}

/** Finds the text of an error in a body that begins as Go kit writes errors. */
function errIn(data: Uint8Array): { text: string; isAlone: boolean } | undefined {
  for (let i = 0; i < PREFIX.length; i++) if (data[i] !== PREFIX[i]) return undefined;
  const members = parse(new TextDecoder().decode(data)) as Record<string, unknown> | undefined;
  return typeof members?.err === "string"
    ? { text: members.err, isAlone: Object.keys(members).length === 1 }
    : undefined;
}

const PREFIX = new TextEncoder().encode(`{"err":`);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Headers are bytes, which not every client reads as UTF-8. */
function ascii(json: string): string {
  return json.replaceAll(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
