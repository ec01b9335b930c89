/**
 * What Kit needs of the client of the broker: a seam, so that tests run without one.
 * @module
 */
import type { Buffer } from "node:buffer";
import type { ConsumeMessage, Message, Options } from "amqplib";
import { type ErrorCode, isKitError, KitError } from "@kit/endpoint";

/** A channel in confirm mode, as far as it is used. */
export interface LinkChannel {
  assertExchange(name: string, type: string, options: Options.AssertExchange): Promise<unknown>;
  checkExchange(name: string): Promise<unknown>;
  assertQueue(name: string, options: Options.AssertQueue): Promise<unknown>;
  bindQueue(queue: string, exchange: string, key: string, args?: unknown): Promise<unknown>;
  prefetch(count: number): Promise<unknown>;
  consume(
    queue: string,
    onMessage: (message: ConsumeMessage | null) => void,
    options?: Options.Consume,
  ): Promise<{ readonly consumerTag: string }>;
  cancel(consumerTag: string): Promise<unknown>;
  ack(message: ConsumeMessage): void;
  reject(message: ConsumeMessage, requeue: boolean): void;
  /** Says whether there is room for more; `done` is called with `null` or an error. */
  publish(
    exchange: string,
    key: string,
    content: Buffer,
    options: Options.Publish,
    done: (error: unknown) => void,
  ): boolean;
  close(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "return", listener: (message: Message) => void): unknown;
  on(event: "close" | "drain", listener: () => void): unknown;
}

/** Whether the broker takes messages. */
export type BlockState = "blocked" | "free";

/** One connection to the broker, which is gone for good once it is lost. */
export interface Link {
  openChannel(): Promise<LinkChannel>;
  /** Resolves when it is over, with why if it was not closed from here. */
  readonly lost: Promise<unknown>;
  /** Tells when the broker takes no messages for a time, and when it takes them again. */
  onBlocked(listener: (state: BlockState) => void): Disposable;
  /** Closes it, politely as long as the broker answers soon; never rejects. */
  close(): Promise<void>;
}

/** Opens a connection; gives up when the signal is aborted. */
export type Dial = (signal: AbortSignal) => Promise<Link>;

/** What the reply codes of AMQP mean, where it is the fault of a declaration or of an account. */
const CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [403, "permission_denied"],
  [404, "not_found"],
  [405, "failed_precondition"],
  [406, "failed_precondition"],
  [530, "permission_denied"],
  [540, "unimplemented"],
]);

/** The error of something that the broker refused, or that was cut off. */
export function brokerError(what: string, cause: unknown): KitError {
  if (isKitError(cause)) return cause;
  const found = (cause as { code?: unknown } | undefined)?.code ??
    Number(/: (\d{3}) \(/.exec(String(cause))?.[1]);
  const code = CODES.get(found as number) ?? "unavailable";
  return new KitError(code, what, { cause });
}
