/**
 * Serves endpoints with streams over HTTP.
 * @module
 */
import {
  type Clock,
  type Context,
  type ContextKey,
  contextKey,
  type DisposableContext,
  type Endpoint,
  KitError,
  remainingMs,
  systemClock,
  withSignal,
  withValue,
} from "@kit/endpoint";
import { checkNonNegative, checkPositive } from "@kit/endpoint/check";
import type { Schema } from "../schema.ts";
import { encodeJson } from "./_encode_json.ts";
import { isStream } from "./_is_stream.ts";
import { DEFAULT_MAX_BYTES } from "./_limit.ts";
import { StreamReader } from "./_read_stream.ts";
import {
  acceptedFormat,
  frameReader,
  ndjsonWriter,
  sseWriter,
  type StreamFormat,
} from "./_stream_format.ts";
import { StreamWriter } from "./_write_stream.ts";
import type { Handler } from "./handler.ts";
import { HttpError } from "./http_error.ts";
import { httpRequest } from "./keys.ts";
import { problem } from "./problem.ts";
import { type ResponseSummary, server, type ServerOptions } from "./server.ts";

/**
 * Options for {@linkcode streamServer}.
 * @typeParam Req The request, or one item of a streamed request.
 * @typeParam Item One item of a streamed response.
 */
