/**
 * Serves endpoints with streams over WebSocket.
 * @module
 */
import { type Clock, type Context, type Endpoint, systemClock, throwIfDone } from "@kit/endpoint";
import { checkPositive } from "@kit/endpoint/check";
import { checkHeaderName, DEADLINE_HEADER } from "../_deadline.ts";
import { answer } from "../_server_call.ts";
import { type Schema, validate } from "../schema.ts";
import { Channel, CREDIT_PROTOCOL } from "./_channel.ts";
import { RequestContext } from "./_context.ts";
import { isStream } from "./_is_stream.ts";
import { DEFAULT_MAX_BYTES } from "./_limit.ts";
import { upgradeWebSocket } from "./_runtime.ts";
import { checkUpgrade, chosenProtocol } from "./_upgrade.ts";
import type { ServerRequestFunc } from "./functions.ts";
import type { Handler, HandlerInfo } from "./handler.ts";
import { problem } from "./problem.ts";

/**
 * Options for {@linkcode webSocketServer}.
 * @typeParam Req One item of the request.
 */
export interface WebSocketServerOptions<Req> {
  /** What each item of the request must be; anything else fails the call with the fields that are wrong. */
  readonly schema?: Schema<Req>;
  /**
   * Run in order before the WebSocket is opened; each may derive the context, or refuse the call by
   * throwing, which is answered as by {@linkcode server}.
   * @default {[]}
   */
  readonly before?: readonly ServerRequestFunc[];
  /**
   * Run in order once the call is over, with the error if it failed. They must not throw; `onError`
   * is told if they do.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * Makes the answer to a request that is refused before the WebSocket is opened.
   * @default {problem}
   */
  readonly encodeError?: (error: unknown, ctx: Context, request: Request) => Response;
  /** Told of every error, to log it. It cannot change what comes of it, not even by throwing. */
  readonly onError?: (error: unknown, ctx: Context) => void;
  /**
   * Origins whose pages may connect, such as `"https://app.example"`; `"*"` allows all. Browsers
   * hold WebSockets to no rule of theirs and send their cookies along.
   * @default The host that the request names. Who is no browser sends no origin and may connect.
   */
  readonly origins?: readonly string[];
  /**
   * The most bytes that a message may have; without flow control also the most that may wait for the
   * endpoint. The runtime itself reads up to 64 MiB.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * After how many milliseconds without a sign of life of the peer, which is asked for one halfway,
   * the connection is closed; whole seconds.
   * @default {30000}
   */
  readonly idleTimeoutMs?: number;
  /**
   * The request header that tells how many milliseconds the caller still waits; `false` for none.
   * @default {"x-request-timeout-ms"}
   */
  readonly deadlineHeader?: string | false;
  /**
   * Turns the request into a WebSocket.
   * @default {Deno.upgradeWebSocket}
   */
  readonly upgrade?: (request: Request, options: UpgradeOptions) => UpgradeResult;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** What an upgrade is told. */
export interface UpgradeOptions {
  /** The subprotocol that was chosen; none where the client has offered none. */
  readonly protocol?: string;
  /** After how many seconds without a sign of life the connection is closed. */
  readonly idleTimeout?: number;
}

/** What an upgrade makes. */
export interface UpgradeResult {
  /** The server's side, not open yet. */
  readonly socket: WebSocket;
  /** What answers the request. */
  readonly response: Response;
}

/**
 * Serves an endpoint whose request is a stream over WebSocket, whether its response is one or not.
 *
 * Messages are JSON. A client sends `{"item":…}` for each item, and `{"end":true}` after the last; the
 * service sends the same, and closes with 1000 after its end. An error is sent as
 * `{"error":{"code":…,"message":…}}`, and closes with 4000 and gRPC's number of its code. A connection
 * that closes without `end` or `error` was cut.
 *
 * A client that offers the subprotocol `kit.stream.credit` is sent, and has to send, messages
 * `{"credit":8}`: as many more items may come. So a slow reader slows its writer in both directions.
 * Without it, as by hand in a browser, only the socket's own buffer slows the service, and a client
 * whose items wait in more than `maxBytes` is refused with `resource_exhausted`.
 *
 * The signal of the context is aborted when the client goes, when the deadline passes, and when the
 * host stops: `serve` counts the call as in flight and closes with 1001 at the end of its drain.
 * @typeParam Req An item of the request.
 * @typeParam Res The response: a value, or an `AsyncIterable`.
 * @param endpoint The endpoint.
 * @param options Hooks and limits.
 * @returns A handler. It never rejects.
 * @throws {RangeError} If `maxBytes` or `idleTimeoutMs` is not a positive number.
 * @throws {TypeError} If `deadlineHeader` is no name of a header.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { serve, webSocketClient, webSocketServer } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * async function* double(numbers: AsyncIterable<number>) {
 *   for await (const n of numbers) yield 2 * n;
 * }
 * const handler = webSocketServer((numbers: AsyncIterable<number>) =>
 *   Promise.resolve(double(numbers))
 * );
 * await using running = serve(handler, { listen: "127.0.0.1:0" });
 * const call = webSocketClient<number, number>(`ws://127.0.0.1:${running.addr.port}`);
 * async function* numbers() {
 *   yield 1;
 *   yield 2;
 * }
 * const seen = [];
 * for await (const n of await call(numbers(), background())) seen.push(n);
 * assert.deepEqual(seen, [2, 4]);
 * ```
 */
export function webSocketServer<Req, Res>(
  endpoint: Endpoint<AsyncIterable<Req>, Res>,
  options: WebSocketServerOptions<Req> = {},
): Handler {
  const {
    schema,
    before = [],
    finalizer = [],
    encodeError = problem,
    onError,
    origins,
    maxBytes = DEFAULT_MAX_BYTES,
    idleTimeoutMs = 30_000,
    deadlineHeader = DEADLINE_HEADER,
    upgrade = upgradeWebSocket,
    clock = systemClock,
  } = options;
  checkPositive("maxBytes", maxBytes);
  checkPositive("idleTimeoutMs", idleTimeoutMs);
  checkHeaderName(deadlineHeader);
  const idleTimeout = idleTimeoutMs === Infinity
    ? 0
    : Math.max(1, Math.round(idleTimeoutMs / 1000));

  function refuse(error: unknown, ctx: Context, request: Request): Response {
    try {
      onError?.(error, ctx);
      return encodeError(error, ctx, request);
    } catch {
      // A hook must not take the answer away.
      return problem(error);
    }
  }

  function run(channel: Channel, ctx: Context): Promise<void> {
    const { signal } = ctx;
    const onAbort = () => channel.fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    return answer(
      {
        before: [],
        decode: () => items(channel, schema),
        endpoint,
        after: [],
        encode: (response) => respond(channel, response),
        encodeError: (error) => channel.fail(error),
        defaultError: (error) => channel.fail(error),
        finalizer: [
          () => {
            channel.onBroken = undefined;
            signal.removeEventListener("abort", onAbort);
          },
          ...finalizer,
        ],
        onError,
      },
      ctx,
      undefined,
      undefined,
    );
  }

  return (request, info) => {
    let end!: () => void;
    const over = new Promise<void>((resolve) => end = resolve);
    const lost = new AbortController();
    // The host lets go of its request as soon as the WebSocket is open.
    const kept = new Request(request.url, { headers: request.headers });
    const own = new RequestContext(kept, infoOf(info, lost.signal, over), deadlineHeader);
    let ctx: Context = own;
    let upgraded: UpgradeResult;
    // The runtime's own socket does not tell it on this side.
    const protocol = chosenProtocol(request);
    try {
      checkUpgrade(request, origins);
      own.readDeadline();
      for (const prepare of before) ctx = prepare(ctx, kept);
      throwIfDone(ctx);
      upgraded = upgrade(request, { idleTimeout, ...(protocol === undefined ? {} : { protocol }) });
    } catch (error) {
      end();
      return refuse(error, ctx, request);
    }
    own.release();
    const { socket, response } = upgraded;
    let channel: Channel | undefined;
    info?.hold?.(
      over,
      (reason) => channel === undefined ? end() : channel.fail(reason, GOING_AWAY),
    );
    socket.onopen = () => {
      const opened = channel = new Channel(socket, {
        maxBytes,
        clock,
        badCode: "invalid_argument",
        isCredited: protocol === CREDIT_PROTOCOL,
      });
      opened.onBroken = (error) => lost.abort(error);
      run(opened, ctx).then(() => opened.closed).then(end, end);
    };
    socket.onerror = (event) => event.preventDefault();
    socket.onclose = () => end();
    return response;
  };
}

/** RFC 6455 section 7.4.1. */
const GOING_AWAY = 1001;

function infoOf(
  info: HandlerInfo | undefined,
  signal: AbortSignal,
  completed: Promise<void>,
): HandlerInfo {
  const { remoteAddr } = info ?? {};
  return { signal, completed, ...(remoteAddr === undefined ? {} : { remoteAddr }) };
}

/** What comes in, validated. */
function items<Req>(channel: Channel, schema: Schema<Req> | undefined): AsyncIterable<Req> {
  if (schema === undefined) return channel as AsyncIterable<unknown> as AsyncIterable<Req>;
  const iterator: AsyncIterableIterator<Req, undefined> = {
    async next() {
      const { done, value } = await channel.next();
      return done ? { done, value: undefined } : {
        done: false,
        value: await validate(schema, value, "item"),
      };
    },
    async return() {
      await channel.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

async function respond(channel: Channel, response: unknown): Promise<void> {
  if (isStream(response)) await channel.sendAll(response);
  else await channel.send(response);
  channel.end();
  channel.close();
}
