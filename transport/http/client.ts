/**
 * Calls an endpoint over HTTP.
 * @module
 */
import {
  type Context,
  type Endpoint,
  KitError,
  NO_METADATA,
  remainingMs,
  throwIfDone,
  whenDone,
  withTimeout,
} from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { appendOutgoing } from "../_outgoing_metadata.ts";
import type { Schema } from "../schema.ts";
import { checkedUrl } from "./_checked_url.ts";
import { checkHeaderName, DEADLINE_HEADER, formatRemaining } from "../_deadline.ts";
import { isOfConnection } from "./_hop_by_hop.ts";
import { DEFAULT_MAX_BYTES } from "./_limit.ts";
import { readErrorText, readResponse } from "./_read_response.ts";
import { followWithinOrigin } from "./_redirect.ts";
import type { ClientResponseFunc, HeadersFunc } from "./functions.ts";
import { chosenHeaders } from "./http_error.ts";
import { parseProblem } from "./problem.ts";

/** What of a request an encoder decides. The method and the headers of the client are filled in. */
export interface OutgoingRequest {
  /** Where to; an encoder may replace it, to put parts of the request into the path or the query. */
  url: string;
  /** The method. */
  method: string;
  /** The headers. */
  readonly headers: Headers;
  /** The body, if any. */
  body?: BodyInit | null;
}

/** What a finalizer is told of a call that is over. */
export interface CallSummary {
  /** Why the call failed, when it did. */
  readonly error?: unknown;
  /** The status of the response, when there was one. */
  readonly status?: number;
  /** The headers of the response, when there was one. */
  readonly headers?: Headers;
}

/**
 * Options for {@linkcode client}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ClientOptions<Req, Res> {
  /**
   * The method.
   * @default {"POST"}
   */
  readonly method?: string;
  /**
   * Puts a request into the HTTP request.
   * @default As JSON into the body, with its content type. For `GET` and `HEAD`, which have no body,
   * only `undefined` can be put into it.
   */
  readonly encode?: (request: Req, outgoing: OutgoingRequest, ctx: Context) => void | Promise<void>;
  /**
   * Makes the response out of an HTTP response with a 2xx status. A stream has to be an
   * `AsyncIterable`; the call is over when its iteration ends. A body that it leaves unread is
   * cancelled, unless it gives a stream or the HTTP response itself.
   * @default The body as JSON, validated by `schema`; `undefined` for status 204.
   */
  readonly decode?: (response: Response, ctx: Context) => Res | Promise<Res>;
  /**
   * Makes the error out of an HTTP response with any other status.
   * @default {parseProblem}
   */
  readonly decodeError?: (response: Response, body: string, ctx: Context) => Error;
  /** What a response must be; anything else rejects with `internal`. */
  readonly schema?: Schema<Res>;
  /**
   * Run in order before the request is sent; each may set headers and derive the context, whose
   * signal and deadline then count.
   * @default {[]}
   */
  readonly before?: readonly HeadersFunc[];
  /**
   * Run in order before the response is decoded; each may derive the context.
   * @default {[]}
   */
  readonly after?: readonly ClientResponseFunc[];
  /**
   * Run in order once the call is over, whether it failed or not. They must not throw.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, call: CallSummary) => void)[];
  /**
   * How long a call may take, besides the deadline of its context.
   * @default {Infinity}
   */
  readonly timeoutMs?: number;
  /**
   * The most bytes that the body of a response may have, decompressed.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * What to do with a redirect: `"error"` fails the call; `"follow"` follows it as long as it stays
   * on the origin, and fails the call if it leaves.
   * @default {"error"}
   */
  readonly redirect?: "error" | "follow";
  /**
   * The request header that tells how many milliseconds are left; `false` for none.
   * @default {"x-request-timeout-ms"}
   */
  readonly deadlineHeader?: string | false;
  /**
   * Sends the request.
   * @default {fetch}
   */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/**
 * Makes an endpoint that calls over HTTP.
 *
 * Sent along are the outgoing metadata of the context as headers, but for those that concern one
 * connection or name the host, and what is left of its deadline.
 * A response that is not 2xx rejects with the error in it; a host that cannot be reached with
 * `unavailable`; a call that is cancelled or late with the reason of its signal.
 *
 * The order is Go kit's: encode, `before` in order, the request, `after` in order, decode,
 * `finalizer` in order. When the endpoint has answered, the body is read or cancelled.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param target The URL.
 * @param options Codec, hooks and limits.
 * @returns The endpoint.
 * @throws {TypeError} If `target` is not an `http:` or `https:` URL without credentials, or `method` or
 * `deadlineHeader` cannot be one.
 * @throws {RangeError} If `timeoutMs` or `maxBytes` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { client, server } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const handler = server(({ s }: { s: string }) => Promise.resolve({ v: s.length }));
 * const count = client<{ s: string }, { v: number }>("http://localhost:8080/count", {
 *   fetch: async (url, init) => await handler(new Request(url, init)),
 * });
 * assert.deepEqual(await count({ s: "hello" }, background()), { v: 5 });
 * ```
 */
