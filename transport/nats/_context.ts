/**
 * The context of a call that came by NATS. Nothing of it is made before it is asked for.
 * @module
 */
import {
  background,
  type Context,
  type ContextKey,
  type DisposableContext,
  type Metadata,
  metadata,
  NO_METADATA,
  systemClock,
  withDeadline,
  withSignal,
} from "@kit/endpoint";
import { parseDeadline } from "../_deadline.ts";
import type { Message } from "./connection.ts";
import type { HandlerInfo } from "./handler.ts";
import { natsMessage } from "./keys.ts";

/** The context of one message. */
export class MessageContext implements Context, Disposable {
  readonly outgoing: Metadata = NO_METADATA;
  #metadata: Metadata | undefined;
  #timed: DisposableContext | undefined;
  #isOver = false;
  deadline: number | undefined;

  constructor(readonly message: Message, readonly info: HandlerInfo) {}

  /** Reads the deadline; throws if it cannot be one, or has passed. */
  readDeadline(header: string): void {
    const value = this.message.headers?.get(header);
    if (!value) return;
    const { receivedAt } = this.info;
    const waitedMs = receivedAt === undefined ? 0 : systemClock.now() - receivedAt;
    this.deadline = parseDeadline(header, value) - waitedMs;
  }

  get canAbort(): boolean {
    return this.deadline !== undefined || this.info.signal !== undefined;
  }

  get metadata(): Metadata {
    return this.#metadata ??= read(this.message);
  }

  get signal(): AbortSignal {
    const { info: { signal }, deadline } = this;
    if (deadline === undefined) return signal ?? background().signal;
    const root = background();
    this.#timed ??= withDeadline(signal === undefined ? root : withSignal(root, signal), deadline);
    const timed = this.#timed.signal;
    if (this.#isOver) this.#timed[Symbol.dispose]();
    return timed;
  }

  value<T>(key: ContextKey<T>): T | undefined {
    return key as unknown === natsMessage ? this.message as unknown as T : undefined;
  }

  /** Lets go of the timer, once the call is over. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timed?.[Symbol.dispose]();
  }
}

function read({ headers }: Message): Metadata {
  if (headers === undefined) return NO_METADATA;
  return metadata([...headers].flatMap(([name, values]) => values.map((v) => [name, v] as const)));
}
