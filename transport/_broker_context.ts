/**
 * The context of a call that came by a broker. Nothing of it is made before it is asked for.
 * @module
 */
import {
  background,
  type Context,
  type ContextKey,
  type DisposableContext,
  type Metadata,
  NO_METADATA,
  systemClock,
  withDeadline,
  withSignal,
} from "@kit/endpoint";
import { parseDeadline } from "./_deadline.ts";

/** What a host of handlers tells about a message. */
export interface BrokerInfo {
  /** Aborted when the host gives the call up. */
  readonly signal?: AbortSignal;
  /** When the message came, in milliseconds since the epoch. */
  readonly receivedAt?: number;
}

/** The context of one message. */
export abstract class BrokerContext implements Context, Disposable {
  readonly outgoing: Metadata = NO_METADATA;
  deadline: number | undefined;
  #metadata: Metadata | undefined;
  #timed: DisposableContext | undefined;
  #linked: DisposableContext | undefined;
  #isOver = false;

  constructor(readonly info: BrokerInfo) {}

  /** Reads what came with the message. */
  protected abstract readMetadata(): Metadata;

  abstract value<T>(key: ContextKey<T>): T | undefined;

  /** Sets the deadline out of a header; throws if it cannot be one. What it has waited counts. */
  protected setDeadline(header: string, value: string): void {
    const { receivedAt } = this.info;
    const waitedMs = receivedAt === undefined ? 0 : systemClock.now() - receivedAt;
    this.deadline = parseDeadline(header, value) - waitedMs;
  }

  get canAbort(): boolean {
    return this.deadline !== undefined || this.info.signal !== undefined;
  }

  get metadata(): Metadata {
    return this.#metadata ??= this.readMetadata();
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
