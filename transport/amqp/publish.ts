/**
 * Sends messages that nobody replies to.
 * @module
 */
import { type Context, type Endpoint, throwIfDone } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { caller } from "../_client_call.ts";
import { managed } from "./_connection.ts";
import { encodeJson } from "./_json.ts";
import { newMessage } from "./_outgoing.ts";
import type { Connection } from "./connection.ts";
import type { MessageFunc } from "./functions.ts";
import type { OutgoingMessage } from "./message.ts";

/**
 * Options for {@linkcode publish}.
 * @typeParam Req What is sent.
 */
export interface PublishOptions<Req> {
  /**
   * The exchange; `before` may set another.
   * @default {""}
   */
  readonly exchange?: string;
  /**
   * The routing key; for the default exchange the name of the queue. `before` may set another.
   * @default {""}
   */
  readonly key?: string;
  /**
   * Whether a message that reaches no queue rejects with `unavailable`. Set it to `false` for events
   * that nobody may be interested in.
   * @default {true}
   */
  readonly mandatory?: boolean;
  /**
   * Puts a request into the message.
   * @default As JSON into the body, with its content type.
   */
  readonly encode?: (request: Req, message: OutgoingMessage, ctx: Context) => void | Promise<void>;
  /**
   * Run in order before the message is sent; each may set its address, its headers and its
   * properties, and derive the context.
   * @default {[]}
   */
  readonly before?: readonly MessageFunc[];
  /**
   * Run in order once the broker has answered, or the call failed. They must not throw.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * How long the broker may take, besides the deadline of the context.
   * @default {10000}
   */
  readonly timeoutMs?: number;
}

/**
 * Makes an endpoint that hands a message to the broker. It resolves when the broker has confirmed it:
 * when it is in every queue that it goes to, and on disk where queue and message are durable, which
 * messages are unless `before` sets another delivery mode.
 *
 * It rejects with `unavailable` if no queue takes the message, or if the connection is lost before the
 * broker has answered, when the message may or may not have got there; with `resource_exhausted` if
 * the broker refuses it, as for a queue that is full. While the connection takes no more, it waits.
 * Sent along is the outgoing metadata of the context as headers, but no deadline, as nobody waits for
 * what comes of it.
 * @typeParam Req What is sent.
 * @param connection The connection.
 * @param options Address, codec and hooks.
 * @returns The endpoint.
 * @throws {TypeError} If `connection` was not made by `connect`.
 * @throws {RangeError} If `timeoutMs` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { publish } from "@kit/transport/amqp";
 * import { memoryBroker } from "@kit/transport/amqp/testing";
 * import assert from "node:assert/strict";
 * const broker = memoryBroker();
 * await using connection = broker.connect({ topology: { queues: { orders: {} } } });
 * await publish<{ id: number }>(connection, { key: "orders" })({ id: 7 }, background());
 * assert.deepEqual(broker.bodies("orders"), [`{"id":7}`]);
 * const lost = publish<string>(connection, { key: "nobody" });
 * await assert.rejects(lost("hello", background()), { code: "unavailable" });
 * ```
 */
export function publish<Req>(
  connection: Connection,
  options: PublishOptions<Req> = {},
): Endpoint<Req, void> {
  const {
    exchange = "",
    key = "",
    mandatory = true,
    encode = encodeJson,
    before = [],
    finalizer = [],
    timeoutMs = 10_000,
  } = options;
  checkPositive("timeoutMs", timeoutMs);
  const { sender } = managed(connection);
  const route = { exchange, key, mandatory };

  return caller<Req, void, OutgoingMessage, void>({
    async encode(request, ctx) {
      const message = newMessage(route, ctx);
      message.properties.deliveryMode = 2;
      await encode(request, message, ctx);
      return message;
    },
    before,
    send: (message, ctx) => sender.publish(message, ctx, () => throwIfDone(ctx)),
    after: [],
    decode: () => {},
    finalizer,
    timeoutMs,
  });
}
