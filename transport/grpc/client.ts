/**
 * Calls a method of a gRPC service.
 * @module
 */
import { type Context, type Endpoint, type Metadata, NO_METADATA } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { caller } from "../_client_call.ts";
import { appendOutgoing } from "../_outgoing_metadata.ts";
import type { Schema } from "../schema.ts";
import { innerOf } from "./_inner.ts";
import { isReserved, OutgoingMetadata } from "./_metadata.ts";
import { type Answer, OutgoingCall } from "./_outgoing_call.ts";
import type { Channel } from "./channel.ts";
import type { MetadataWriter } from "./metadata_writer.ts";
import type { Method } from "./method.ts";
import type { Item } from "./server.ts";

/** The metadata of an answer. */
export interface AnswerMetadata {
  /** What came before the first message. */
  readonly header: Metadata;
  /** What came with the status; empty until the last message of a streamed response was read. */
  readonly trailer: Metadata;
}

/**
 * Options for {@linkcode client}.
 * @typeParam Res The response.
 */
export interface ClientOptions<Res> {
  /** What each message of a response must be; anything else rejects with `internal`. */
  readonly schema?: Schema<Item<Res>>;
  /**
   * Run in order before the call; each may add metadata and derive the context, whose signal and
   * deadline then count.
   * @default {[]}
   */
  readonly before?: readonly ((ctx: Context, metadata: MetadataWriter) => Context)[];
  /**
   * Run in order before the response is decoded; each may derive the context. Of a stream both ways
   * the endpoint then answers only when the server has sent its header, which some do with their
   * first message.
   * @default {[]}
   */
  readonly after?: readonly ((ctx: Context, answer: AnswerMetadata) => Context)[];
  /**
   * Run in order once the call is over, whether it failed or not. They must not throw.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * How long a call may take, besides the deadline of its context.
   * @default {Infinity}
   */
  readonly timeoutMs?: number;
}

/**
 * Makes an endpoint that calls a method.
 *
 * Sent along are the outgoing metadata of the context, but for what concerns one connection, and what
 * is left of its deadline. A call that is late is not sent. A status other than OK rejects with its
 * code, its text and its details; a service that cannot be reached with `unavailable`; a call that is
 * cancelled or late with the reason of its signal.
 *
 * A streamed request is sent no faster than the server reads it, and told by `return` when the call
 * is over before it has ended. A streamed response is read as it is iterated; leaving the loop cancels
 * the call. One that is never iterated holds the call.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param channel The way to the service.
 * @param method The method.
 * @param options Hooks, validation and time.
 * @returns The endpoint.
 * @throws {RangeError} If `timeoutMs` is not a positive number.
 * @example Usage
 * ```ts
 * import { background, codeOf } from "@kit/endpoint";
 * import { channel, client, type Codec, unary } from "@kit/transport/grpc";
 * import assert from "node:assert/strict";
 * const text: Codec<string> = {
 *   serialize: (value) => new TextEncoder().encode(value),
 *   deserialize: (bytes) => new TextDecoder().decode(bytes),
 * };
 * using there = channel("127.0.0.1:1");
 * const uppercase = client(there, unary("/pkg.Strings/Uppercase", { request: text, response: text }));
 * await assert.rejects(uppercase("hello", background()), (error) => codeOf(error) === "unavailable");
 * ```
 */
export function client<Req, Res>(
  channel: Channel,
  method: Method<Req, Res>,
  options: ClientOptions<NoInfer<Res>> = {},
): Endpoint<Req, Res> {
  const { before = [], after = [], finalizer = [], timeoutMs = Infinity, schema } = options;
  checkPositive("timeoutMs", timeoutMs);
  const isHeaderAwaited = !method.requestStream || after.length > 0;
  const way = {
    channel: innerOf(channel),
    method: method as Method<unknown, unknown>,
    schema: schema as Schema<unknown> | undefined,
    isHeaderAwaited,
  };
  return caller<Req, Res, { request: Req; metadata: OutgoingMetadata }, Answer>({
    encode: (request, ctx) => {
      const metadata = new OutgoingMetadata();
      if (ctx.outgoing !== NO_METADATA) appendOutgoing(ctx, metadata, isReserved);
      return { request, metadata };
    },
    before: before.map((prepare) => (ctx, { metadata }) => prepare(ctx, metadata)),
    send: ({ request, metadata }, ctx) => new OutgoingCall(way, ctx).run(request, metadata),
    after,
    decode: (answer) => answer.response() as Res | Promise<Res>,
    finalizer,
    timeoutMs,
  });
}
