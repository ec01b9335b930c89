/**
 * What the context of a call that came by NATS knows of its message.
 * @module
 */
import { type ContextKey, contextKey } from "@kit/endpoint";
import type { Message } from "./connection.ts";

/**
 * Finds the message of a call that came by NATS: its subject, its reply subject, its headers. The
 * headers are the context's `metadata` as well, on this and every other transport.
 */
export const natsMessage: ContextKey<Message> = contextKey("nats message");
