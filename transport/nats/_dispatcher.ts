/**
 * The messages that a server has taken and not finished.
 * @module
 */
import { KitError, systemClock } from "@kit/endpoint";
import { headers as createHeaders } from "@nats-io/nats-core";
import type { Message } from "./connection.ts";
import { errorReply } from "./error_reply.ts";
import type { HandlerInfo, MessageHandler } from "./handler.ts";

/** How much may be taken, and who is told of errors. */
export interface DispatcherOptions {
  readonly maxInFlight: number;
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly onError: ((error: unknown) => void) | undefined;
}

/** A message that waits until another is finished. */
interface Pending {
  readonly handler: MessageHandler;
  readonly message: Message;
  readonly receivedAt: number;
}

/**
 * Runs handlers, so many at once, and keeps account of what it has begun. What comes meanwhile waits
 * in its order; what would be too much to keep is refused at once.
 */
export class Dispatcher {
  readonly #running = new Set<Message>();
  readonly #cutOff = new AbortController();
  readonly #info: HandlerInfo = { signal: this.#cutOff.signal };
  #pending: Pending[] = [];
  /** Where the first that waits is; those before it have been begun. */
  #first = 0;
  #pendingBytes = 0;
  #onIdle: (() => void) | undefined;

  constructor(readonly options: DispatcherOptions) {}

  /** Takes a message: begins it, lets it wait, or refuses it. */
  take(handler: MessageHandler, message: Message): void {
    const { maxInFlight, maxPending, maxPendingBytes } = this.options;
    if (this.#running.size < maxInFlight) return this.#run(handler, message, this.#info);
    const bytes = this.#pendingBytes + message.data.length;
    if (this.#pending.length - this.#first >= maxPending || bytes > maxPendingBytes) {
      const error = new KitError("resource_exhausted", "Cannot take message as too many wait");
      this.#tell(error);
      return reply(message, error);
    }
    this.#pendingBytes = bytes;
    this.#pending.push({ handler, message, receivedAt: systemClock.now() });
  }

  /** Resolves when everything that was taken is finished. */
  idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle = resolve);
  }

  /** Answers what is not finished with an error, and tells the handlers. */
  giveUp(error: KitError): void {
    this.#cutOff.abort(error);
    for (const message of this.#running) reply(message, error);
    for (const { message } of this.#pending.slice(this.#first)) reply(message, error);
    this.#pending = [];
    this.#first = this.#pendingBytes = 0;
  }

  #run(handler: MessageHandler, message: Message, info: HandlerInfo): void {
    this.#running.add(message);
    const end = () => {
      this.#running.delete(message);
      this.#next();
    };
    let work: Promise<void>;
    try {
      work = handler(message, info);
    } catch (error) {
      work = Promise.reject(error);
    }
    work.then(end, (error) => {
      this.#tell(error);
      if (!this.#cutOff.signal.aborted) reply(message, error);
      end();
    });
  }

  #next(): void {
    const next = this.#pending[this.#first];
    if (next === undefined) {
      if (this.#running.size === 0) this.#onIdle?.();
      return;
    }
    this.#first++;
    this.#pendingBytes -= next.message.data.length;
    // Moving the rest up each time would cost as much as there is.
    if (this.#first === this.#pending.length || this.#first === 1024) {
      this.#pending = this.#pending.slice(this.#first);
      this.#first = 0;
    }
    this.#run(next.handler, next.message, { ...this.#info, receivedAt: next.receivedAt });
  }

  #tell(error: unknown): void {
    try {
      this.options.onError?.(error);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
  }
}

/** Replies with an error, where somebody waits and can be reached. */
function reply(message: Message, error: unknown): void {
  if (!message.reply) return;
  const headers = createHeaders();
  try {
    message.respond(errorReply(error, headers), { headers });
  } catch {
    // The connection is closed.
  }
}
