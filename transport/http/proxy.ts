/**
 * A reverse proxy to one origin.
 * @module
 */
import { background, type Context, KitError } from "@kit/endpoint";
import { RequestContext } from "./_context.ts";
import type { HeadersFunc } from "./functions.ts";
import type { Handler } from "./handler.ts";
import { HttpError } from "./http_error.ts";
import { remoteAddress } from "./keys.ts";
import { problem } from "./problem.ts";

/** Headers that concern one connection only (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Codings that `fetch` has undone by the time the response is here. */
const DECODED = /^(gzip|x-gzip|br)$/i;

/** Options for {@linkcode proxy}. */
export interface ProxyOptions {
  /**
   * Run in order on the headers of the outgoing request; each may derive the context.
   * @default {[]}
   */
  readonly before?: readonly HeadersFunc[];
  /** Told when the origin cannot be reached, to log it. */
  readonly onError?: (error: unknown, ctx: Context) => void;
  /**
   * Makes the answer when the origin cannot be reached.
   * @default {problem} With status 502.
   */
  readonly encodeError?: (error: unknown, ctx: Context, request: Request) => Response;
  /**
   * Sends the request.
   * @default {fetch}
   */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/**
 * Forwards every request to one origin, and its answer back: status, headers and body as they are,
 * bodies as streams both ways. The path is put behind that of the base, and the queries are joined.
 * Redirects go back to the caller. `X-Forwarded-For`, `-Host` and `-Proto` are set; headers of one
 * hop are left out.
 * @param base The origin, with a path if there is one.
 * @param options Hooks.
 * @returns The handler. It never rejects.
 * @throws {TypeError} If `base` is not an `http:` or `https:` URL.
 * @example Usage
 * ```ts
 * import { proxy } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const handler = proxy("http://origin:8080/api?v=1", {
 *   fetch: (url) => Promise.resolve(new Response(url)),
 * });
 * const response = await handler(new Request("http://localhost/count?of=hello"));
 * assert.equal(await response.text(), "http://origin:8080/api/count?v=1&of=hello");
 * ```
 */
export function proxy(base: string | URL, options: ProxyOptions = {}): Handler {
  const { before = [], onError, encodeError = problem, fetch = globalThis.fetch } = options;
  const origin = URL.parse(base);
  if (origin === null || !/^https?:$/.test(origin.protocol)) {
    throw new TypeError(
      `Cannot use "base" as it must be an http or https URL: current value is "${base}"`,
    );
  }

  return async (request, info) => {
    let ctx: Context = background();
    try {
      ctx = new RequestContext(request, info);
      const headers = forwarded(request, ctx);
      for (const prepare of before) ctx = prepare(ctx, headers);
      const response = await fetch(join(origin, new URL(request.url)), {
        method: request.method,
        headers,
        body: request.body,
        redirect: "manual",
        signal: request.signal,
      });
      return returned(response);
    } catch (cause) {
      onError?.(cause, ctx);
      const error = request.signal.aborted
        ? new KitError("cancelled", "Call was cancelled", { cause })
        : new HttpError(502, "Cannot reach origin", { cause });
      return encodeError(error, ctx, request);
    }
  };
}

function join(origin: URL, { pathname, search }: URL): string {
  const url = new URL(origin);
  url.pathname = origin.pathname.replace(/\/$/, "") + pathname;
  url.search = [origin.search.slice(1), search.slice(1)].filter((part) => part !== "").join("&");
  return url.href;
}

function forwarded(request: Request, ctx: Context): Headers {
  const headers = withoutHop(request.headers);
  const { host, protocol } = new URL(request.url);
  const client = ctx.value(remoteAddress)?.replace(/:\d+$/, "");
  if (client !== undefined) headers.append("x-forwarded-for", client);
  headers.set("x-forwarded-host", request.headers.get("host") ?? host);
  headers.set("x-forwarded-proto", protocol.slice(0, -1));
  headers.delete("host");
  return headers;
}

function returned(response: Response): Response {
  const headers = withoutHop(response.headers);
  if (DECODED.test(headers.get("content-encoding") ?? "")) {
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

function withoutHop(source: Headers): Headers {
  const headers = new Headers(source);
  for (const name of headers.get("connection")?.split(",") ?? []) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name.trim())) headers.delete(name.trim());
  }
  for (const name of HOP_BY_HOP) headers.delete(name);
  return headers;
}
