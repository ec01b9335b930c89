/**
 * One call on a server, whatever the wire: the hooks in Go kit's order, and its errors.
 * @module
 */
import { type Context, type Endpoint, KitError, remainingMs, toKitError } from "@kit/endpoint";

/** A hook that sees something of the wire and may derive the context. */
export type Hook<Seen> = (ctx: Context, seen: Seen) => Context;

/** What a finalizer is told: the context as it was last, and the error if the call failed. */
export type Finalizer = (ctx: Context, error: unknown) => void;

/**
 * What a server does with a call. A transport fills it in once, out of its options.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @typeParam In What came in.
 * @typeParam Out What goes out, as far as hooks may change it: headers, properties.
 * @typeParam Reply What is sent.
 */
export interface ServerSteps<Req, Res, In, Out, Reply> {
  readonly before: readonly Hook<In>[];
  readonly decode: (incoming: In, ctx: Context) => Req | Promise<Req>;
  readonly endpoint: Endpoint<Req, Res>;
  readonly after: readonly Hook<Out>[];
  /** Over when the reply is complete: for a stream, when its last item has been written. */
  readonly encode: (response: Res, ctx: Context, outgoing: Out) => Reply | Promise<Reply>;
  readonly encodeError: (error: unknown, ctx: Context, outgoing: Out) => Reply | Promise<Reply>;
  /** Makes the reply where `encodeError` itself fails; it must not throw. */
  readonly defaultError: (error: KitError, ctx: Context, outgoing: Out) => Reply | Promise<Reply>;
  readonly finalizer: readonly Finalizer[];
  readonly onError: ((error: unknown, ctx: Context) => void) | undefined;
}

/**
 * Makes one call: `before` in order, decode, the endpoint, `after` in order, encode, `finalizer` in
 * order. An error of any of them but the last goes to `onError` and then to `encodeError`, and skips
 * the rest but the finalizers. Work whose deadline has passed is not begun, and a streamed response
 * that is not written to its end is given up.
 *
 * It rejects only if `defaultError` does.
 */
export async function answer<Req, Res, In, Out, Reply>(
  steps: ServerSteps<Req, Res, In, Out, Reply>,
  parent: Context,
  incoming: In,
  outgoing: Out,
): Promise<Reply> {
  let ctx = parent;
  let failure: unknown;
  let response: Res | undefined;
  const tell = (error: unknown): void => {
    try {
      steps.onError?.(error, ctx);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
  };
  try {
    for (const prepare of steps.before) ctx = prepare(ctx, incoming);
    const request = await steps.decode(incoming, ctx);
    if (remainingMs(ctx) <= 0) throw new KitError("deadline_exceeded", "Deadline exceeded");
    response = await steps.endpoint(request, ctx);
    for (const prepare of steps.after) ctx = prepare(ctx, outgoing);
    return await steps.encode(response, ctx, outgoing);
  } catch (error) {
    failure = error ?? new Error("Call failed without an error");
    tell(failure);
    if (isStream(response)) abandon(response);
    try {
      return await steps.encodeError(failure, ctx, outgoing);
    } catch (cause) {
      tell(cause);
      return await steps.defaultError(toKitError(failure), ctx, outgoing);
    }
  } finally {
    for (const finish of steps.finalizer) {
      try {
        finish(ctx, failure);
      } catch (cause) {
        tell(cause);
      }
    }
  }
}

function isStream(response: unknown): response is AsyncIterable<unknown> {
  return typeof response === "object" && response !== null && Symbol.asyncIterator in response;
}

/** Ends a stream, as whoever measures or holds something for it waits for that. */
async function abandon(stream: AsyncIterable<unknown>): Promise<void> {
  try {
    await stream[Symbol.asyncIterator]().return?.();
  } catch {
    // The call has failed already.
  }
}
