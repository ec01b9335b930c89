/**
 * Calls endpoints with streams over WebSocket.
 * @module
 */
import {
  type Clock,
  type Context,
  type Endpoint,
  KitError,
  remainingMs,
  systemClock,
} from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { caller, untilAborted } from "../_client_call.ts";
import { appendOutgoing } from "../_outgoing_metadata.ts";
import { checkHeaderName, DEADLINE_HEADER, formatRemaining } from "../_deadline.ts";
import { type Schema, validate } from "../schema.ts";
import { Channel, CREDIT_PROTOCOL, PLAIN_PROTOCOL } from "./_channel.ts";
import { checkedUrl } from "./_checked_url.ts";
import { isOfConnection } from "./_hop_by_hop.ts";
import { DEFAULT_MAX_BYTES } from "./_limit.ts";
import { connectWebSocket } from "./_runtime.ts";
import type { HeadersFunc } from "./functions.ts";

/**
 * Options for {@linkcode webSocketClient}.
 * @typeParam Res The response, or one item of a streamed response.
 */
export interface WebSocketClientOptions<Res> {
  /** What the response, or each item of it, must be; anything else rejects with `internal`. */
  readonly schema?: Schema<Res>;
  /**
   * Run in order before the WebSocket is opened; each may set headers and derive the context.
   * @default {[]}
   */
  readonly before?: readonly HeadersFunc[];
  /**
   * Run in order once the call is over, with the error if it failed. They must not throw.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * How long a call may take, besides the deadline of its context.
   * @default {Infinity}
   */
  readonly timeoutMs?: number;
  /**
   * The most bytes that a message may have; without flow control also the most that may wait for the
   * caller.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * The request header that tells how many milliseconds are left; `false` for none.
   * @default {"x-request-timeout-ms"}
   */
  readonly deadlineHeader?: string | false;
  /**
   * The subprotocols to offer.
   * @default {["kit.stream.credit", "kit.stream"]}
   */
  readonly protocols?: readonly string[];
  /**
   * Opens a WebSocket.
   * @default The platform's own, with the headers everywhere but in browsers, which take none.
   */
  readonly connect?: (
    url: string,
    protocols: string[],
    headers: Record<string, string>,
  ) => WebSocket;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** What a call is opened with. */
interface Opening {
  readonly headers: Headers;
  readonly requests: AsyncIterable<unknown>;
}

/** A call that is open. */
interface Opened {
  readonly channel: Channel;
  readonly requests: AsyncIterable<unknown>;
}

/**
 * Makes an endpoint that calls over WebSocket, as {@linkcode webSocketServer} serves it: its request
 * is a stream, and so is its response.
 *
 * The endpoint resolves when the WebSocket is open; the call is over when the iteration of the
 * response ends, and leaving the loop cancels it. Sent along as headers, but in browsers, are the
 * outgoing metadata of the context and what is left of its deadline. A connection that cannot be
 * opened, or is cut, fails the call with `unavailable`.
 * @typeParam Req An item of the request.
 * @typeParam Res An item of the response.
 * @param target The URL: `ws:`, `wss:`, `http:` or `https:`.
 * @param options Hooks and limits.
 * @returns The endpoint.
 * @throws {TypeError} If `target` is no such URL, or has credentials, or `deadlineHeader` is no name of
 * a header.
 * @throws {RangeError} If `timeoutMs` or `maxBytes` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { serve, webSocketClient, webSocketServer } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * async function sum(numbers: AsyncIterable<number>) {
 *   let total = 0;
 *   for await (const n of numbers) total += n;
 *   return total;
 * }
 * await using running = serve(webSocketServer(sum), { listen: "127.0.0.1:0" });
 * const call = webSocketClient<number, number>(`ws://127.0.0.1:${running.addr.port}`, {
 *   responses: "one",
 * });
 * async function* numbers() {
 *   yield 1;
 *   yield 2;
 * }
 * assert.equal(await call(numbers(), background()), 3);
 * ```
 */
export function webSocketClient<Req, Res>(
  target: string | URL,
  options?: WebSocketClientOptions<Res> & { readonly responses?: "stream" },
): Endpoint<AsyncIterable<Req>, AsyncIterable<Res>>;
/**
 * Makes an endpoint that sends a stream over WebSocket and gets one response.
 * @typeParam Req An item of the request.
 * @typeParam Res The response.
 * @param target The URL: `ws:`, `wss:`, `http:` or `https:`.
 * @param options Hooks and limits; `responses: "one"` says that the response is no stream.
 * @returns The endpoint.
 */
export function webSocketClient<Req, Res>(
  target: string | URL,
  options: WebSocketClientOptions<Res> & { readonly responses: "one" },
): Endpoint<AsyncIterable<Req>, Res>;
export function webSocketClient<Req, Res>(
  target: string | URL,
  options: WebSocketClientOptions<Res> & { readonly responses?: "one" | "stream" } = {},
): Endpoint<AsyncIterable<Req>, Res | AsyncIterable<Res>> {
  const {
    responses = "stream",
    schema,
    before = [],
    finalizer = [],
    timeoutMs = Infinity,
    maxBytes = DEFAULT_MAX_BYTES,
    deadlineHeader = DEADLINE_HEADER,
    protocols = [CREDIT_PROTOCOL, PLAIN_PROTOCOL],
    connect = connectWebSocket,
    clock = systemClock,
  } = options;
  checkPositive("timeoutMs", timeoutMs);
  checkPositive("maxBytes", maxBytes);
  checkHeaderName(deadlineHeader);
  const url = checkedUrl("target", String(target).replace(/^ws/i, "http")).href
    .replace(/^http/, "ws");

  async function send({ headers, requests }: Opening, ctx: Context): Promise<Opened> {
    if (deadlineHeader !== false && ctx.deadline !== undefined) {
      headers.set(deadlineHeader, formatRemaining(remainingMs(ctx)));
    }
    const socket = connect(url, [...protocols], Object.fromEntries(headers));
    const opened = new Promise<Channel>((resolve, reject) => {
      const fail = () => reject(new KitError("unavailable", "Cannot open WebSocket"));
      socket.onopen = () => {
        const isCredited = socket.protocol === CREDIT_PROTOCOL;
        resolve(new Channel(socket, { maxBytes, clock, badCode: "internal", isCredited }));
      };
      socket.onerror = (event) => {
        event.preventDefault();
        fail();
      };
      socket.onclose = fail;
    });
    const channel = await untilAborted(opened, ctx, () => socket.close());
    return { channel, requests };
  }

  function decode(opened: Opened, ctx: Context): AsyncIterable<Res> | Promise<Res> {
    const stream = new Responses<Res>(opened, ctx, schema);
    return responses === "stream" ? stream : only(stream);
  }

  return caller<AsyncIterable<Req>, Res | AsyncIterable<Res>, Opening, Opened>({
    encode(requests, ctx) {
      const headers = new Headers();
      appendOutgoing(ctx, headers, isOfHandshake);
      return { headers, requests };
    },
    before: before.map((prepare) => (ctx: Context, { headers }: Opening) => prepare(ctx, headers)),
    send,
    after: [],
    decode,
    finalizer,
    timeoutMs,
  });
}

/** Whether a header is about the connection, and so is the WebSocket's to set. */
function isOfHandshake(name: string): boolean {
  return isOfConnection(name) || name.startsWith("sec-websocket-");
}

/** The responses of a call that is open. */
class Responses<Res> implements AsyncIterableIterator<Res, undefined> {
  readonly #channel: Channel;
  readonly #ctx: Context;
  readonly #schema: Schema<Res> | undefined;
  #isOver = false;
  readonly #onAbort = () => this.#channel.abandon(this.#ctx.signal.reason);

