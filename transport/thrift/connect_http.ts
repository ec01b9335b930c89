/**
 * Calls over HTTP.
 * @module
 */
import { type Context, isKitError, KitError, remainingMs } from "@kit/endpoint";
import { checkPositiveInteger } from "@kit/endpoint/check";
import { checkHeaderName, DEADLINE_HEADER, formatRemaining } from "../_deadline.ts";
import { checkedUrl } from "../http/_checked_url.ts";
import { readAll } from "../http/_limit.ts";
import { parseProblem } from "../http/problem.ts";
import { DEFAULT_MAX_BYTES } from "./_limits.ts";
import type { Connection, OutgoingCall } from "./connection.ts";
import { CONTENT_TYPE } from "./handler.ts";
import { parseProtocol, type Protocol } from "./protocol.ts";

/** Options for {@linkcode connectHttp}. */
export interface ConnectHttpOptions {
  /**
   * The protocol of the messages.
   * @default {"binary"}
   */
  readonly protocol?: Protocol;
  /**
   * The most bytes that a reply may have, decompressed.
   * @default {4194304}
   */
  readonly maxBytes?: number;
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
 * Makes a way to a server that speaks Thrift over HTTP. The outgoing metadata of a call goes along as
 * headers, and what is left of its deadline.
 * @param target The URL.
 * @param options The protocol and limits.
 * @returns The connection, for {@linkcode client}. Disposing of it frees nothing, as `fetch` keeps the
 * sockets.
 * @throws {TypeError} If `target` is not an `http:` or `https:` URL without credentials, or `protocol`
 * or `deadlineHeader` cannot be one.
 * @throws {RangeError} If `maxBytes` is not a positive integer.
 * @example Usage
 * ```ts
 * import { connectHttp } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * using connection = connectHttp("http://localhost:9090/thrift", { protocol: "json" });
 * assert(connection.hasHeaders);
 * ```
 */
export function connectHttp(target: string | URL, options: ConnectHttpOptions = {}): Connection {
  const {
    maxBytes = DEFAULT_MAX_BYTES,
    deadlineHeader = DEADLINE_HEADER,
    fetch = globalThis.fetch,
  } = options;
  const protocol = parseProtocol(options.protocol ?? "binary");
  const url = checkedUrl("target", target).href;
  checkPositiveInteger("maxBytes", maxBytes);
  checkHeaderName(deadlineHeader);

  async function send(
    message: Uint8Array,
    call: OutgoingCall,
    ctx: Context,
  ): Promise<Uint8Array | undefined> {
    const headers = call.headers ?? new Headers();
    headers.set("content-type", CONTENT_TYPE);
    headers.set("accept", CONTENT_TYPE);
    if (deadlineHeader !== false && ctx.deadline !== undefined) {
      headers.set(deadlineHeader, formatRemaining(remainingMs(ctx)));
    }
    const init: RequestInit = {
      method: "POST",
      headers,
      body: message as Uint8Array<ArrayBuffer>,
      redirect: "manual",
    };
    if (ctx.canAbort) init.signal = ctx.signal;
    try {
      const response = await fetch(url, init);
      const bytes = response.body === null ? undefined : await readReply(response, maxBytes);
      if (response.ok) return call.isOneway ? undefined : bytes ?? new Uint8Array();
      throw parseProblem(response, new TextDecoder().decode(bytes));
    } catch (cause) {
      if (isKitError(cause) || !(cause instanceof TypeError)) throw cause;
      throw new KitError("unavailable", "Cannot reach service", { cause });
    }
  }

  return { protocol, hasHeaders: true, send, [Symbol.dispose]: () => {} };
}

function readReply(response: Response, maxBytes: number): Promise<Uint8Array> {
  return readAll(response.body!, maxBytes, () =>
    new KitError(
      "resource_exhausted",
      `Cannot read reply as it has more than ${maxBytes} bytes`,
    ));
}
