/**
 * A method: an endpoint with the types that Go knows its arguments and its reply by.
 * @module
 */
import type { Context, Endpoint } from "@kit/endpoint";
import { validate } from "../schema.ts";
import type { Schema } from "../schema.ts";
import type { Finalizer, ServerSteps } from "../_server_call.ts";
import type { BoundMethod, ReplyTo } from "./_bound_method.ts";
import { errorText } from "./error_text.ts";
import type { GobType } from "./gob/type.ts";

/** What hooks see of a call. */
export interface CallInfo {
  /** The method: `Arith.Multiply`. */
  readonly method: string;
  /** The arguments as they travel. */
  readonly args: unknown;
}

/** A hook that sees a call and may derive the context. */
export type CallFunc = (ctx: Context, call: CallInfo) => Context;

/**
 * Options for {@linkcode method}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @typeParam Args The arguments as Go has them.
 * @typeParam Reply The reply as Go has it.
 */
export interface MethodOptions<Req, Res, Args = Req, Reply = Res> {
  /** The type of the arguments. */
  readonly args: GobType<Args>;
  /** The type of the reply. */
  readonly reply: GobType<Reply>;
  /** What a request must be; anything else is `invalid_argument`. */
  readonly schema?: Schema<Req>;
  /**
   * Makes the request out of the arguments.
   * @default The arguments, validated by `schema`.
   */
  readonly decode?: (args: Args, ctx: Context) => Req | Promise<Req>;
  /**
   * Makes the reply out of the response.
   * @default The response.
   */
  readonly encode?: (response: Res, ctx: Context) => Reply | Promise<Reply>;
  /**
   * Run in order before the arguments are decoded; each may derive the context.
   * @default {[]}
   */
  readonly before?: readonly CallFunc[];
  /**
   * Run in order after the endpoint has answered; not run when it failed.
   * @default {[]}
   */
  readonly after?: readonly CallFunc[];
  /**
   * Run in order once the reply is written, whether the call failed or not.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * Makes the text of a call that failed; an empty one would say that it did not.
   * @default {errorText}
   */
  readonly encodeError?: (error: unknown, ctx: Context) => string;
  /** Told of every error, before `encodeError`, to log it. It cannot change what comes of it. */
  readonly onError?: (error: unknown, ctx: Context) => void;
}

/** A method that a server can have. Make it with {@linkcode method}. */
export interface Method {
  /** The type of its arguments. */
  readonly args: GobType<unknown>;
}

/**
 * Makes a method out of an endpoint.
 *
 * The order is Go kit's: `before` in order, decode, the endpoint, `after` in order, encode,
 * `finalizer` in order.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpoint The endpoint.
 * @param options Types, codec and hooks.
 * @returns The method, for {@linkcode server}.
 * @example Usage
 * ```ts
 * import { method, server } from "@kit/transport/netrpc";
 * import { int, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const Args = struct("Args", { a: int, b: int });
 * const multiply = method(({ a, b }) => Promise.resolve(a * b), { args: Args, reply: int });
 * assert.deepEqual(server({ "Arith.Multiply": multiply }).methods, ["Arith.Multiply"]);
 * ```
 */
export function method<Req, Res>(
  endpoint: Endpoint<Req, Res>,
  options: MethodOptions<Req, Res>,
): Method;
/**
 * Makes a method whose arguments and reply are not what its endpoint takes and gives.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @typeParam Args The arguments as Go has them.
 * @typeParam Reply The reply as Go has it.
 * @param endpoint The endpoint.
 * @param options Types, codec and hooks; `decode` and `encode` are needed.
 * @returns The method.
 */
export function method<Req, Res, Args, Reply>(
  endpoint: Endpoint<Req, Res>,
  options:
    & MethodOptions<Req, Res, Args, Reply>
    & Required<Pick<MethodOptions<Req, Res, Args, Reply>, "decode" | "encode">>,
): Method;
export function method<Req, Res, Args, Reply>(
  endpoint: Endpoint<Req, Res>,
  options: MethodOptions<Req, Res, Args, Reply>,
): Method {
  const { args, reply, schema, decode, encode, before = [], after = [], finalizer = [] } = options;
  const { encodeError = errorText, onError } = options;
  const steps: ServerSteps<Req, Res, ReplyTo, ReplyTo, void> = {
    before,
    decode: (call, ctx) => {
      if (decode !== undefined) return decode(call.args as Args, ctx);
      return schema === undefined ? call.args as Req : validate(schema, call.args, "request");
    },
    endpoint,
    after,
    encode: (response, ctx, to) => {
      if (encode === undefined) return to.succeed(reply, response);
      const encoded = encode(response, ctx);
      return encoded instanceof Promise
        ? encoded.then((value) => to.succeed(reply, value))
        : to.succeed(reply, encoded);
    },
    encodeError: (error, ctx, to) => to.fail(encodeError(error, ctx)),
    defaultError: (error, _, to) => to.fail(errorText(error)),
    finalizer: finalizer as readonly Finalizer[],
    onError,
  };
  const bound: BoundMethod = { args, steps: steps as BoundMethod["steps"] };
  return bound;
}
