/**
 * Messages that clients send.
 * @module
 */
import { type Context, remainingMs, throwIfDone } from "@kit/endpoint";
import { formatRemaining } from "../_deadline.ts";
import { newHeaders, writeMetadata } from "./_headers.ts";
import type { OutgoingMessage } from "./message.ts";

/** Where a message goes if nothing else is said. */
export interface Route {
  readonly exchange: string;
  readonly key: string;
  readonly mandatory: boolean;
}

/** Makes a message with the outgoing metadata of a context. */
export function newMessage(route: Route, ctx: Context): OutgoingMessage {
  const headers = newHeaders();
  writeMetadata(ctx.outgoing, headers);
  return { ...route, headers, properties: {}, body: new Uint8Array() };
}

/** A broker takes no larger expiration. */
const MAX_EXPIRATION = 4_294_967_295;

/** Puts the time that is left on a message: for the broker, and for the server. */
export function stampDeadline(
  message: OutgoingMessage,
  ctx: Context,
  header: string | false,
): void {
  throwIfDone(ctx);
  if (ctx.deadline === undefined || header === false) return;
  const left = formatRemaining(remainingMs(ctx));
  message.headers[header] = left;
  message.properties.expiration ??= String(Math.min(Number(left), MAX_EXPIRATION));
}
