/**
 * Serves an endpoint over gRPC.
 * @module
 */
import {
  type Context,
  type Endpoint,
  type KitError,
  type Metadata,
  toKitError,
} from "@kit/endpoint";
import type { Schema } from "../schema.ts";
import { keepAccept } from "./_inner.ts";
import { Answerer } from "./_answerer.ts";
import { IncomingCall } from "./_incoming_call.ts";
import type { MetadataWriter } from "./metadata_writer.ts";
import type { Method } from "./method.ts";

/**
 * One message of a request or a response: its own type, or that of the items of a stream.
 * @typeParam T The request or the response.
 */
export type Item<T> = T extends AsyncIterable<infer I> ? I : T;

/** What `after` can still add to a reply. */
export interface Reply {
  /** Sent before the first message. */
  readonly header: MetadataWriter;
  /** Sent with the status, after the last message. */
  readonly trailer: MetadataWriter;
}

/**
 * Options for {@linkcode server}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ServerOptions<Req, Res = unknown> {
  /**
   * What each message of a request must be; anything else fails the call with `invalid_argument` and
   * the fields that are wrong.
   */
  readonly schema?: Schema<Item<Req>>;
  /**
   * Run in order before the request is decoded, with the metadata that came with it; each may derive
   * the context.
   * @default {[]}
   */
  readonly before?: readonly ((ctx: Context, metadata: Metadata) => Context)[];
  /**
   * Run in order after the endpoint has answered, before the first message of the response; not run
   * when it failed. Each may add to the header and the trailer, and derive the context.
   * @default {[]}
   */
  readonly after?: readonly ((ctx: Context, reply: Reply) => Context)[];
  /**
   * Run in order once the call is over, whether it failed or not: a streamed response is over with
   * its last message. They must not throw; `onError` is told if they do.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * Tells which messages of the response are compressed, where `serve()` has a `compression`: not
   * those that hold a secret next to what a caller has chosen, as their length would tell of it.
   * @default {() => true}
   */
  readonly compress?: (message: Item<Res>) => boolean;
  /**
   * Makes the error that the caller is told, and may add to the trailer.
   * @default {toKitError}
   */
  readonly encodeError?: (error: unknown, ctx: Context, trailer: MetadataWriter) => KitError;
  /**
   * Told of every error of decode, the endpoint and encode, before `encodeError`, to log it. It cannot
   * change what comes of it, not even by throwing. A call that is cancelled or late is told as well.
   */
  readonly onError?: (error: unknown, ctx: Context) => void;
}

/** A method with the endpoint that answers it, for {@linkcode serve}. */
export interface Binding {
  /** The method. */
  readonly method: Method<unknown, unknown>;
}

/**
 * Binds an endpoint to a method of a gRPC service, for {@linkcode serve}.
 *
 * The order is Go kit's: `before` in order, decode, the endpoint, `after` in order, encode,
 * `finalizer` in order. An error of any of them but the last goes to `onError` and then to
 * `encodeError`, and skips the rest but the finalizers. What is no `KitError` is told as `unknown`,
 * without its text.
 *
 * A streamed request is read as the endpoint iterates it, and a streamed response no faster than the
 * caller reads it. When the caller goes away or its deadline passes, the signal of the context is
 * aborted, the request ends with that error, and `return` is called on the iterator of the response.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param method The method.
 * @param endpoint The endpoint.
 * @param options Hooks and validation.
 * @returns The binding.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { channel, client, type Codec, serve, server, unary } from "@kit/transport/grpc";
 * import assert from "node:assert/strict";
 * const text: Codec<string> = {
 *   serialize: (value) => new TextEncoder().encode(value),
 *   deserialize: (bytes) => new TextDecoder().decode(bytes),
 * };
 * const method = unary("/pkg.Strings/Uppercase", { request: text, response: text });
 * const uppercase = server(method, (s) => Promise.resolve(s.toUpperCase()));
 * await using running = await serve([uppercase], { listen: "127.0.0.1:0" });
 * using there = channel(`127.0.0.1:${running.addr.port}`);
 * assert.equal(await client(there, method)("hello", background()), "HELLO");
 * ```
 */
export function server<Req, Res>(
  method: Method<Req, Res>,
  endpoint: Endpoint<NoInfer<Req>, NoInfer<Res>>,
  options: ServerOptions<NoInfer<Req>, NoInfer<Res>> = {},
): Binding {
  const {
    before = [],
    after = [],
    finalizer = [],
    encodeError = toKitError,
    compress = () => true,
    schema,
    onError,
  } = options;
  const answerer = new Answerer({
    method,
    endpoint,
    before,
    after,
    finalizer,
    encodeError,
    schema: schema as Schema<unknown> | undefined,
    compress: compress as (message: unknown) => boolean,
    onError,
  });
  return keepAccept(
    { method: answerer.method },
    (call, serving) => call.start(new IncomingCall(answerer, call, serving)),
  );
}
