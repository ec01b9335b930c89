/**
 * Serves an HTTP handler as a Lambda function.
 * @module
 */
import { background, type Clock, KitError, remainingMs, systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositive } from "@kit/endpoint/check";
import { untilAborted } from "../_client_call.ts";
import { DEADLINE_HEADER, formatRemaining } from "../_deadline.ts";
import { readAll } from "../http/_limit.ts";
import type { Handler } from "../http/handler.ts";
import { problem } from "../http/problem.ts";
import { formOf, type HttpEvent, requestOf, senderOf } from "./_http_event.ts";
import { type HttpResult, resultOf } from "./_http_result.ts";
import { withRemaining } from "./_remaining.ts";
import { functionError } from "./function_error.ts";
import type { LambdaContext, LambdaHandler } from "./handler.ts";

export type { HttpResult } from "./_http_result.ts";

/** Options for {@linkcode httpEvents}. */
export interface HttpEventsOptions {
  /**
   * How long before Lambda gives up the request is aborted and answered with 504.
   * @default {100}
   */
  readonly marginMs?: number;
  /**
   * The most bytes that the body of a response may have; Lambda takes 6 MiB in all, and base64 adds a
   * third.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /** Told of every error that the handler throws, and of responses that cannot be sent. */
  readonly onError?: (error: unknown) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** What an invocation was told of. */
export interface Invocation {
  /** The event. */
  readonly event: unknown;
  /** What Lambda has told besides. */
  readonly context: LambdaContext;
}

const invocations = new WeakMap<Request, Invocation>();

/**
 * Tells the invocation that a request came by, for what an event has beyond HTTP: the claims that an
 * authorizer found, path parameters, the stage.
 * @param request The request, as a handler got it or as `ctx.value(httpRequest)` finds it.
 * @returns The invocation; `undefined` for a request that came otherwise.
 */
export function invocationOf(request: Request): Invocation | undefined {
  return invocations.get(request);
}

/**
 * Serves an HTTP handler as a Lambda function, so that one service is served by HTTP and by Lambda
 * alike: each event becomes a `Request`, and the `Response` becomes the result.
 *
 * It takes the events of API Gateway's HTTP APIs (payload 2.0) and REST APIs (1.0), of function URLs,
 * and of load balancers with and without headers of several values. A body that is not UTF-8 is
 * answered in base64. A streamed response is gathered, as such a result is one piece.
 *
 * The remaining time of the invocation, less `marginMs`, is the deadline of the call, or what the
 * caller's own header says if that is less; when it passes, the handler's signal is aborted and 504 is
 * answered.
 * @param handler The handler: `server`, `routes` or any other.
 * @param options Limits.
 * @returns The Lambda handler. It rejects only for an event that tells of no HTTP request.
 * @throws {RangeError} If `marginMs` is negative or `maxBytes` is not a positive number.
 * @example Usage
 * ```ts
 * import { httpEvents } from "@kit/transport/awslambda";
 * import { routes, server } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const uppercase = server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }));
 * const handler = httpEvents(routes({ "POST /uppercase": uppercase }));
 * const result = await handler({
 *   version: "2.0",
 *   rawPath: "/uppercase",
 *   rawQueryString: "",
 *   headers: { host: "api.example" },
 *   requestContext: { http: { method: "POST", sourceIp: "192.0.2.1" } },
 *   body: `{"s":"hello"}`,
 * });
 * assert.equal(result.body, `{"v":"HELLO"}`);
 * ```
 */
export function httpEvents(
  handler: Handler,
  options: HttpEventsOptions = {},
): LambdaHandler<unknown, HttpResult> {
  const { marginMs = 100, maxBytes = 4 * 1024 * 1024, onError, clock = systemClock } = options;
  checkNonNegative("marginMs", marginMs);
  checkPositive("maxBytes", maxBytes);

  function tell(error: unknown): void {
    try {
      onError?.(error);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
  }

  async function call(request: Request, info: Info, ends: Ends): Promise<[Response, Uint8Array]> {
    const response = await handler(request, info);
    if (info.signal.aborted) response.body?.cancel().catch(() => {});
    // A body that is read for longer than anybody waits is given up.
    ends.cancel = () => {
      if (response.body?.locked === false) response.body.cancel().catch(() => {});
    };
    const body = response.body === null
      ? new Uint8Array()
      : await readAll(untilEnd(response.body, ends), maxBytes, tooLarge);
    return [response, body];
  }

  return async (event, context = {}) => {
    let form: ReturnType<typeof formOf>;
    try {
      form = formOf(event);
    } catch (error) {
      tell(error);
      throw functionError(error);
    }
    const { ctx, end } = withRemaining(background(), context, marginMs, clock);
    let complete!: () => void;
    const completed = new Promise<void>((resolve) => complete = resolve);
    const ends: Ends = {};
    let found: [Response, Uint8Array];
    try {
      const request = readRequest(event as HttpEvent, form);
      const ownMs = Number(request.headers.get(DEADLINE_HEADER) ?? Infinity);
      const remaining = remainingMs(ctx, { clock });
      if (remaining <= 0) throw new KitError("deadline_exceeded", "Deadline exceeded");
      if (remaining < ownMs && remaining !== Infinity) {
        request.headers.set(DEADLINE_HEADER, formatRemaining(remaining));
      }
      invocations.set(request, { event, context });
      const hostname = senderOf(event as HttpEvent, request.headers);
      const remoteAddr = hostname === undefined ? {} : { hostname };
      const info = { remoteAddr, completed, signal: ctx.signal };
      found = await untilAborted(call(request, info, ends), ctx, () => ends.cancel?.());
    } catch (error) {
      tell(error);
      const response = problem(error);
      found = [response, new Uint8Array(await response.arrayBuffer())];
    }
    complete();
    end();
    return resultOf(...found, form);
  };
}

interface Info {
  readonly remoteAddr: { readonly hostname?: string };
  readonly completed: Promise<void>;
  readonly signal: AbortSignal;
}

/** How what is still going on is ended. */
interface Ends {
  cancel?: () => void;
}

/** The pieces of a body, which can be given up while one is waited for. */
async function* untilEnd(body: ReadableStream<Uint8Array>, ends: Ends): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  ends.cancel = () => void reader.cancel().catch(() => {});
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function readRequest(event: HttpEvent, form: ReturnType<typeof formOf>): Request {
  try {
    return requestOf(event, form);
  } catch (cause) {
    throw new KitError("invalid_argument", "Cannot read event as it is of no valid request", {
      cause,
    });
  }
}

function tooLarge(maxBytes: number): KitError {
  return new KitError("internal", `Cannot answer as the body has more than ${maxBytes} bytes`);
}
