/**
 * What the context of a call that came by NATS knows of its message.
 * @module
 */
import type { Msg } from "@nats-io/nats-core";
import { type ContextKey, contextKey } from "@kit/endpoint";

/**
 * Finds the message of a call that came by NATS: its subject, its reply subject, its headers. The
 * headers are the context's `metadata` as well, on this and every other transport.
 */
export const natsMessage: ContextKey<Msg> = contextKey("nats message");
