/**
 * Serves an endpoint over AMQP.
 * @module
 */
import { type Context, contextKey, type Endpoint } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { checkHeaderName, DEADLINE_HEADER } from "../_deadline.ts";
import { answer, type ServerSteps } from "../_server_call.ts";
import type { Schema } from "../schema.ts";
import { DeliveryContext } from "./_context.ts";
import { newHeaders } from "./_headers.ts";
import { checkSize, decodeRequest, DEFAULT_MAX_BYTES, encodeJson } from "./_json.ts";
import { errorReply } from "./error_reply.ts";
import type { DeliveryFunc, MessageFunc } from "./functions.ts";
import type { DeliveryHandler } from "./handler.ts";
import type { Delivery, OutgoingMessage } from "./message.ts";

/**
 * Options for {@linkcode server}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ServerOptions<Req, Res> {
  /** What a request must be; anything else is answered with the fields that are wrong. */
  readonly schema?: Schema<Req>;
  /**
   * Makes the request of the endpoint out of the message.
   * @default The body as JSON, validated by `schema`.
   */
  readonly decode?: (delivery: Delivery, ctx: Context) => Req | Promise<Req>;
  /**
   * Puts a response into the reply.
   * @default As JSON into the body, with its content type.
   */
  readonly encode?: (response: Res, reply: OutgoingMessage, ctx: Context) => void | Promise<void>;
  /**
   * Run in order before the request is decoded; each may derive the context.
   * @default {[]}
   */
  readonly before?: readonly DeliveryFunc[];
  /**
   * Run in order after the endpoint has answered, before the response is encoded; not run when it
   * failed. Each may set the address, the headers and the properties of the reply, and derive the
   * context.
   * @default {[]}
   */
  readonly after?: readonly MessageFunc[];
  /**
   * Run in order once the reply is complete, whether the call failed or not. They must not throw;
   * `onError` is told if they do.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * Makes the reply of a call that failed.
   * @default {errorReply}
   */
  readonly encodeError?: (error: unknown, reply: OutgoingMessage, ctx: Context) => void;
  /**
   * Told of every error of `decode`, the endpoint and `encode`, before `encodeError`, to log it. It
   * cannot change what comes of it, not even by throwing.
   */
  readonly onError?: (error: unknown, ctx: Context) => void;
  /**
   * The most bytes a body may have.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * The header that tells how many milliseconds the caller still waits; `false` for none.
   * @default {"x-request-timeout-ms"}
   */
  readonly deadlineHeader?: string | false;
}

/** What goes out, and why the call failed. */
interface Outgoing {
  readonly reply: OutgoingMessage;
  error: unknown;
}

/** Finds what is wrong with the headers of a message. */
const refusal = contextKey<{ readonly error: unknown }>("refusal");

class ServerContext extends DeliveryContext {
  refusal: { readonly error: unknown } | undefined;

  override value<T>(key: { readonly name: string; readonly type?: T }): T | undefined {
    return key as unknown === refusal ? this.refusal as T | undefined : super.value(key);
  }
}

/**
 * Makes a handler for {@linkcode serve} out of an endpoint.
 *
 * A reply is made if the request has a `replyTo`, or if `after` sets a routing key or an exchange for
 * it; its correlation id is that of the request. An error is a reply as well. A request that cannot
 * be decoded is answered with `invalid_argument`, one over `maxBytes` with `resource_exhausted`. One
 * whose time is over is not begun.
 *
 * The order is Go kit's: `before` in order, decode, the endpoint, `after` in order, encode,
 * `finalizer` in order.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpoint The endpoint.
 * @param options Codec, hooks and limits.
 * @returns The handler; it never rejects.
 * @throws {RangeError} If `maxBytes` is not a positive number.
 * @throws {TypeError} If `deadlineHeader` cannot be the name of a header.
 * @example Usage
 * ```ts
 * import { server } from "@kit/transport/amqp";
 * import assert from "node:assert/strict";
 * const handle = server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }));
 * const { reply } = await handle({
 *   exchange: "",
 *   key: "uppercase",
 *   redelivered: false,
 *   headers: {},
 *   properties: { replyTo: "answers", correlationId: "7" },
 *   body: new TextEncoder().encode(`{"s":"hello"}`),
 * });
 * assert.equal(new TextDecoder().decode(reply?.body), `{"v":"HELLO"}`);
 * assert.deepEqual([reply?.key, reply?.properties.correlationId], ["answers", "7"]);
 * ```
 */
export function server<Req, Res>(
  endpoint: Endpoint<Req, Res>,
  options: ServerOptions<Req, Res> = {},
): DeliveryHandler {
  const {
    schema,
    decode = (delivery) => decodeRequest(delivery, schema),
    encode = encodeJson,
    before = [],
    after = [],
    finalizer = [],
    encodeError = (error, reply) => errorReply(error, reply),
    onError,
    maxBytes = DEFAULT_MAX_BYTES,
    deadlineHeader = DEADLINE_HEADER,
  } = options;
  checkPositive("maxBytes", maxBytes);
  checkHeaderName(deadlineHeader);

  const steps: ServerSteps<Req, Res, Delivery, Outgoing, void> = {
    before,
    decode(delivery, ctx) {
      const refused = ctx.value(refusal);
      if (refused !== undefined) throw refused.error;
      checkSize(delivery, maxBytes);
      return decode(delivery, ctx);
    },
    endpoint,
    after: after.map((prepare) => (ctx, { reply }) => prepare(ctx, reply)),
    encode(response, ctx, { reply }) {
      if (isAddressed(reply)) return encode(response, reply, ctx);
    },
    encodeError(error, ctx, outgoing) {
      outgoing.error = error;
      if (isAddressed(outgoing.reply)) encodeError(error, outgoing.reply, ctx);
    },
    defaultError: (error, _ctx, { reply }) => errorReply(error, reply),
    finalizer,
    onError,
  };

  return async (delivery, info = {}) => {
    using ctx = new ServerContext(delivery, info);
    try {
      ctx.readDeadline(deadlineHeader);
    } catch (error) {
      ctx.refusal = { error };
    }
    const { replyTo = "", correlationId } = delivery.properties;
    const reply: OutgoingMessage = {
      exchange: "",
      key: replyTo,
      mandatory: false,
      headers: newHeaders(),
      properties: correlationId === undefined ? {} : { correlationId },
      body: new Uint8Array(),
    };
    const outgoing: Outgoing = { reply, error: undefined };
    await answer(steps, ctx, delivery, outgoing);
    return { reply: isAddressed(reply) ? reply : undefined, error: outgoing.error };
  };
}

function isAddressed({ exchange, key }: OutgoingMessage): boolean {
  return exchange !== "" || key !== "";
}
