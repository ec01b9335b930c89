/**
 * What the clients on one connection share: whether it is up, and the inbox that replies come to.
 * @module
 */
import { type Context, KitError } from "@kit/endpoint";
import { createInbox, type PermissionViolationError } from "@nats-io/nats-core";
import { untilAborted } from "../_client_call.ts";
import type { Connection, Message } from "./connection.ts";
import { sendError } from "./_send_error.ts";
import type { IncomingReply, OutgoingMessage } from "./functions.ts";

const links = new WeakMap<Connection, Link>();

/** A call that waits for its reply. */
interface Waiting {
  readonly subject: string;
  readonly resolve: (reply: IncomingReply) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A connection as clients see it. The client of NATS itself knows requests too, but none that can be
 * given up before their time, and lets them wait for their timeout when the connection is lost.
 */
export class Link {
  readonly #inboxes = new Map<string, Inbox>();
  #isUp: boolean;

  /** The link of a connection, one for all. */
  static of(connection: Connection): Link {
    let link = links.get(connection);
    if (link === undefined) links.set(connection, link = new Link(connection));
    return link;
  }

  /** How many calls wait for their reply. */
  get waiting(): number {
    return [...this.#inboxes.values()].reduce((sum, inbox) => sum + inbox.size, 0);
  }

  private constructor(readonly connection: Connection) {
    this.#isUp = connection.info !== undefined;
    this.#watch();
  }

  /** Sends a message. What is sent while the connection is down would be lost. */
  publish({ subject, data, headers }: OutgoingMessage, reply?: string): void {
    if (!this.#isUp) throw lost();
    try {
      this.connection.publish(subject, data, {
        ...(headers.keys().length > 0 ? { headers } : {}),
        ...(reply === undefined ? {} : { reply }),
      });
    } catch (cause) {
      throw sendError(cause, "message", this.connection.info?.max_payload);
    }
  }

  /** Sends a message and waits for the reply, as long as the context lasts. */
  request(message: OutgoingMessage, ctx: Context, inboxPrefix: string): Promise<IncomingReply> {
    let inbox = this.#inboxes.get(inboxPrefix);
    if (inbox === undefined || inbox.isClosed) {
      if (!this.#isUp) throw lost();
      try {
        inbox = new Inbox(this.connection, inboxPrefix);
      } catch (cause) {
        throw sendError(cause, "message");
      }
      this.#inboxes.set(inboxPrefix, inbox);
    }
    const { promise, resolve, reject } = Promise.withResolvers<IncomingReply>();
    const { reply, forget } = inbox.open({ subject: message.subject, resolve, reject });
    try {
      this.publish(message, reply);
    } catch (error) {
      forget();
      throw error;
    }
    return untilAborted(promise, ctx, forget);
  }

  /** Looks at the connection until it is closed. */
  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === "reconnect") this.#isUp = true;
      else if (status.type === "disconnect") this.#lose();
      else if (status.type === "error" && isViolation(status.error)) this.#refuse(status.error);
    }
    this.#lose();
  }

  #lose(): void {
    this.#isUp = false;
    for (const inbox of this.#inboxes.values()) inbox.fail(lost());
  }

  #refuse(cause: PermissionViolationError): void {
    if (cause.operation !== "publish") return;
    for (const inbox of this.#inboxes.values()) {
      inbox.fail(refused(cause), cause.subject);
    }
  }
}

/** Where replies come to: one subscription for all calls, since each costs the broker something. */
class Inbox {
  readonly #base: string;
  readonly #waiting = new Map<string, Waiting>();
  isClosed = false;

  constructor(connection: Connection, prefix: string) {
    this.#base = `${createInbox(prefix)}.`;
    const subscription = connection.subscribe(`${this.#base}*`, {
      callback: (error, message) => error === null ? this.#take(message) : this.#close(error),
    });
    subscription.closed.then(() => this.isClosed = true);
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Makes a reply subject. It cannot be guessed by who gets another one. */
  open(waiting: Waiting): { reply: string; forget: () => void } {
    const token = crypto.randomUUID();
    this.#waiting.set(token, waiting);
    return { reply: this.#base + token, forget: () => this.#waiting.delete(token) };
  }

  /** Fails what waits, or what waits for one subject. */
  fail(error: KitError, subject?: string): void {
    for (const [token, waiting] of this.#waiting) {
      if (subject !== undefined && subject !== waiting.subject) continue;
      this.#waiting.delete(token);
      waiting.reject(error);
    }
  }

  #take({ subject, data, headers }: Message): void {
    const token = subject.slice(this.#base.length);
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    this.#waiting.delete(token);
    if (data.length === 0 && headers?.code === 503) waiting.reject(unserved(waiting.subject));
    else waiting.resolve({ subject, data, headers });
  }

  #close(cause: Error): void {
    this.isClosed = true;
    this.fail(refused(cause));
  }
}

function lost(): KitError {
  return new KitError("unavailable", "Cannot reach service as the connection to NATS is lost");
}

function unserved(subject: string): KitError {
  return new KitError("unavailable", `Cannot reach service as nobody serves "${subject}"`);
}

function refused(cause: Error): KitError {
  return new KitError("permission_denied", "Cannot call service as NATS does not allow it", {
    cause,
  });
}

function isViolation(error?: Error): error is PermissionViolationError {
  return error?.name === "PermissionViolationError";
}
