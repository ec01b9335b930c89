/**
 * The context of a call that came by AMQP.
 * @module
 */
import { type ContextKey, KitError, type Metadata } from "@kit/endpoint";
import { BrokerContext } from "../_broker_context.ts";
import { readMetadata, UNREADABLE } from "./_headers.ts";
import type { HandlerInfo } from "./handler.ts";
import { amqpDelivery } from "./keys.ts";
import type { Delivery } from "./message.ts";

/** The context of one message. */
export class DeliveryContext extends BrokerContext {
  constructor(readonly delivery: Delivery, info: HandlerInfo) {
    super(info);
  }

  /** Reads the deadline out of a header; throws if it cannot be one, or has passed. */
  readDeadline(name: string | false): void {
    const { headers } = this.delivery;
    if (Object.hasOwn(headers, UNREADABLE)) {
      throw new KitError("invalid_argument", "Cannot read headers of message");
    }
    if (name === false || !Object.hasOwn(headers, name)) return;
    this.setDeadline(name, String(headers[name]));
  }

  protected override readMetadata(): Metadata {
    return readMetadata(this.delivery.headers);
  }

  override value<T>(key: ContextKey<T>): T | undefined {
    return key as unknown === amqpDelivery ? this.delivery as unknown as T : undefined;
  }
}