export interface StreamServerOptions<Req, Item = unknown>
  extends Omit<ServerOptions<Req, never>, "encode"> {
  /** What a request, or each item of a streamed request, must be. */
  readonly schema?: Schema<Req>;
  /**
   * The format of the response: newline-delimited JSON or Server-Sent Events.
   * @default What the `Accept` header of the request asks for; `"ndjson"` where it names neither.
   */
  readonly format?: "ndjson" | "sse";
  /**
   * How long the response waits for the first item, so that an error before it is answered with its
   * own status. After that the response begins, and an error comes within the stream.
   * @default {1000} For a streamed request 0, as its caller may wait for the response to begin.
   */
  readonly openMs?: number;
  /**
   * After how many milliseconds without an item a sign of life is sent.
   * @default {15000}
   */
  readonly heartbeatMs?: number;
  /**
   * How long the sender of a streamed request may be silent.
   * @default {60000}
   */
  readonly idleMs?: number;
  /** How long a browser is to wait before it connects again. Server-Sent Events only. */
  readonly retryMs?: number;
  /**
   * Tells the id of an item, which a browser that connects again sends as `Last-Event-ID`: look for
   * it in the metadata of the context. Server-Sent Events only.
   */
  readonly id?: (item: Item) => string | undefined;
  /**
   * The most bytes that the body of a request, or an item of a streamed one, may have.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** What a call with a streamed response knows of itself. */
class StreamCall {
  readonly #controller = new AbortController();
  ctx!: DisposableContext;
  error: unknown;

  begin(parent: Context): Context {
    return this.ctx = withSignal(withValue(parent, streamCall, this), this.#controller.signal);
  }

  /** Ends the call; with an error, whoever still works for it is told. */
  end(error: unknown): void {
    this.error = error;
    if (error !== undefined) this.#controller.abort(error);
    this.ctx[Symbol.dispose]();
  }
}

const streamCall: ContextKey<StreamCall> = contextKey("stream call");

/**
 * Serves an endpoint whose response, request or both are streams. It is {@linkcode server}, with its
 * hooks in the same order, and with these differences.
 *
 * A streamed response is written as its items come, each when the reader asks for it, so that a slow
 * reader slows the endpoint. As `application/x-ndjson` it has one JSON object a line, `{"item":…}`,
 * and last `{"end":true}`, or `{"error":{"code":…,"message":…}}` if the stream fails; blank lines are
 * signs of life. As `text/event-stream` the data of an event is an item, and the last event is named
 * `end`, or `error`; comments are signs of life. A stream without such a last piece was cut.
 *
 * A streamed request is newline-delimited JSON of the same form. A response that is no stream is
 * answered as JSON.
 *
 * The signal of the context is aborted, and `return` of the response's iterator is called, when the
 * reader goes, when the deadline passes and when the host cuts the stream off. A stream that did not
 * reach its end is told to `onError`, and to the finalizers.
 *
 * `EventSource` of browsers can send a `GET` only: set `decode`. It connects again whenever a stream
 * is over: close it on `end` and `error`.
 * @typeParam Req The request.
 * @typeParam Res An item of the response.
 * @param endpoint The endpoint.
 * @param options Codec, hooks and limits.
 * @returns A handler. It never rejects.
 * @throws {RangeError} If a time or `maxBytes` is not a positive number, or `openMs` is negative.
 * @throws {TypeError} If `deadlineHeader` is no name of a header.
 * @example Usage
 * ```ts
 * import { streamServer } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * async function* count({ to }: { to: number }) {
 *   for (let n = 1; n <= to; n++) yield n;
 * }
 * const handler = streamServer((request: { to: number }) => Promise.resolve(count(request)));
 * const response = await handler(
 *   new Request("http://localhost/count", { method: "POST", body: `{"to":2}` }),
 * );
 * assert.equal(await response.text(), `{"item":1}\n{"item":2}\n{"end":true}\n`);
 * ```
 */
export function streamServer<Req, Res>(
  endpoint: Endpoint<Req, AsyncIterable<Res>>,
  options?: StreamServerOptions<Req, Res> & { readonly requests?: "one" },
): Handler;
/**
 * Serves an endpoint whose request is a stream, and whose response may be one.
 * @typeParam Req An item of the request.
 * @typeParam Res The response: a value, or an `AsyncIterable`.
 * @param endpoint The endpoint.
 * @param options Codec, hooks and limits; `requests: "stream"` says that the request is a stream.
 * @returns A handler. It never rejects.
 */
export function streamServer<Req, Res>(
  endpoint: Endpoint<AsyncIterable<Req>, Res>,
  options: StreamServerOptions<Req> & { readonly requests: "stream" },
): Handler;
export function streamServer<Req, Res>(
  endpoint: Endpoint<Req, AsyncIterable<Res>> | Endpoint<AsyncIterable<Req>, Res>,
  options: StreamServerOptions<Req, Res> & { readonly requests?: "one" | "stream" } = {},
): Handler {
  const {
    requests = "one",
    format,
    openMs = requests === "one" ? 1000 : 0,
    heartbeatMs = 15_000,
    idleMs = 60_000,
    retryMs,
    id,
    maxBytes = DEFAULT_MAX_BYTES,
    clock = systemClock,
    schema,
    before = [],
    finalizer = [],
    encodeError = problem,
    onError,
    ...rest
  } = options;
  checkNonNegative("openMs", openMs);
  checkPositive("heartbeatMs", heartbeatMs);
  checkPositive("idleMs", idleMs);
  if (retryMs !== undefined) checkNonNegative("retryMs", retryMs);
  const sse = sseWriter(id as ((item: unknown) => string | undefined) | undefined);

  function tell(error: unknown, ctx: Context): void {
    try {
      onError?.(error, ctx);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
  }

  function decodeStream({ body, headers }: Request, ctx: Context): AsyncIterable<Req> {
    const coding = headers.get("content-encoding") ?? "identity";
    if (coding.toLowerCase() !== "identity") {
      throw new HttpError(415, "Cannot read stream as it is compressed");
    }
    if (body === null) {
      throw new KitError("invalid_argument", "Cannot read stream as there is no body");
    }
    const { signal } = ctx;
    const reader = new StreamReader<Req>(body, frameReader("ndjson", maxBytes), {
      schema,
      idleMs,
      clock,
      cutCode: "cancelled",
      badCode: "invalid_argument",
      reason: (error) => signal.aborted ? signal.reason : error,
    });
    signal.addEventListener("abort", () => reader.return(), { once: true });
    return reader;
  }

  async function encode(response: unknown, ctx: Context, headers: Headers): Promise<Response> {
    const call = ctx.value(streamCall)!;
    if (!isStream(response)) {
      const answer = encodeJson(response, headers);
      call.end(undefined);
      return answer;
    }
    const source = response[Symbol.asyncIterator]();
    const first = source.next();
    await settledWithin(first, openMs, clock);
    const accept = ctx.value(httpRequest)!.headers.get("accept");
    const chosen: StreamFormat = format ?? acceptedFormat(accept);
    const { signal } = ctx;
    const onAbort = () => stream.fail(signal.reason);
    // A host that tells nothing of the response's end lets go of the context's own timer.
    const late = ctx.deadline === undefined ? undefined : clock.after(
      remainingMs(ctx, { clock }),
      () => stream.fail(new KitError("deadline_exceeded", "Deadline exceeded")),
    );
    const stream = new StreamWriter(source, {
      writer: chosen === "sse" ? sse : ndjsonWriter,
      heartbeatMs,
      clock,
      first,
      tellsErrors: true,
      ...(chosen === "sse" && retryMs !== undefined ? { preamble: `retry: ${retryMs}\n\n` } : {}),
      onEnd(error) {
        late?.[Symbol.dispose]();
        signal.removeEventListener("abort", onAbort);
        call.end(error);
        if (error !== undefined) tell(error, ctx);
      },
    });
    signal.addEventListener("abort", onAbort, { once: true });
    headers.set("content-type", chosen === "sse" ? sse.contentType : ndjsonWriter.contentType);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    if (format === undefined) headers.append("vary", "accept");
    // Some proxies gather a response before they pass it on, unless told otherwise.
    if (!headers.has("x-accel-buffering")) headers.set("x-accel-buffering", "no");
    if (signal.aborted) onAbort();
    return new Response(stream.body, { headers });
  }

  const binding: ServerOptions<Req, unknown> = {
    ...rest,
    ...(schema === undefined ? {} : { schema }),
    ...(onError === undefined ? {} : { onError }),
    ...(requests === "one" ? {} : { decode: decodeStream as unknown as () => Req }),
    maxBytes,
    before: [(ctx) => new StreamCall().begin(ctx), ...before],
    encode,
    encodeError(error, ctx, request) {
      ctx.value(streamCall)?.end(error);
      return encodeError(error, ctx, request);
    },
    finalizer: finalizer.map((finish) => (ctx: Context, response: ResponseSummary) =>
      finish(ctx, { ...response, error: response.error ?? ctx.value(streamCall)?.error })
    ),
  };
  return server(endpoint as Endpoint<Req, unknown>, binding);
}

/** Waits until a promise settles, or for some time; rejects as it does. */
function settledWithin(promise: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = ms === Infinity ? undefined : clock.after(ms, resolve);
    promise.then(() => resolve(), reject).finally(() => timer?.[Symbol.dispose]());
  });
}
