/**
 * What becomes of a message that has been handled.
 * @module
 */
import { codeOf, type ErrorCode } from "@kit/endpoint";
import type { Delivery } from "./message.ts";

/**
 * What becomes of a message: `"ack"` takes it from its queue, `"requeue"` puts it back, and
 * `"reject"` gives it to the dead letter exchange of the queue, or drops it where there is none.
 */
export type Verdict = "ack" | "requeue" | "reject";

/** Failures that may be gone the next time. */
const PASSING: ReadonlySet<ErrorCode> = new Set(["unavailable", "resource_exhausted", "aborted"]);

/**
 * Decides by the rule that loses little and never goes on for ever:
 *
 * - what succeeded is acknowledged;
 * - what failed is acknowledged if it had a `replyTo`, as the caller knows of it and decides;
 * - else it is put back once, if it failed with `unavailable`, `resource_exhausted` or `aborted`;
 * - else, or if it has been delivered before, it is rejected. Declare a dead letter exchange for the
 *   queue, or it is lost.
 * @param error Why the call failed; `undefined` if it did not.
 * @param delivery The message.
 * @returns What becomes of it.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { acknowledge } from "@kit/transport/amqp";
 * import assert from "node:assert/strict";
 * const event = {
 *   exchange: "",
 *   key: "orders",
 *   redelivered: false,
 *   headers: {},
 *   properties: {},
 *   body: new Uint8Array(),
 * };
 * const error = new KitError("unavailable", "Down");
 * assert.equal(acknowledge(error, event), "requeue");
 * assert.equal(acknowledge(error, { ...event, redelivered: true }), "reject");
 * assert.equal(acknowledge(undefined, event), "ack");
 * ```
 */
export function acknowledge(error: unknown, delivery: Delivery): Verdict {
  if (error === undefined || delivery.properties.replyTo) return "ack";
  return PASSING.has(codeOf(error)) && !wasDelivered(delivery) ? "requeue" : "reject";
}

/** By the count of quorum queues, or else by the flag. */
function wasDelivered({ headers, redelivered }: Delivery): boolean {
  return redelivered || Number(headers["x-delivery-count"] ?? 0) > 0;
}