  constructor(
    { channel, requests }: Opened,
    ctx: Context,
    schema: Schema<Res> | undefined,
  ) {
    this.#channel = channel;
    this.#ctx = ctx;
    this.#schema = schema;
    if (ctx.canAbort) {
      ctx.signal.addEventListener("abort", this.#onAbort, { once: true });
      if (ctx.signal.aborted) this.#onAbort();
    }
    // What goes wrong with the requests comes out of the responses.
    channel.sendAll(requests).then(() => channel.end(), (error) => channel.abandon(error));
  }

  async next(): Promise<IteratorResult<Res, undefined>> {
    try {
      const { done, value } = await this.#channel.next();
      if (!done) return { done, value: await this.#validated(value) };
      this.#end(() => this.#channel.close());
      return { done: true, value: undefined };
    } catch (error) {
      this.#end(() => this.#channel.abandon(error));
      throw error;
    }
  }

  return(): Promise<IteratorResult<Res, undefined>> {
    this.#channel.return();
    this.#end(() => this.#channel.abandon(new KitError("cancelled", "Caller has gone")));
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #validated(value: unknown): Promise<Res> {
    if (this.#schema === undefined) return value as Res;
    try {
      return await validate(this.#schema, value, "response");
    } catch (cause) {
      // The caller's own request was in order, so it is not told `invalid_argument`.
      throw new KitError("internal", (cause as Error).message, { cause });
    }
  }

  #end(close: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#ctx.canAbort) this.#ctx.signal.removeEventListener("abort", this.#onAbort);
    close();
  }
}

/** Takes the one response there is. */
async function only<Res>(stream: AsyncIterable<Res>): Promise<Res> {
  let first: { readonly value: Res } | undefined;
  for await (const value of stream) first ??= { value };
  if (first === undefined) {
    throw new KitError("internal", "Cannot decode response as there is none");
  }
  return first.value;
}
