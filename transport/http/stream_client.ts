/**
 * Calls endpoints with streams over HTTP.
 * @module
 */
import {
  type Clock,
  type Context,
  type ContextKey,
  contextKey,
  type Endpoint,
  KitError,
  systemClock,
  withValue,
} from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { DEFAULT_MAX_BYTES } from "./_limit.ts";
import { StreamReader } from "./_read_stream.ts";
import { CONTENT_TYPES, formatOf, frameReader, ndjsonWriter } from "./_stream_format.ts";
import { isStream } from "./_is_stream.ts";
import { StreamWriter } from "./_write_stream.ts";
import { client, type ClientOptions, type OutgoingRequest } from "./client.ts";

/**
 * Options for {@linkcode streamClient}.
 * @typeParam Req The request.
 * @typeParam Res The response, or one item of a streamed response.
 */
export interface StreamClientOptions<Req, Res> extends Omit<ClientOptions<Req, Res>, "decode"> {
  /**
   * The format to ask for. Either is understood.
   * @default {"ndjson"}
   */
  readonly format?: "ndjson" | "sse";
  /**
   * How long the service may be silent once its response has begun. Kit's own sends a sign of life
   * every 15 s.
   * @default {60000}
   */
  readonly idleMs?: number;
  /**
   * After how many milliseconds without an item of a streamed request a sign of life is sent.
   * @default {15000}
   */
  readonly heartbeatMs?: number;
  /**
   * The most bytes that a response, or an item of a streamed one, may have.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** A request that is being sent piece by piece. */
class Upload {
  writer: StreamWriter | undefined;
  /** Why the caller's own stream failed. */
  failure: { readonly error: unknown } | undefined;
  #isOver = false;

