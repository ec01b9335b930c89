/**
 * A connection to NATS as far as servers and clients need it. Those of `@nats-io/transport-node` and
 * of every other transport of `@nats-io/nats-core` fit.
 * @module
 */

/** The headers of a message. Names are case-sensitive on this wire; those of Kit are in lower case. */
export interface MessageHeaders extends Iterable<[name: string, values: string[]]> {
  /** The status of a message of NATS itself, such as 503 where nobody serves a subject; else 0. */
  readonly code: number;
  /** The status with its text. */
  readonly status: string;
  /** Whether the status is that of an error. */
  readonly hasError: boolean;
  /** Tells the first value of a name; `""` when there is none. */
  get(name: string): string;
  /** Tells all values of a name. */
  values(name: string): string[];
  /** Tells whether a name has a value. */
  has(name: string): boolean;
  /** Sets a value in place of all that the name has. */
  set(name: string, value: string): void;
  /** Adds a value. */
  append(name: string, value: string): void;
  /** Takes a name away. */
  delete(name: string): void;
  /** Tells the names. */
  keys(): string[];
}

/** What is sent along with a message. */
export interface SendOptions {
  /** Where to reply. */
  reply?: string;
  /** The headers, as `headers()` of `@nats-io/nats-core` makes them. */
  headers?: MessageHeaders;
}

/** A message that has come. */
export interface Message {
  /** Where it was sent to. */
  readonly subject: string;
  /** Where to reply; empty when nobody waits for a reply. */
  readonly reply?: string;
  /** The body. */
  readonly data: Uint8Array;
  /** The headers, if it has any. */
  readonly headers?: MessageHeaders;
  /** Replies; returns whether there is somebody to reply to. */
  respond(data?: Uint8Array | string, options?: SendOptions): boolean;
  /** The body as text. */
  string(): string;
}

/** A subject that is listened to. */
export interface Subscription {
  /** Resolves when nothing more will come. */
  readonly closed: Promise<void | Error>;
  /** Ends it at once. */
  unsubscribe(): void;
  /** Ends it when everything that is on its way has come. */
  drain(): Promise<void>;
  /** Tells whether it has ended. */
  isClosed(): boolean;
}

/** How to listen to a subject. */
export interface SubscribeOptions {
  /** The queue group. */
  queue?: string;
  /** Called for each message, or with the error that ends the subscription. */
  callback?: (error: Error | null, message: Message) => void;
}

/** News of a connection; `disconnect`, `reconnect` and `error` are understood. */
export interface ConnectionStatus {
  /** What has happened. */
  readonly type: string;
  /** The error of an `error`. */
  readonly error?: Error;
}

/** A connection to NATS. */
export interface Connection {
  /** What the broker has told of itself; `undefined` while there is none. */
  readonly info?: {
    /** The most bytes that a message may have, its headers included. */
    readonly max_payload: number;
  } | undefined;
  /** Sends a message. */
  publish(subject: string, data?: Uint8Array | string, options?: SendOptions): void;
  /** Listens to a subject. */
  subscribe(subject: string, options?: SubscribeOptions): Subscription;
  /** Resolves when the broker has taken all that was sent. */
  flush(): Promise<void>;
  /** Tells what happens to the connection, until it is closed. */
  status(): AsyncIterable<ConnectionStatus>;
  /** Resolves when it is closed for ever, with the error that led to it if there was one. */
  closed(): Promise<void | Error>;
  /** Tells whether it is closed for ever. */
  isClosed(): boolean;
  /** Tells whether it is about to be closed. */
  isDraining(): boolean;
}
