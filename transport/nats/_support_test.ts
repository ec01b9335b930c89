/**
 * What several tests of this folder share. Named as a test, so that it is not published.
 * @module
 */
import { delay } from "@kit/endpoint";
import { headers as createHeaders } from "@nats-io/nats-core";
import type { Connection, Message, MessageHeaders } from "./connection.ts";

/** The text of bytes. */
export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** The bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Headers of a record. */
export function headersOf(record: Readonly<Record<string, string>>): MessageHeaders {
  const headers = createHeaders();
  for (const [name, value] of Object.entries(record)) headers.set(name, value);
  return headers;
}

/** What was replied. */
export interface Replied {
  readonly data: Uint8Array;
  readonly headers: MessageHeaders | undefined;
}

/** A message that has come, and what is replied to it. */
export function incoming(
  body: string | Uint8Array,
  { headers = {}, reply = "_INBOX.1" }: {
    headers?: Readonly<Record<string, string>>;
    reply?: string;
  } = {},
): { message: Message; replies: Replied[] } {
  const replies: Replied[] = [];
  const data = typeof body === "string" ? bytesOf(body) : body;
  const message: Message = {
    subject: "subject",
    reply,
    data,
    headers: headersOf(headers),
    respond(payload = "", options = {}) {
      if (reply === "") return false;
      const data = typeof payload === "string" ? bytesOf(payload) : payload;
      replies.push({ data, headers: options.headers });
      return true;
    },
    string: () => textOf(data),
  };
  return { message, replies };
}

/** A subject that answers each message by a function. */
export function responder(
  connection: Connection,
  subject: string,
  respond: (message: Message) => void,
): void {
  connection.subscribe(subject, { callback: (error, message) => void (error ?? respond(message)) });
}

/**
 * A promise, with a limit so that a test that fails does not hang. Deadlines alone keep no process
 * alive, and neither does a broker in memory.
 */
export async function soon<T>(promise: Promise<T>, ms = 5000): Promise<T> {
  const limit = new AbortController();
  const late = delay(ms, { signal: limit.signal });
  try {
    return await Promise.race([promise, late.then(() => Promise.reject(new Error("Too late")))]);
  } finally {
    late.catch(() => {});
    limit.abort();
  }
}
