/**
 * Serves an endpoint over HTTP.
 * @module
 */
import type { Context, Endpoint } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import type { Schema } from "../schema.ts";
import { type Binding, serveCall } from "./_call.ts";
import { checkHeaderName, DEADLINE_HEADER } from "../_deadline.ts";
import { DEFAULT_MAX_BYTES } from "./_limit.ts";
import type { HeadersFunc, ServerRequestFunc } from "./functions.ts";
import type { Handler } from "./handler.ts";
import { problem } from "./problem.ts";

/** What a finalizer is told of a response that is complete. */
export interface ResponseSummary {
  /** Its status. */
  readonly status: number;
  /** Its headers. */
  readonly headers: Headers;
  /** How many bytes its body had. */
  readonly size: number;
  /** Why the call, or the stream of its body, failed, when it did. */
  readonly error?: unknown;
}

/**
 * Options for {@linkcode server}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ServerOptions<Req, Res> {
  /** What a request must be; anything else is answered with 400 and the fields that are wrong. */
  readonly schema?: Schema<Req>;
  /**
   * Makes the request of the endpoint out of the HTTP request.
   * @default The body as JSON, validated by `schema`.
   */
  readonly decode?: (request: Request, ctx: Context) => Req | Promise<Req>;
  /**
   * Makes the HTTP response; `headers` holds what `after` has set.
   * @default JSON with status 200, or as the `statusCode()` and `headers()` of the response say.
   */
  readonly encode?: (response: Res, ctx: Context, headers: Headers) => Response | Promise<Response>;
  /**
   * Run in order before the request is decoded; each may derive the context.
   * @default {[]}
   */
  readonly before?: readonly ServerRequestFunc[];
  /**
   * Run in order after the endpoint has answered, before the response is encoded; not run when it
   * failed. Each may set headers and derive the context.
   * @default {[]}
   */
  readonly after?: readonly HeadersFunc[];
  /**
   * Run in order once the response is complete, whether the call failed or not: when it has been
   * handed to the host, or, if its body is a stream, when that has ended or was given up. They must
   * not throw; `onError` is told if they do.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, response: ResponseSummary) => void)[];
  /**
   * Makes the answer of a call that failed.
   * @default {problem}
   */
  readonly encodeError?: (error: unknown, ctx: Context, request: Request) => Response;
  /**
   * Told of every error of `decode`, the endpoint and `encode`, before `encodeError`, to log it. It
   * cannot change what comes of it, not even by throwing.
   */
  readonly onError?: (error: unknown, ctx: Context) => void;
  /**
   * The most bytes a body may have, decompressed.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * Whether JSON bodies that are not UTF-8, or that have a key twice, are refused rather than read
   * as the platform reads them. It costs about a tenth of a small handler's throughput.
   * @default {false}
   */
  readonly strict?: boolean;
  /**
   * Whether compressed bodies (gzip, deflate, br) are taken, up to `maxBytes` decompressed, rather
   * than refused with 415. It costs some percent of a small handler's throughput.
   * @default {false}
   */
  readonly decompress?: boolean;
  /**
   * The request header that tells how many milliseconds the caller still waits; `false` for none.
   * With the default `decode` and a body of at most 64 KiB it is read, and its time begins, when the
   * deadline or the signal of the context is first asked for: to read it costs some percent of a
   * small handler's throughput.
   * @default {"x-request-timeout-ms"}
   */
  readonly deadlineHeader?: string | false;
}

/**
 * Serves an endpoint over HTTP.
 *
 * The order is Go kit's: `before` in order, decode, the endpoint, `after` in order, encode,
 * `finalizer` in order. An error of decode, the endpoint or encode goes to `onError` and then to
 * `encodeError`, and skips the rest but the finalizers.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpoint The endpoint.
 * @param options Codec, hooks and limits.
 * @returns A handler for `Deno.serve`, {@linkcode routes}, Hono and other hosts. It never rejects.
 * @throws {RangeError} If `maxBytes` is not a positive number.
 * @throws {TypeError} If `deadlineHeader` is no name of a header.
 * @example Usage
 * ```ts
 * import { server } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const handler = server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }));
 * const response = await handler(
 *   new Request("http://localhost/uppercase", { method: "POST", body: `{"s":"hello, world"}` }),
 * );
 * assert.equal(await response.text(), `{"v":"HELLO, WORLD"}`);
 * ```
 */
export function server<Req, Res>(
  endpoint: Endpoint<Req, Res>,
  options: ServerOptions<Req, Res> = {},
): Handler {
  const {
    before = [],
    after = [],
    finalizer = [],
    encodeError = problem,
    maxBytes = DEFAULT_MAX_BYTES,
    strict = false,
    decompress = false,
    deadlineHeader = DEADLINE_HEADER,
    schema,
    decode,
    encode,
    onError,
  } = options;
  checkPositive("maxBytes", maxBytes);
  checkHeaderName(deadlineHeader);
  const binding: Binding<Req, Res> = {
    endpoint,
    before,
    after,
    finalizer,
    encodeError,
    maxBytes,
    strict,
    decompress,
    deadlineHeader,
    schema,
    decode,
    encode,
    onError,
  };
  return (request, info) => serveCall(binding, request, info);
}
