/**
 * A reverse proxy to one origin.
 * @module
 */
import type { Context } from "@kit/endpoint";
import { checkedUrl } from "./_checked_url.ts";
import { RequestContext } from "./_context.ts";
import { HOP_BY_HOP } from "./_hop_by_hop.ts";
import type { HeadersFunc } from "./functions.ts";
import type { Handler } from "./handler.ts";
import { HttpError } from "./http_error.ts";
import { remoteAddress } from "./keys.ts";
import { problem } from "./problem.ts";

/** Codings that `fetch` has undone by the time the response is here. */
const DECODED = /^(gzip|br)$/i;

/** Options for {@linkcode proxy}. */
export interface ProxyOptions {
  /**
   * Run in order on the headers of the outgoing request; each may derive the context, whose signal
   * then ends the request.
   * @default {[]}
   */
  readonly before?: readonly HeadersFunc[];
  /** Told when the origin cannot be reached or `before` throws, to log it. */
  readonly onError?: (error: unknown, ctx: Context) => void;
  /**
   * Makes the answer when the origin cannot be reached (status 502) or `before` throws.
   * @default {problem}
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
 *
 * It runs on `fetch`: a compressed answer arrives decompressed, and what `fetch` cannot send, a `GET`
 * with a body, `TRACE` and a switch of protocols, cannot be forwarded.
 * @param base The origin, with a path if there is one.
 * @param options Hooks.
 * @returns The handler. It never rejects.
 * @throws {TypeError} If `base` is not an `http:` or `https:` URL without credentials.
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
  const origin = checkedUrl("base", base);
  const { href } = origin;

  async function forward(request: Request, ctx: Context, seen: { ctx: Context }) {
    const headers = forwarded(request, ctx);
    for (const prepare of before) seen.ctx = ctx = prepare(ctx, headers);
    const { signal } = ctx;
    const response = await fetch(join(href, new URL(request.url)), {
      method: request.method,
      headers,
      body: request.body,
      redirect: "manual",
      signal,
    }).catch((cause) => {
      if (signal.aborted) throw signal.reason;
      throw new HttpError(502, "Cannot reach origin", { cause });
    });
    return returned(response);
  }

  return async (request, info) => {
    const seen: { ctx: Context } = { ctx: new RequestContext(request, info) };
    try {
      return await forward(request, seen.ctx, seen);
    } catch (error) {
      try {
        onError?.(error, seen.ctx);
        return encodeError(error, seen.ctx, request);
      } catch {
        // A hook must not take the answer away.
        return problem(error);
      }
    }
  };
}

function join(base: string, { pathname, search }: URL): string {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/$/, "") + pathname;
  url.search = [url.search.slice(1), search.slice(1)].filter((part) => part !== "").join("&");
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
  // How long the body is on the way is `fetch`'s to say.
  headers.delete("content-length");
  return headers;
}

function returned({ status, statusText, headers: received, body }: Response): Response {
  const headers = withoutHop(received);
  if (DECODED.test(headers.get("content-encoding") ?? "")) {
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  return new Response(body, { status, statusText, headers });
}

function withoutHop(source: Headers): Headers {
  const headers = new Headers(source);
  for (const part of headers.get("connection")?.split(",") ?? []) {
    const name = part.trim();
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) headers.delete(name);
  }
  for (const name of HOP_BY_HOP) headers.delete(name);
  return headers;
}