export function client<Req, Res>(
  target: string | URL,
  options: ClientOptions<Req, Res> = {},
): Endpoint<Req, Res> {
  const {
    method = "POST",
    encode = encodeJson,
    decodeError = parseProblem,
    schema,
    before = [],
    after = [],
    finalizer = [],
    timeoutMs = Infinity,
    maxBytes = DEFAULT_MAX_BYTES,
    redirect = "error",
    deadlineHeader = DEADLINE_HEADER,
  } = options;
  checkPositive("timeoutMs", timeoutMs);
  checkPositive("maxBytes", maxBytes);
  checkHeaderName(deadlineHeader);
  const url = checkedUrl("target", target).href;
  new Request(url, { method });
  const once = options.fetch ?? globalThis.fetch;
  const fetch = redirect === "follow" ? followWithinOrigin(once) : once;

  /** What is sent when nobody has a say in it but the context: without `Headers`, which are dear. */
  function plain(request: Req, ctx: Context): RequestInit {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (deadlineHeader !== false && ctx.deadline !== undefined) {
      headers[deadlineHeader] = formatRemaining(remainingMs(ctx));
    }
    return { method, headers, body: JSON.stringify(request ?? null) };
  }

  async function prepared(request: Req, seen: Seen): Promise<OutgoingRequest> {
    const outgoing: OutgoingRequest = { url, method, headers: new Headers(), body: null };
    const { headers } = outgoing;
    appendOutgoing(seen.ctx, headers, isOfConnection);
    await encode(request, outgoing, seen.ctx);
    for (const prepare of before) seen.ctx = prepare(seen.ctx, headers);
    if (deadlineHeader !== false && seen.ctx.deadline !== undefined) {
      headers.set(deadlineHeader, formatRemaining(remainingMs(seen.ctx)));
    }
    return outgoing;
  }

  const isPlain = encode === encodeJson && before.length === 0 && method !== "GET" &&
    method !== "HEAD";

  async function call(request: Req, seen: Seen): Promise<Res> {
    try {
      throwIfDone(seen.ctx);
      let to = url;
      let init: RequestInit;
      if (
        isPlain && seen.ctx.outgoing === NO_METADATA && chosenHeaders(request) === undefined
      ) {
        init = plain(request, seen.ctx);
      } else {
        const outgoing = await prepared(request, seen);
        to = outgoing.url;
        init = { method: outgoing.method, headers: outgoing.headers, body: outgoing.body ?? null };
      }
      init.redirect = "manual";
      if (seen.ctx.canAbort) init.signal = seen.ctx.signal;
      seen.isSent = true;
      const response = seen.response = await fetch(to, init);
      for (const look of after) seen.ctx = look(seen.ctx, response);
      if (!response.ok) {
        throw decodeError(response, await readErrorText(response, maxBytes), seen.ctx);
      }
      if (options.decode === undefined) return await readResponse(response, maxBytes, schema);
      const result = await options.decode(response, seen.ctx);
      if (!mayHold(result, response)) await discard(response);
      return result;
    } catch (error) {
      if (seen.response !== undefined) await discard(seen.response);
      if (seen.ctx.canAbort) seen.ctx.signal.throwIfAborted();
      throw seen.isSent && seen.response === undefined ? unreachable(error) : error;
    }
  }

  return (request, parent) => {
    const timed = timeoutMs === Infinity ? undefined : withTimeout(parent, timeoutMs);
    const ctx = timed ?? parent;
    const seen: Seen = { ctx, isSent: false, response: undefined };
    const result = call(request, seen);
    if (timed === undefined && finalizer.length === 0) return result;
    return whenDone(result, (error) => {
      timed?.[Symbol.dispose]();
      const { response } = seen;
      const summary = response && { status: response.status, headers: response.headers };
      for (const finish of finalizer) finish(seen.ctx, { error, ...summary });
    });
  };
}

/** What has been seen of a call so far. */
interface Seen {
  ctx: Context;
  isSent: boolean;
  response: Response | undefined;
}

/** Whether what was decoded may still read the body. */
function mayHold(result: unknown, response: Response): boolean {
  return typeof result === "object" && result !== null &&
    (Symbol.asyncIterator in result || result === response);
}

/** Cancels what is left of a body, which would hold the connection. */
async function discard({ body }: Response): Promise<void> {
  if (body !== null && !body.locked) await body.cancel().catch(() => {});
}

function unreachable(cause: unknown): unknown {
  // What is no `TypeError` is the reason of a signal, or another `fetch`'s own.
  if (!(cause instanceof TypeError)) return cause;
  return new KitError("unavailable", "Cannot reach service", { cause });
}

function encodeJson(request: unknown, outgoing: OutgoingRequest): void {
  const { headers, method } = outgoing;
  if (method === "GET" || method === "HEAD") {
    if (request !== undefined) {
      throw new TypeError(`Cannot put request into a body as ${method} has none: set "encode"`);
    }
    return;
  }
  headers.set("content-type", "application/json");
  const more = chosenHeaders(request);
  if (more !== undefined) new Headers(more).forEach((value, name) => headers.set(name, value));
  outgoing.body = JSON.stringify(request ?? null);
}
