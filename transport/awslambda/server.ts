/**
 * Serves an endpoint as a Lambda function.
 * @module
 */
import {
  background,
  type Clock,
  type Context,
  type ContextKey,
  contextKey,
  type Endpoint,
  type KitError,
  metadata,
  systemClock,
  withMetadata,
  withValue,
} from "@kit/endpoint";
import { checkNonNegative } from "@kit/endpoint/check";
import { untilAborted } from "../_client_call.ts";
import { answer } from "../_server_call.ts";
import { type Schema, validate } from "../schema.ts";
import { withRemaining } from "./_remaining.ts";
import { functionError } from "./function_error.ts";
import type { LambdaContext, LambdaHandler } from "./handler.ts";
import { lambdaContext, requestId } from "./keys.ts";

/** What a finalizer is told of an invocation that is over. */
export interface InvocationSummary {
  /** What is answered, when it is no error. */
  readonly result?: unknown;
  /** Why the call failed, when it did. */
  readonly error?: unknown;
}

/**
 * Options for {@linkcode server}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ServerOptions<Req, Res> {
  /** What a request must be; anything else fails with `invalid_argument` and the fields that are wrong. */
  readonly schema?: Schema<Req>;
  /**
   * Makes the request of the endpoint out of the payload.
   * @default The payload, validated by `schema`.
   */
  readonly decode?: (payload: unknown, ctx: Context) => Req | Promise<Req>;
  /**
   * Makes what is answered, which the runtime writes as JSON.
   * @default The response; `null` for `undefined`.
   */
  readonly encode?: (response: Res, ctx: Context) => unknown;
  /**
   * Run in order before the payload is decoded; each may derive the context.
   * @default {[]}
   */
  readonly before?: readonly ((ctx: Context, payload: unknown) => Context)[];
  /**
   * Run in order after the endpoint has answered, before the response is encoded; not run when it
   * failed. Each may derive the context.
   * @default {[]}
   */
  readonly after?: readonly ((ctx: Context, response: Res) => Context)[];
  /**
   * Run in order once the call is over, whether it failed or not. They must not throw; `onError` is
   * told if they do.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, invocation: InvocationSummary) => void)[];
  /**
   * Makes the answer of a call that failed: what it returns is a result like any other, what it throws
   * is told to the caller as the function's error, as it is.
   * @default Throws what {@linkcode functionError} makes.
   */
  readonly encodeError?: (error: unknown, ctx: Context) => unknown;
  /** Told of every error, to log it. It cannot change what comes of it, not even by throwing. */
  readonly onError?: (error: unknown, ctx: Context) => void;
  /**
   * How long before Lambda gives up the call is cancelled and answered with `deadline_exceeded`, so
   * that there is time to answer.
   * @default {100}
   */
  readonly marginMs?: number;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** What comes of one invocation. */
interface Outcome<Res> {
  response?: Res;
  result?: unknown;
  /** What `encodeError` has thrown. */
  thrown?: { readonly error: unknown };
}

const outcomeKey: ContextKey<Outcome<unknown>> = contextKey("lambda outcome");

/**
 * Serves an endpoint as a Lambda function.
 *
 * The order is Go kit's: `before` in order, decode, the endpoint, `after` in order, encode,
 * `finalizer` in order. An error of any of them but the last goes to `onError` and then to
 * `encodeError`, and skips the rest but the finalizers.
 *
 * The deadline of the context is the time that Lambda gives, less `marginMs`; when it passes, the
 * signal is aborted and the call fails, whether the endpoint heeds it or not. The metadata is the
 * `custom` part of the caller's client context; {@linkcode requestId} and {@linkcode lambdaContext}
 * find the rest.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpoint The endpoint.
 * @param options Codec and hooks.
 * @returns The handler, to be exported under the name that the function's configuration has.
 * @throws {RangeError} If `marginMs` is negative.
 * @example Usage
 * ```ts
 * import { server } from "@kit/transport/awslambda";
 * import assert from "node:assert/strict";
 * const handler = server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }));
 * assert.deepEqual(await handler({ s: "hello" }), { v: "HELLO" });
 * ```
 */
export function server<Req, Res>(
  endpoint: Endpoint<Req, Res>,
  options: ServerOptions<Req, Res> = {},
): LambdaHandler {
  const {
    schema,
    before = [],
    after = [],
    finalizer = [],
    marginMs = 100,
    clock = systemClock,
    onError,
  } = options;
  checkNonNegative("marginMs", marginMs);
  const { decode, encode, encodeError } = options;

  const steps = {
    before,
    decode: (payload: unknown, ctx: Context): Req | Promise<Req> => {
      if (decode !== undefined) return decode(payload, ctx);
      return schema === undefined ? payload as Req : validate(schema, payload, "request");
    },
    async endpoint(request: Req, ctx: Context): Promise<Res> {
      const response = await untilAborted(endpoint(request, ctx), ctx);
      (ctx.value(outcomeKey) as Outcome<Res>).response = response;
      return response;
    },
    after: after.map((look) => (ctx: Context, outcome: Outcome<Res>) =>
      look(ctx, outcome.response as Res)
    ),
    async encode(response: Res, ctx: Context, outcome: Outcome<Res>): Promise<void> {
      outcome.result = encode === undefined ? response ?? null : await encode(response, ctx);
    },
    async encodeError(error: unknown, ctx: Context, outcome: Outcome<Res>): Promise<void> {
      try {
        if (encodeError === undefined) throw functionError(error);
        outcome.result = await encodeError(error, ctx);
      } catch (error) {
        outcome.thrown = { error };
      }
    },
    defaultError(error: KitError, _: Context, outcome: Outcome<Res>): void {
      outcome.thrown = { error: functionError(error) };
    },
    finalizer: finalizer.map((finish) => (ctx: Context, error: unknown) => {
      const { result } = ctx.value(outcomeKey)!;
      finish(ctx, { result, error });
    }),
    onError,
  };

  return async (event, context = {}) => {
    const outcome: Outcome<Res> = {};
    let ctx = withValue(background(), outcomeKey, outcome as Outcome<unknown>);
    ctx = withValue(withMetadata(ctx, sentAlong(context)), lambdaContext, context);
    const { awsRequestId } = context;
    if (awsRequestId !== undefined) ctx = withValue(ctx, requestId, awsRequestId);
    const timed = withRemaining(ctx, context, marginMs, clock);
    await answer(steps, timed.ctx, event, outcome);
    timed.end();
    if (outcome.thrown !== undefined) throw outcome.thrown.error;
    return outcome.result;
  };
}

/** Tells the texts among what the caller has sent along. */
function sentAlong({ clientContext }: LambdaContext): ReturnType<typeof metadata> {
  const found = clientContext as { custom?: unknown; Custom?: unknown } | null | undefined;
  const custom = found?.custom ?? found?.Custom;
  if (typeof custom !== "object" || custom === null) return metadata();
  const texts = Object.entries(custom).filter(([, value]) => typeof value === "string");
  return metadata(texts as [string, string][]);
}
