/**
 * Calls an endpoint over AMQP.
 * @module
 */
import type { Context, Endpoint } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { caller } from "../_client_call.ts";
import { checkHeaderName, DEADLINE_HEADER } from "../_deadline.ts";
import type { Schema } from "../schema.ts";
import { managed } from "./_connection.ts";
import { checkSize, decodeResponse, DEFAULT_MAX_BYTES, encodeJson } from "./_json.ts";
import { newMessage, stampDeadline } from "./_outgoing.ts";
import type { Connection } from "./connection.ts";
import { parseErrorReply } from "./error_reply.ts";
import type { DeliveryFunc, MessageFunc } from "./functions.ts";
import type { Delivery, OutgoingMessage } from "./message.ts";

/**
 * Options for {@linkcode client}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ClientOptions<Req, Res> {
  /**
   * The exchange that requests are published to; `before` may set another.
   * @default {""}
   */
  readonly exchange?: string;
  /**
   * The routing key; for the default exchange the name of the queue. `before` may set another.
   * @default {""}
   */
  readonly key?: string;
  /**
   * Puts a request into the message.
   * @default As JSON into the body, with its content type.
   */
  readonly encode?: (request: Req, message: OutgoingMessage, ctx: Context) => void | Promise<void>;
  /**
   * Makes the response out of a reply that is no error.
   * @default The body as JSON, validated by `schema`.
   */
  readonly decode?: (reply: Delivery, ctx: Context) => Res | Promise<Res>;
  /**
   * Finds the error in a reply; `undefined` if it is a response. For servers of Go kit set it to
   * `parseGoKitErrorReply`.
   * @default {parseErrorReply}
   */
  readonly decodeError?: (reply: Delivery, ctx: Context) => Error | undefined;
  /** What a response must be; anything else rejects with `internal`. */
  readonly schema?: Schema<Res>;
  /**
   * Run in order before the request is sent; each may set its address, its headers and its
   * properties, and derive the context, whose signal and deadline then count.
   * @default {[]}
   */
  readonly before?: readonly MessageFunc[];
  /**
   * Run in order before the reply is decoded; each may derive the context.
   * @default {[]}
   */
  readonly after?: readonly DeliveryFunc[];
  /**
   * Run in order once the call is over, whether it failed or not. They must not throw.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * How long a call may take, besides the deadline of its context.
   * @default {10000}
   */
  readonly timeoutMs?: number;
  /**
   * The most bytes that the body of a reply may have.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * The header that tells how many milliseconds are left; `false` for neither it nor an expiration.
   * @default {"x-request-timeout-ms"}
   */
  readonly deadlineHeader?: string | false;
}

/**
 * Makes an endpoint that calls over AMQP.
 *
 * All clients of a connection share one channel, to which the broker brings the replies; each reply
 * is joined to its call by a random correlation id. Sent along are the outgoing metadata of the
 * context as headers and what is left of its deadline, as a header for the server and as the
 * expiration of the message for the broker, so that nobody works on what nobody waits for.
 *
 * A request that reaches no queue rejects with `unavailable` at once, as do the calls under way when
 * the connection is lost. AMQP cannot tell a server that a call was cancelled: its deadline ends it.
 *
 * The order is Go kit's: encode, `before` in order, the request, `after` in order, decode,
 * `finalizer` in order.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param connection The connection.
 * @param options Address, codec, hooks and limits.
 * @returns The endpoint.
 * @throws {TypeError} If `connection` was not made by `connect`, or `deadlineHeader` cannot be one.
 * @throws {RangeError} If `timeoutMs` or `maxBytes` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { client, serve, server } from "@kit/transport/amqp";
 * import { memoryBroker } from "@kit/transport/amqp/testing";
 * import assert from "node:assert/strict";
 * await using connection = memoryBroker().connect({ topology: { queues: { count: {} } } });
 * await using _running = serve(connection, {
 *   count: server(({ s }: { s: string }) => Promise.resolve({ v: s.length })),
 * });
 * const count = client<{ s: string }, { v: number }>(connection, { key: "count" });
 * assert.deepEqual(await count({ s: "hello" }, background()), { v: 5 });
 * ```
 */
export function client<Req, Res>(
  connection: Connection,
  options: ClientOptions<Req, Res> = {},
): Endpoint<Req, Res> {
  const {
    exchange = "",
    key = "",
    schema,
    encode = encodeJson,
    decode = (reply) => decodeResponse(reply, schema),
    decodeError = parseErrorReply,
    before = [],
    after = [],
    finalizer = [],
    timeoutMs = 10_000,
    maxBytes = DEFAULT_MAX_BYTES,
    deadlineHeader = DEADLINE_HEADER,
  } = options;
  checkPositive("timeoutMs", timeoutMs);
  checkPositive("maxBytes", maxBytes);
  checkHeaderName(deadlineHeader);
  const { sender } = managed(connection);
  const route = { exchange, key, mandatory: true };

  return caller<Req, Res, OutgoingMessage, Delivery>({
    async encode(request, ctx) {
      const message = newMessage(route, ctx);
      await encode(request, message, ctx);
      return message;
    },
    before,
    send: (message, ctx) =>
      sender.request(message, ctx, () => stampDeadline(message, ctx, deadlineHeader)),
    after,
    decode(reply, ctx) {
      checkSize(reply, maxBytes);
      const error = decodeError(reply, ctx);
      if (error !== undefined) throw error;
      return decode(reply, ctx);
    },
    finalizer,
    timeoutMs,
  });
}
