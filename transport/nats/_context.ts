/**
 * The context of a call that came by NATS.
 * @module
 */
import { type ContextKey, type Metadata, metadata, NO_METADATA } from "@kit/endpoint";
import { BrokerContext } from "../_broker_context.ts";
import type { Message } from "./connection.ts";
import type { HandlerInfo } from "./handler.ts";
import { natsMessage } from "./keys.ts";

/** The context of one message. */
export class MessageContext extends BrokerContext {
  constructor(readonly message: Message, info: HandlerInfo) {
    super(info);
  }

  /** Reads the deadline; throws if it cannot be one, or has passed. */
  readDeadline(header: string): void {
    const value = this.message.headers?.get(header);
    if (value) this.setDeadline(header, value);
  }

  protected override readMetadata(): Metadata {
    const { headers } = this.message;
    if (headers === undefined) return NO_METADATA;
    return metadata(
      [...headers].flatMap(([name, values]) => values.map((value) => [name, value] as const)),
    );
  }

  override value<T>(key: ContextKey<T>): T | undefined {
    return key as unknown === natsMessage ? this.message as unknown as T : undefined;
  }
}
