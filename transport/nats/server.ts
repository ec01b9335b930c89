/**
 * Serves an endpoint over NATS.
 * @module
 */
import { type Context, type Endpoint, KitError } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { checkHeaderName, DEADLINE_HEADER } from "../_deadline.ts";
import { answer, type Hook, type ServerSteps } from "../_server_call.ts";
import { type Schema, validate } from "../schema.ts";
import { headers as createHeaders } from "@nats-io/nats-core";
import { MessageContext } from "./_context.ts";
import { checkSize, decodeJson, DEFAULT_MAX_BYTES, encodeJson } from "./_json.ts";
import { sendError } from "./_send_error.ts";
import type { Message, MessageHeaders } from "./connection.ts";
import { errorReply } from "./error_reply.ts";
import type { HeadersFunc, ServerRequestFunc } from "./functions.ts";
import type { HandlerInfo, MessageHandler } from "./handler.ts";

/**
 * Options for {@linkcode server}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ServerOptions<Req, Res> {
  /** What a request must be; anything else is answered with `invalid_argument` and what is wrong. */
  readonly schema?: Schema<Req>;
  /**
   * Makes the request of the endpoint out of the message.
   * @default The body as JSON, validated by `schema`.
   */
  readonly decode?: (message: Message, ctx: Context) => Req | Promise<Req>;
  /**
   * Makes the body of the reply; `headers` holds what `after` has set. Not run where nobody waits for
   * a reply.
   * @default JSON, without a newline at its end.
   */
  readonly encode?: (
    response: Res,
    ctx: Context,
    headers: MessageHeaders,
  ) => Uint8Array | Promise<Uint8Array>;
  /**
   * Run in order before the message is decoded; each may derive the context.
   * @default {[]}
   */
  readonly before?: readonly ServerRequestFunc[];
  /**
   * Run in order after the endpoint has answered, before the response is encoded; not run when it
   * failed. Each may set headers and derive the context.
   * @default {[]}
   */
  readonly after?: readonly HeadersFunc[];
  /**
   * Run in order once the reply is sent, with the error if the call failed. They must not throw;
   * `onError` is told if they do.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * Makes the body of the reply of a call that failed, and sets its headers. Not run where nobody
   * waits for a reply.
   * @default {errorReply}
   */
  readonly encodeError?: (error: unknown, headers: MessageHeaders, ctx: Context) => Uint8Array;
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

/**
 * Serves an endpoint over NATS.
 *
 * The order is Go kit's: `before` in order, decode, the endpoint, `after` in order, encode and send,
 * `finalizer` in order. An error of decode, the endpoint or encode goes to `onError` and then to
 * `encodeError`, and skips the rest but the finalizers. To a message without a reply subject nothing
 * is replied, not even an error. A caller that gives up cannot tell it over this wire: the signal of
 * the context is aborted by the deadline that came with the message, or at the end of a stop.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpoint The endpoint.
 * @param options Codec, hooks and limits.
 * @returns A handler for {@linkcode serve}, or for the callback of any subscription. It never rejects.
 * @throws {RangeError} If `maxBytes` is not a positive number.
 * @throws {TypeError} If `deadlineHeader` is no name of a header.
 * @example Usage
 * ```ts
 * import { server } from "@kit/transport/nats";
 * import { memoryBroker } from "@kit/transport/nats/testing";
 * import assert from "node:assert/strict";
 * await using connection = memoryBroker().connect();
 * const handler = server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }));
 * connection.subscribe("uppercase", {
 *   queue: "stringsvc",
 *   callback: (error, message) => void (error ?? handler(message)),
 * });
 * const reply = await connection.request("uppercase", `{"s":"hello"}`);
 * assert.equal(reply.string(), `{"v":"HELLO"}`);
 * ```
 */
export function server<Req, Res>(
  endpoint: Endpoint<Req, Res>,
  options: ServerOptions<Req, Res> = {},
): MessageHandler {
  const {
    before = [],
    after = [],
    finalizer = [],
    encodeError = errorReply,
    maxBytes = DEFAULT_MAX_BYTES,
    deadlineHeader = DEADLINE_HEADER,
    schema,
    decode,
    encode,
    onError,
  } = options;
  checkPositive("maxBytes", maxBytes);
  checkHeaderName(deadlineHeader);

  const readDeadline: Hook<Message> = (ctx) => {
    // The first hook sees the context that the call begins with.
    if (deadlineHeader !== false) (ctx as MessageContext).readDeadline(deadlineHeader);
    return ctx;
  };

  const steps: ServerSteps<Req, Res, Message, Reply, void> = {
    before: [readDeadline, ...before],
    decode(message, ctx) {
      checkSize(message.data, maxBytes, "request");
      if (decode !== undefined) return decode(message, ctx);
      const value = decodeJson(message.data) as Req;
      return schema === undefined ? value : validate(schema, value, "request");
    },
    endpoint,
    after: after.map((prepare) => (ctx, reply) => prepare(ctx, reply.headers)),
    encode(response, ctx, reply) {
      if (!reply.isWanted) return;
      if (encode === undefined) return reply.send(encodeJson(response, "response"));
      const encoded = encode(response, ctx, reply.headers);
      if (!(encoded instanceof Promise)) return reply.send(encoded);
      return encoded.then((data) => reply.send(data));
    },
    encodeError(error, ctx, reply) {
      if (reply.isWanted) reply.send(encodeError(error, reply.headers, ctx));
    },
    defaultError: (error, _ctx, reply) => reply.sendError(error),
    finalizer,
    onError,
  };

  return async (message, info = {}) => {
    using ctx = new MessageContext(message, info);
    await answer(steps, ctx, message, new Reply(message, info));
  };
}

/** What is replied to a message. */
class Reply {
  #headers: MessageHeaders | undefined;

  constructor(readonly message: Message, readonly info: HandlerInfo) {}

  /** Whether somebody waits for it whom nobody has answered. */
  get isWanted(): boolean {
    return !!this.message.reply && this.info.signal?.aborted !== true;
  }

  get headers(): MessageHeaders {
    return this.#headers ??= createHeaders();
  }

  send(data: Uint8Array): void {
    const headers = this.#headers;
    try {
      if (headers === undefined || headers.keys().length === 0) this.message.respond(data);
      else this.message.respond(data, { headers });
    } catch (cause) {
      throw sendError(cause, "response");
    }
  }

  /** Replies with an error as well as it can be done. */
  sendError(error: KitError): void {
    const short = new KitError(error.code, "Cannot send error as it is too large");
    for (const shown of [error, short]) {
      try {
        this.#headers = undefined;
        return this.send(errorReply(shown, this.headers));
      } catch {
        // Too large, or the connection is closed.
      }
    }
  }
}
