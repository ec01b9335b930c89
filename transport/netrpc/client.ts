/**
 * Calls a method of Go's net/rpc.
 * @module
 */
import type { Context, Endpoint } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { KitError } from "@kit/endpoint";
import { caller } from "../_client_call.ts";
import { type Schema, validate } from "../schema.ts";
import type { NetrpcConnection } from "./connect.ts";
import type { GobType } from "./gob/type.ts";
import type { CallFunc } from "./method.ts";

/** What hooks see of an answer. */
export interface ReplyInfo {
  /** The method: `Arith.Multiply`. */
  readonly method: string;
  /** The reply as it travels. */
  readonly reply: unknown;
}

/**
 * Options for {@linkcode client}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @typeParam Args The arguments as Go has them.
 * @typeParam Reply The reply as Go has it.
 */
export interface ClientOptions<Req, Res, Args = Req, Reply = Res> {
  /** The type of the arguments. */
  readonly args: GobType<Args>;
  /** The type of the reply. */
  readonly reply: GobType<Reply>;
  /**
   * Makes the arguments out of the request.
   * @default The request.
   */
  readonly encode?: (request: Req, ctx: Context) => Args | Promise<Args>;
  /**
   * Makes the response out of the reply.
   * @default The reply, validated by `schema`.
   */
  readonly decode?: (reply: Reply, ctx: Context) => Res | Promise<Res>;
  /** What a response must be; anything else rejects with `internal`. */
  readonly schema?: Schema<Res>;
  /**
   * Run in order before the call is sent; each may derive the context.
   * @default {[]}
   */
  readonly before?: readonly CallFunc[];
  /**
   * Run in order before the reply is decoded; each may derive the context.
   * @default {[]}
   */
  readonly after?: readonly ((ctx: Context, reply: ReplyInfo) => Context)[];
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
 * An error of the server rejects with its code, where its text tells one, see
 * {@linkcode parseErrorText}; a server that cannot be reached or is lost with `unavailable`; a call
 * that is cancelled or late with the reason of its signal. The wire carries no outgoing metadata.
 *
 * The order is Go kit's: encode, `before` in order, the call, `after` in order, decode, `finalizer` in
 * order.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param connection The connection, made by {@linkcode connect}.
 * @param method The method: `Arith.Multiply`.
 * @param options Types, codec and hooks.
 * @returns The endpoint.
 * @throws {RangeError} If `timeoutMs` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { client, connect, method, serve, server } from "@kit/transport/netrpc";
 * import { int } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const types = { args: int, reply: int };
 * const arith = server({ "Arith.Double": method((n) => Promise.resolve(n * 2), types) });
 * await using running = await serve(arith, { listen: "127.0.0.1:0", codec: "json" });
 * await using connection = connect(`127.0.0.1:${running.addr.port}`, { codec: "json" });
 * assert.equal(await client(connection, "Arith.Double", types)(4, background()), 8);
 * ```
 */
export function client<Req, Res>(
  connection: NetrpcConnection,
  method: string,
  options: ClientOptions<Req, Res>,
): Endpoint<Req, Res>;
/**
 * Makes an endpoint that calls a method whose arguments and reply are not the request and the response.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @typeParam Args The arguments as Go has them.
 * @typeParam Reply The reply as Go has it.
 * @param connection The connection.
 * @param method The method.
 * @param options Types, codec and hooks; `encode` and `decode` are needed.
 * @returns The endpoint.
 */
export function client<Req, Res, Args, Reply>(
  connection: NetrpcConnection,
  method: string,
  options:
    & ClientOptions<Req, Res, Args, Reply>
    & Required<Pick<ClientOptions<Req, Res, Args, Reply>, "encode" | "decode">>,
): Endpoint<Req, Res>;
export function client<Req, Res, Args, Reply>(
  connection: NetrpcConnection,
  method: string,
  options: ClientOptions<Req, Res, Args, Reply>,
): Endpoint<Req, Res> {
  const { encode, decode, schema, before = [], after = [], finalizer = [] } = options;
  const { args, reply, timeoutMs = Infinity } = options;
  checkPositive("timeoutMs", timeoutMs);
  return caller({
    encode: async (request: Req, ctx) => ({
      method,
      args: encode === undefined ? request as unknown as Args : await encode(request, ctx),
    }),
    before,
    send: async (call, ctx) => ({
      method,
      reply: await connection.call({ method, args, reply, value: call.args }, ctx),
    }),
    after,
    decode: async (got, ctx) => {
      if (decode !== undefined) return await decode(got.reply, ctx);
      const response = got.reply as unknown as Res;
      return schema === undefined ? response : await validated(schema, response);
    },
    finalizer,
    timeoutMs,
  });
}

async function validated<Res>(schema: Schema<Res>, response: Res): Promise<Res> {
  try {
    return await validate(schema, response, "response");
  } catch (cause) {
    throw new KitError("internal", (cause as Error).message, { cause });
  }
}