  begin(requests: AsyncIterable<unknown>, clock: Clock, heartbeatMs: number): BodyInit {
    const source = requests[Symbol.asyncIterator]();
    this.writer = new StreamWriter(source, {
      writer: ndjsonWriter,
      heartbeatMs,
      clock,
      tellsErrors: false,
      onEnd: (error, isReaderGone) => {
        if (error !== undefined && !isReaderGone && !this.#isOver) this.failure = { error };
      },
    });
    return this.writer.body;
  }

  /** Ends what is still being sent: nobody reads it any more. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.writer?.fail(new KitError("cancelled", "Call is over"));
  }
}

const uploadKey: ContextKey<Upload> = contextKey("upload");

/**
 * Makes an endpoint that calls over HTTP and gets its response as a stream, as
 * {@linkcode streamServer} writes it. It is {@linkcode client}, with its hooks in the same order.
 *
 * A request that is an `AsyncIterable` is sent as a stream, too, each item when the connection takes
 * it. Over HTTP/1.1 both directions run at once, on Deno and Node; browsers send no streams.
 *
 * The endpoint resolves when the response begins. The call is over when the iteration of the response
 * ends; leaving the loop cancels the request. Who gets a response and does not iterate it holds a
 * connection. A stream that breaks off fails with `unavailable`, also if the service or something in
 * between ends it as if it were whole.
 * @typeParam Req The request; an `AsyncIterable` is sent as a stream.
 * @typeParam Res An item of the response.
 * @param target The URL.
 * @param options Codec, hooks and limits.
 * @returns The endpoint.
 * @throws {TypeError} If `target` is not an `http:` or `https:` URL without credentials, or `method` or
 * `deadlineHeader` cannot be one.
 * @throws {RangeError} If a time or `maxBytes` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { streamClient, streamServer } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * async function* count({ to }: { to: number }) {
 *   for (let n = 1; n <= to; n++) yield n;
 * }
 * const handler = streamServer((request: { to: number }) => Promise.resolve(count(request)));
 * const call = streamClient<{ to: number }, number>("http://localhost:8080/count", {
 *   fetch: async (url, init) => await handler(new Request(url, init)),
 * });
 * const seen = [];
 * for await (const n of await call({ to: 3 }, background())) seen.push(n);
 * assert.deepEqual(seen, [1, 2, 3]);
 * ```
 */
export function streamClient<Req, Res>(
  target: string | URL,
  options?: StreamClientOptions<Req, Res> & { readonly responses?: "stream" },
): Endpoint<Req, AsyncIterable<Res>>;
/**
 * Makes an endpoint that sends a stream over HTTP and gets one response.
 * @typeParam Req The request; an `AsyncIterable` is sent as a stream.
 * @typeParam Res The response.
 * @param target The URL.
 * @param options Codec, hooks and limits; `responses: "one"` says that the response is no stream.
 * @returns The endpoint.
 */
export function streamClient<Req, Res>(
  target: string | URL,
  options: StreamClientOptions<Req, Res> & { readonly responses: "one" },
): Endpoint<Req, Res>;
export function streamClient<Req, Res>(
  target: string | URL,
  options: StreamClientOptions<Req, Res> & { readonly responses?: "one" | "stream" } = {},
): Endpoint<Req, Res | AsyncIterable<Res>> {
  const {
    responses = "stream",
    format = "ndjson",
    idleMs = 60_000,
    heartbeatMs = 15_000,
    maxBytes = DEFAULT_MAX_BYTES,
    clock = systemClock,
    schema,
    before = [],
    encode,
    fetch = globalThis.fetch,
    ...rest
  } = options;
  checkPositive("idleMs", idleMs);
  checkPositive("heartbeatMs", heartbeatMs);
  const accept = responses === "one" ? "application/json" : CONTENT_TYPES[format];

  function decode(response: Response, ctx: Context): AsyncIterable<Res> {
    const found = formatOf(response.headers.get("content-type"));
    if (found === undefined || response.body === null) {
      throw new KitError("internal", "Cannot decode response as it is no stream");
    }
    const upload = ctx.value(uploadKey);
    return new StreamReader<Res>(response.body, frameReader(found, maxBytes), {
      schema,
      idleMs,
      clock,
      cutCode: "unavailable",
      badCode: "internal",
      reason: (error) =>
        upload?.failure !== undefined
          ? upload.failure.error
          : ctx.canAbort && ctx.signal.aborted
          ? ctx.signal.reason
          : error,
      signal: ctx.canAbort ? ctx.signal : undefined,
      ...(upload === undefined ? {} : { onEnd: () => upload.stop() }),
    });
  }

  const shared: ClientOptions<Req, Res | AsyncIterable<Res>> = {
    ...rest,
    maxBytes,
    before: [
      (ctx, headers) => {
        if (!headers.has("accept")) headers.set("accept", accept);
        return ctx;
      },
      ...before,
    ],
    ...(responses === "stream" ? { decode } : schema === undefined ? {} : { schema }),
  };
  const plain = client<Req, Res | AsyncIterable<Res>>(target, {
    ...shared,
    fetch,
    ...(encode === undefined ? {} : { encode }),
  });
  const streamed = client<Req, Res | AsyncIterable<Res>>(target, {
    ...shared,
    encode(request: Req, outgoing: OutgoingRequest, ctx: Context) {
      outgoing.headers.set("content-type", ndjsonWriter.contentType);
      const upload = ctx.value(uploadKey)!;
      outgoing.body = upload.begin(request as AsyncIterable<unknown>, clock, heartbeatMs);
      return undefined;
    },
    // Fetch takes a stream only from those who know that it may go both ways at once, or not.
    fetch: (url, init) => fetch(url, { ...init, duplex: "half" } as RequestInit),
  });

  async function send(request: Req, parent: Context): Promise<Res | AsyncIterable<Res>> {
    const upload = new Upload();
    try {
      const response = await streamed(request, withValue(parent, uploadKey, upload));
      if (responses === "one") upload.stop();
      return response;
    } catch (error) {
      upload.stop();
      throw upload.failure === undefined ? error : upload.failure.error;
    }
  }

  return (request, ctx) => isStream(request) ? send(request, ctx) : plain(request, ctx);
}
