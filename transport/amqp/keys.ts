/**
 * What the context of a call that came by AMQP knows of its message.
 * @module
 */
import { type ContextKey, contextKey } from "@kit/endpoint";
import type { Delivery } from "./message.ts";

/**
 * Finds the message of a call that came by AMQP: its properties, its headers, whether it has been
 * delivered before. The headers are the context's `metadata` as well, on this and every other
 * transport.
 * @example Usage
 * ```ts
 * import { amqpDelivery, server } from "@kit/transport/amqp";
 * import assert from "node:assert/strict";
 * const handle = server((_, ctx) => Promise.resolve(ctx.value(amqpDelivery)?.key), {
 *   decode: () => undefined,
 * });
 * const { reply } = await handle({
 *   exchange: "",
 *   key: "sum",
 *   redelivered: false,
 *   headers: {},
 *   properties: { replyTo: "answers" },
 *   body: new Uint8Array(),
 * });
 * assert.equal(new TextDecoder().decode(reply?.body), `"sum"`);
 * ```
 */
export const amqpDelivery: ContextKey<Delivery> = contextKey("amqp delivery");
