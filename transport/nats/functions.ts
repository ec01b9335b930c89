/**
 * Messages as hooks see them, and functions for the `before` and `after` options of servers and
 * clients.
 * @module
 */
import type { Context } from "@kit/endpoint";
import { headers as createHeaders } from "@nats-io/nats-core";
import type { Message, MessageHeaders } from "./connection.ts";

/** A message that is about to be sent. An encoder and `before` may change all of it. */
export interface OutgoingMessage {
  /** Where to. */
  subject: string;
  /** The body. */
  data: Uint8Array;
  /** The headers. */
  readonly headers: MessageHeaders;
}

/** A reply that has come. `after` may change its body before it is decoded. */
export interface IncomingReply {
  /** The inbox that it came to. */
  readonly subject: string;
  /** The body. */
  data: Uint8Array;
  /** The headers, if it has any. */
  readonly headers: MessageHeaders | undefined;
}

/**
 * Looks at a message before it is decoded, and may derive the context of its call.
 * It is told the context so far and the message, and returns the context to go on with.
 */
export type ServerRequestFunc = (ctx: Context, message: Message) => Context;

/**
 * Sets headers of a reply that is about to be sent, and may derive the context.
 * It is told the context so far and the headers, and returns the context to go on with.
 */
export type HeadersFunc = (ctx: Context, headers: MessageHeaders) => Context;

/**
 * Changes a message that is about to be sent, and may derive the context.
 * It is told the context so far and the message, and returns the context to go on with.
 */
export type ClientRequestFunc = (ctx: Context, message: OutgoingMessage) => Context;

/**
 * Looks at a reply before it is decoded, and may derive the context.
 * It is told the context so far and the reply, and returns the context to go on with.
 */
export type ClientResponseFunc = (ctx: Context, reply: IncomingReply) => Context;

/**
 * Sets a header, in place of one that is there.
 * @param name Its name; its case matters on this wire.
 * @param value Its value.
 * @returns A function for `after` of a server.
 * @throws If a header cannot have that name or value.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { headers } from "@nats-io/nats-core";
 * import { setHeader } from "@kit/transport/nats";
 * import assert from "node:assert/strict";
 * const reply = headers();
 * setHeader("x-served-by", "kit")(background(), reply);
 * assert.equal(reply.get("x-served-by"), "kit");
 * ```
 */
export function setHeader(name: string, value: string): HeadersFunc {
  createHeaders().set(name, value);
  return (ctx, headers) => {
    headers.set(name, value);
    return ctx;
  };
}
