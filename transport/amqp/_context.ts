/**
 * The context of a call that came by AMQP. Nothing of it is made before it is asked for.
 * @module
 */
import {
  background,
  type Context,
  type ContextKey,
  type DisposableContext,
  KitError,
  type Metadata,
  NO_METADATA,
  systemClock,
  withDeadline,
  withSignal,
} from "@kit/endpoint";
import { parseDeadline } from "../_deadline.ts";
import { readMetadata, UNREADABLE } from "./_headers.ts";
import type { HandlerInfo } from "./handler.ts";
import { amqpDelivery } from "./keys.ts";
import type { Delivery } from "./message.ts";

/** The context of one message. */
export class DeliveryContext implements Context, Disposable {
  readonly outgoing: Metadata = NO_METADATA;
  deadline: number | undefined;
  #metadata: Metadata | undefined;
  #timed: DisposableContext | undefined;
  #linked: DisposableContext | undefined;
  #isOver = false;

  constructor(readonly delivery: Delivery, readonly info: HandlerInfo) {}

  /** Reads the deadline out of a header; throws if it cannot be one, or has passed. */
  readDeadline(name: string | false): void {
    const { headers } = this.delivery;
    if (Object.hasOwn(headers, UNREADABLE)) {
      throw new KitError("invalid_argument", "Cannot read headers of message");
    }
    if (name === false || !Object.hasOwn(headers, name)) return;
    const { receivedAt } = this.info;
    const waitedMs = receivedAt === undefined ? 0 : systemClock.now() - receivedAt;
    this.deadline = parseDeadline(name, String(headers[name])) - waitedMs;
  }

  get canAbort(): boolean {
    return this.deadline !== undefined || this.info.signal !== undefined;
  }

  get metadata(): Metadata {
    return this.#metadata ??= readMetadata(this.delivery.headers);
  }

  get signal(): AbortSignal {
    const { info: { signal }, deadline } = this;
    if (deadline === undefined) return signal ?? background().signal;
    if (this.#timed === undefined) {
      if (signal !== undefined) this.#linked = withSignal(background(), signal);
      this.#timed = withDeadline(this.#linked ?? background(), deadline);
      void this.#timed.signal;
      if (this.#isOver) this.#end();
    }
    return this.#timed.signal;
  }

  value<T>(key: ContextKey<T>): T | undefined {
    return key as unknown === amqpDelivery ? this.delivery as unknown as T : undefined;
  }

  /** Lets go of timer and listener, once the call is over. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#end();
  }

  #end(): void {
    this.#timed?.[Symbol.dispose]();
    this.#linked?.[Symbol.dispose]();
  }
}
