/**
 * One call of a client, whatever the wire: the hooks in Go kit's order, its time and its errors.
 * @module
 */
import { type Context, type Endpoint, throwIfDone, whenDone, withTimeout } from "@kit/endpoint";
import type { Finalizer, Hook } from "./_server_call.ts";

/**
 * What a client does for a call. A transport fills it in once, out of its options.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @typeParam Out What goes out.
 * @typeParam In What comes back.
 */
export interface ClientSteps<Req, Res, Out, In> {
  /** Makes what goes out, with the outgoing metadata of the context in it. */
  readonly encode: (request: Req, ctx: Context) => Out | Promise<Out>;
  readonly before: readonly Hook<Out>[];
  /**
   * Sends it and waits for what comes back. The deadline of the context is put on the wire here, as
   * `before` may have changed it. It heeds the signal of the context by itself where it can let go
   * of something, and may use {@linkcode untilAborted} where it cannot.
   */
  readonly send: (outgoing: Out, ctx: Context) => Promise<In>;
  readonly after: readonly Hook<In>[];
  readonly decode: (incoming: In, ctx: Context) => Res | Promise<Res>;
  readonly finalizer: readonly Finalizer[];
  /** How long a call may take, besides the deadline of its context. */
  readonly timeoutMs: number;
}

/**
 * Makes an endpoint that calls: encode, `before` in order, send, `after` in order, decode,
 * `finalizer` in order, the last when a streamed response is over. A call that is cancelled or late
 * rejects with the reason of its signal, whatever its steps reject with.
 */
export function caller<Req, Res, Out, In>(
  steps: ClientSteps<Req, Res, Out, In>,
): Endpoint<Req, Res> {
  async function call(request: Req, seen: { ctx: Context }): Promise<Res> {
    try {
      throwIfDone(seen.ctx);
      const outgoing = await steps.encode(request, seen.ctx);
      for (const prepare of steps.before) seen.ctx = prepare(seen.ctx, outgoing);
      const incoming = await steps.send(outgoing, seen.ctx);
      for (const look of steps.after) seen.ctx = look(seen.ctx, incoming);
      return await steps.decode(incoming, seen.ctx);
    } catch (error) {
      if (seen.ctx.canAbort) seen.ctx.signal.throwIfAborted();
      throw error;
    }
  }

  const { timeoutMs, finalizer } = steps;
  return (request, parent) => {
    const timed = timeoutMs === Infinity ? undefined : withTimeout(parent, timeoutMs);
    const seen = { ctx: timed ?? parent };
    const result = call(request, seen);
    if (timed === undefined && finalizer.length === 0) return result;
    return whenDone(result, (error) => {
      timed?.[Symbol.dispose]();
      for (const finish of finalizer) finish(seen.ctx, error);
    });
  };
}

/**
 * Waits for what cannot be cancelled, but no longer than somebody waits for the call.
 * @param work What is waited for. What comes of it after the signal is dropped.
 * @param ctx The context of the call.
 * @param abandon Called when the signal was first, to forget what waits.
 * @returns The outcome of the work, or a rejection with the reason of the signal. No listener stays.
 */
export function untilAborted<T>(
  work: Promise<T>,
  ctx: Context,
  abandon?: () => void,
): Promise<T> {
  if (!ctx.canAbort) return work;
  const { signal } = ctx;
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason);
      abandon?.();
    };
    if (signal.aborted) {
      work.catch(() => {});
      return onAbort();
    }
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
