/**
 * Calls an endpoint over NATS.
 * @module
 */
import { type Context, type Endpoint, isKitError, KitError, remainingMs } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { caller } from "../_client_call.ts";
import { checkHeaderName, DEADLINE_HEADER, formatRemaining } from "../_deadline.ts";
import { type Schema, validate } from "../schema.ts";
import type { Connection } from "./connection.ts";
import { checkSize, decodeJson, DEFAULT_MAX_BYTES } from "./_json.ts";
import { Link } from "./_link.ts";
import { encodeRequest, outgoingMessage } from "./_outgoing.ts";
import { checkSubject } from "./_subject.ts";
import { parseErrorReply } from "./error_reply.ts";
import type {
  ClientRequestFunc,
  ClientResponseFunc,
  IncomingReply,
  OutgoingMessage,
} from "./functions.ts";

/**
 * Options for {@linkcode client}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ClientOptions<Req, Res> {
  /**
   * Puts a request into the message.
   * @default As JSON into the body.
   */
  readonly encode?: (request: Req, outgoing: OutgoingMessage, ctx: Context) => void | Promise<void>;
  /**
   * Makes the response out of a reply that is no error.
   * @default The body as JSON, validated by `schema`; `undefined` if it is empty.
   */
  readonly decode?: (reply: IncomingReply, ctx: Context) => Res | Promise<Res>;
  /**
   * Finds the error in a reply, if it is one. Set {@linkcode parseGoKitErrorReply} to call services
   * that are written with Go kit.
   * @default {parseErrorReply}
   */
  readonly decodeError?: (reply: IncomingReply, ctx: Context) => Error | undefined;
  /** What a response must be; anything else rejects with `internal`. */
  readonly schema?: Schema<Res>;
  /**
   * Run in order before the message is sent; each may change its body, its subject and its headers,
   * and derive the context, whose signal and deadline then count.
   * @default {[]}
   */
  readonly before?: readonly ClientRequestFunc[];
  /**
   * Run in order before the reply is decoded; each may change its body and derive the context.
   * @default {[]}
   */
  readonly after?: readonly ClientResponseFunc[];
  /**
   * Run in order once the call is over, with the error if it failed. They must not throw.
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
   * The header that tells how many milliseconds are left; `false` for none.
   * @default {"x-request-timeout-ms"}
   */
  readonly deadlineHeader?: string | false;
  /**
   * What the inbox begins with that replies come to, if the user of the connection may listen on
   * some subjects only.
   * @default {"_INBOX"}
   */
  readonly inboxPrefix?: string;
}

/**
 * Makes an endpoint that calls over NATS, by request and reply.
 *
 * Sent along are the outgoing metadata of the context as headers, and what is left of its deadline.
 * A reply that is an error rejects with it. Where nobody serves the subject, or the connection is
 * down or gets lost, a call rejects with `unavailable` at once; a message that is larger than NATS
 * takes with `resource_exhausted`, unsent; one that the broker refuses with `permission_denied`; a
 * call that is cancelled or late with the reason of its signal. A cancellation cannot be sent over
 * this wire: whoever serves the call knows its deadline only.
 *
 * The order is Go kit's: encode, `before` in order, the request, `after` in order, decode,
 * `finalizer` in order. All the clients on a connection share one subscription for replies, which
 * goes when the connection is closed.
 *
 * Headers need a broker of version 2.2 or later. Connect with `maxReconnectAttempts: -1`, or the
 * client of NATS gives up for ever after ten attempts.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param connection The connection, of `@nats-io/transport-node` or any other of its kind.
 * @param subject Where the endpoint is served.
 * @param options Codec, hooks and limits.
 * @returns The endpoint.
 * @throws {TypeError} If `subject` is none, or has a wildcard, or `deadlineHeader` cannot be one.
 * @throws {RangeError} If `timeoutMs` or `maxBytes` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { client, serve, server } from "@kit/transport/nats";
 * import { memoryBroker } from "@kit/transport/nats/testing";
 * import assert from "node:assert/strict";
 * // In a program: `await connect({ servers: "nats.internal", maxReconnectAttempts: -1 })`.
 * await using connection = memoryBroker().connect();
 * await using _running = serve(connection, {
 *   "stringsvc.count": server(({ s }: { s: string }) => Promise.resolve({ v: s.length })),
 * });
 * const count = client<{ s: string }, { v: number }>(connection, "stringsvc.count");
 * assert.deepEqual(await count({ s: "hello" }, background()), { v: 5 });
 * ```
 */
export function client<Req, Res>(
  connection: Connection,
  subject: string,
  options: ClientOptions<Req, Res> = {},
): Endpoint<Req, Res> {
  const {
    encode = encodeRequest,
    decodeError = parseErrorReply,
    before = [],
    after = [],
    finalizer = [],
    timeoutMs = 10_000,
    maxBytes = DEFAULT_MAX_BYTES,
    deadlineHeader = DEADLINE_HEADER,
    inboxPrefix = "_INBOX",
    decode,
    schema,
  } = options;
  checkPositive("timeoutMs", timeoutMs);
  checkPositive("maxBytes", maxBytes);
  checkHeaderName(deadlineHeader);
  checkSubject(subject);
  checkSubject(inboxPrefix);
  const link = Link.of(connection);

  return caller<Req, Res, OutgoingMessage, IncomingReply>({
    encode: (request, ctx) => outgoingMessage(subject, encode, request, ctx),
    before,
    send(outgoing, ctx) {
      if (deadlineHeader !== false && ctx.deadline !== undefined) {
        outgoing.headers.set(deadlineHeader, formatRemaining(remainingMs(ctx)));
      }
      return link.request(outgoing, ctx, inboxPrefix);
    },
    after,
    decode(reply, ctx) {
      checkSize(reply.data, maxBytes, "response");
      const error = decodeError(reply, ctx);
      if (error !== undefined) throw error;
      return decode === undefined ? decodeReply(reply, schema) : decode(reply, ctx);
    },
    finalizer,
    timeoutMs,
  });
}

function decodeReply<Res>(
  { data }: IncomingReply,
  schema: Schema<Res> | undefined,
): Res | Promise<Res> {
  if (data.length === 0) return undefined as Res;
  let result: Res | Promise<Res>;
  try {
    const value = decodeJson(data) as Res;
    result = schema === undefined ? value : validate(schema, value, "response");
  } catch (cause) {
    throw internal(cause);
  }
  return result instanceof Promise
    ? result.catch((cause) => Promise.reject(internal(cause)))
    : result;
}

/** The caller's own request was in order, so it is not told `invalid_argument`. */
function internal(cause: unknown): unknown {
  return isKitError(cause) ? new KitError("internal", cause.message, { cause }) : cause;
}
