/**
 * Calls the methods of a service.
 * @module
 */
import { type Context, type Endpoint, KitError } from "@kit/endpoint";
import { checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { caller } from "../_client_call.ts";
import { appendOutgoing } from "../_outgoing_metadata.ts";
import { isOfConnection } from "../http/_hop_by_hop.ts";
import { DEFAULT_MAX_DEPTH, DEFAULT_MAX_ITEMS } from "./_limits.ts";
import { decodeReply, encodeCall } from "./_message.ts";
import type { Connection, OutgoingCall } from "./connection.ts";
import type { Method } from "./service.ts";

/** A reply that has come in, as `after` of a client sees it. */
export interface IncomingReply {
  /** The name of the method. */
  readonly method: string;
}

/** Options for {@linkcode client}. */
export interface ClientOptions {
  /**
   * Run in order before the call is sent; each may derive the context, whose signal and deadline then
   * count, and set headers over HTTP.
   * @default {[]}
   */
  readonly before?: readonly ((ctx: Context, call: OutgoingCall) => Context)[];
  /**
   * Run in order before the reply is decoded; each may derive the context.
   * @default {[]}
   */
  readonly after?: readonly ((ctx: Context, reply: IncomingReply) => Context)[];
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
  /**
   * How deep structs and containers of a reply may be nested.
   * @default {64}
   */
  readonly maxDepth?: number;
  /**
   * How many items all containers of a reply may have together.
   * @default {1048576}
   */
  readonly maxItems?: number;
}

/** A call that is ready to be sent. */
interface Outgoing extends OutgoingCall {
  readonly message: Uint8Array;
  readonly seqid: number;
}

/** A reply as it came. */
interface Incoming extends IncomingReply {
  readonly bytes: Uint8Array | undefined;
  readonly seqid: number;
}

/**
 * Makes an endpoint that calls a method.
 *
 * It rejects with the exception that the method declares, if the server throws that; with the error
 * that the server sends, its code kept if the server is Kit's; with `unavailable` if the server
 * cannot be reached or the connection is lost; with the reason of its signal if it is cancelled or
 * late. Metadata and deadline travel over HTTP only; over TCP they hold here.
 * @typeParam Req The arguments, as an object.
 * @typeParam Res The result.
 * @param connection What to call over.
 * @param method The method, such as `AddService.methods.Sum`.
 * @param options Hooks and limits.
 * @returns The endpoint.
 * @throws {TypeError} If the method is not part of a service.
 * @throws {RangeError} If a limit is not positive.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import * as thrift from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const NotFound = thrift.exception("NotFound", { id: thrift.field(1, thrift.i64) });
 * const Profiles = thrift.service("Profiles", {
 *   get: thrift.method({
 *     args: { id: thrift.field(1, thrift.i64) },
 *     result: thrift.string,
 *     throws: { notFound: thrift.field(1, NotFound) },
 *   }),
 * });
 * const processor = thrift.server(Profiles, {
 *   get: ({ id }) => Promise.reject(new NotFound({ id })),
 * });
 * await using running = thrift.serve(processor, { listen: "127.0.0.1:0" });
 * using connection = thrift.connect(`127.0.0.1:${running.addr.port}`);
 * const get = thrift.client(connection, Profiles.methods.get);
 * await assert.rejects(
 *   get({ id: 7n }, background()),
 *   (error) => error instanceof NotFound && error.value.id === 7n,
 * );
 * ```
 */
export function client<Req, Res>(
  connection: Connection,
  method: Method<Req, Res>,
  options: ClientOptions = {},
): Endpoint<Req, Res> {
  const {
    before = [],
    after = [],
    finalizer = [],
    timeoutMs = Infinity,
    maxDepth = DEFAULT_MAX_DEPTH,
    maxItems = DEFAULT_MAX_ITEMS,
  } = options;
  checkPositive("timeoutMs", timeoutMs);
  checkPositiveInteger("maxDepth", maxDepth);
  checkPositiveInteger("maxItems", maxItems);
  if (method.name === "") throw new TypeError("Cannot call a method that is no service's");
  const { name, isOneway } = method;
  const { protocol, hasHeaders } = connection;
  const limits = { maxDepth, maxItems };
  let lastSeqid = 0;

  return caller<Req, Res, Outgoing, Incoming>({
    encode: (request, ctx) => {
      const seqid = lastSeqid = (lastSeqid + 1) & 0x7fff_ffff;
      return {
        method: name,
        isOneway,
        seqid,
        message: encodeCall(protocol, method, seqid, request),
        headers: hasHeaders ? headersOf(ctx) : undefined,
      };
    },
    before,
    send: async (call, ctx) => {
      const bytes = await connection.send(call.message, call, ctx);
      return { method: name, bytes, seqid: call.seqid };
    },
    after,
    decode: ({ bytes, seqid }) => {
      if (isOneway) return undefined as Res;
      if (bytes === undefined) throw new KitError("internal", "Cannot decode reply as it is empty");
      return decodeReply(protocol, bytes, method, seqid, limits);
    },
    finalizer,
    timeoutMs,
  });
}

/** The outgoing metadata, but for what concerns one connection or names the host. */
function headersOf(ctx: Context): Headers {
  const headers = new Headers();
  appendOutgoing(ctx, headers, isOfConnection);
  return headers;
}
