/**
 * The exchanges, queues and bindings that a service needs.
 * @module
 */

/** An exchange. */
export interface ExchangeOptions {
  /**
   * How it routes.
   * @default {"topic"}
   */
  readonly type?: "direct" | "topic" | "fanout" | "headers" | (string & Record<never, never>);
  /**
   * Whether it outlives a restart of the broker.
   * @default {true}
   */
  readonly durable?: boolean;
  /**
   * Whether it goes away with its last binding.
   * @default {false}
   */
  readonly autoDelete?: boolean;
  /** The exchange that gets what reaches no queue. */
  readonly alternate?: string;
  /** Further arguments, as the broker names them. */
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/** A queue. */
export interface QueueOptions {
  /**
   * The kind of the queue. A quorum queue counts deliveries and, from RabbitMQ 4 on, drops a message
   * after twenty that failed.
   * @default What the broker takes, `classic` as a rule.
   */
  readonly type?: "classic" | "quorum" | (string & Record<never, never>);
  /**
   * Whether it outlives a restart of the broker.
   * @default {true}
   */
  readonly durable?: boolean;
  /**
   * Whether only this connection may use it, and it goes away with that.
   * @default {false}
   */
  readonly exclusive?: boolean;
  /**
   * Whether it goes away with its last consumer.
   * @default {false}
   */
  readonly autoDelete?: boolean;
  /** Where messages go that are rejected, expire or do not fit. */
  readonly deadLetter?: {
    /** The exchange; empty for the default one. */
    readonly exchange: string;
    /**
     * The routing key.
     * @default The one that the message came with.
     */
    readonly key?: string;
  };
  /** After how many milliseconds a message expires. */
  readonly messageTtlMs?: number;
  /** How many messages it may hold. */
  readonly maxLength?: number;
  /** How often a quorum queue delivers a message before it is a dead letter. */
  readonly deliveryLimit?: number;
  /** Further arguments, as the broker names them. */
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/** What leads from an exchange to a queue. */
export interface Binding {
  /** The exchange. */
  readonly exchange: string;
  /** The queue. */
  readonly queue: string;
  /**
   * The routing key, or the pattern of a topic exchange.
   * @default {""}
   */
  readonly key?: string;
  /** What an exchange of type `headers` matches. */
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/**
 * The exchanges, queues and bindings that a service needs. They are declared anew whenever the broker
 * has been found again. A declaration that differs from what the broker has is refused by it.
 */
export interface Topology {
  /** The exchanges, by name. */
  readonly exchanges?: Readonly<Record<string, ExchangeOptions>>;
  /** The queues, by name. */
  readonly queues?: Readonly<Record<string, QueueOptions>>;
  /** The bindings. */
  readonly bindings?: readonly Binding[];
}
