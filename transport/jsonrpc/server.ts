/**
 * Serves endpoints by JSON-RPC 2.0 over HTTP.
 * @module
 */
import type { Context } from "@kit/endpoint";
import { checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { checkHeaderName, DEADLINE_HEADER } from "../_deadline.ts";
import { DEFAULT_MAX_BYTES } from "../http/_limit.ts";
import type { HeadersFunc } from "../http/functions.ts";
import type { Handler } from "../http/handler.ts";
import { HttpError } from "../http/http_error.ts";
import type { ServerOptions as HttpServerOptions } from "../http/server.ts";
import { type Binding, exchange } from "./_exchange.ts";
import { invalidSteps, methodSteps, type Steps, unknownSteps } from "./_steps.ts";
import { type ErrorObject, errorObject } from "./error_object.ts";
import type { Method } from "./method.ts";
import type { RpcRequest } from "./request.ts";
import { INVALID_REQUEST } from "./rpc_codes.ts";

/** Options for {@linkcode server}. */
export interface ServerOptions extends
  Pick<
    HttpServerOptions<unknown, unknown>,
    "before" | "maxBytes" | "strict" | "decompress" | "deadlineHeader"
  > {
  /**
   * Run in order for each call, before its method is looked up; each may derive the context, in which
   * {@linkcode requestMethod} and {@linkcode requestId} are already. `before` runs once for the HTTP
   * request, before its body is read.
   * @default {[]}
   */
  readonly beforeCodec?: readonly ((ctx: Context, call: RpcRequest) => Context)[];
  /**
   * Run in order after the endpoint has answered, before the result is encoded; not run when it failed.
   * Each may derive the context and set headers of the HTTP response, which all calls of a batch share.
   * @default {[]}
   */
  readonly after?: readonly HeadersFunc[];
  /**
   * Run in order when a call is over, whether it failed or not; also once for an HTTP request in which
   * no call was found. They must not throw; `onError` is told if they do.
   * @default {[]}
   */
  readonly finalizer?: readonly ((ctx: Context, error: unknown) => void)[];
  /**
   * Makes the error object for a call that failed; it may set headers of the HTTP response. The status
   * stays 200, as one HTTP response may answer many calls.
   * @default {errorObject} and the `headers()` of the error
   */
  readonly encodeError?: (error: unknown, ctx: Context, headers: Headers) => ErrorObject;
  /**
   * Told of every error, before `encodeError`, to log it. It is the only one to hear of the errors of
   * notifications. It cannot change what comes of it, not even by throwing.
   */
  readonly onError?: (error: unknown, ctx: Context) => void;
  /**
   * The most calls in a batch; a larger one is refused as a whole.
   * @default {100}
   */
  readonly maxBatch?: number;
  /**
   * Whether calls are taken that name no version, or an empty one, as clients of Go kit did before
   * v0.11.
   * @default {false}
   */
  readonly lenient?: boolean;
  /**
   * How many calls of one batch run at once.
   * @default {16}
   */
  readonly batchConcurrency?: number;
}

/**
 * Serves endpoints by JSON-RPC 2.0 over HTTP: calls, notifications and batches of both.
 *
 * The order is Go kit's: `before`, the body, and then for each call `beforeCodec`, the lookup of the
 * method, decode, the endpoint, `after`, encode, `finalizer`. An error goes to `onError` and then to
 * `encodeError`, and skips the rest but the finalizers.
 *
 * Calls are answered with status 200, whether they fail or not, in the order in which they came;
 * where there are only notifications, with 204 and no body once they are done. What is no request is
 * answered by -32700 or -32600; where HTTP has a status for it, such as 405 or 413, it has that too.
 * @param methods The methods by name.
 * @param options Hooks and limits.
 * @returns A handler for `Deno.serve`, `routes` of the HTTP transport, Hono and other hosts. It never
 * rejects.
 * @throws {RangeError} If `maxBytes` is not a positive number, or `maxBatch` or `batchConcurrency` not
 * a positive integer.
 * @throws {TypeError} If a method was not made by `method`, or `deadlineHeader` is no name of a header.
 * @example Usage
 * ```ts
 * import { method, server } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * const handler = server({
 *   uppercase: method(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() })),
 * });
 * const body = `{"jsonrpc":"2.0","method":"uppercase","params":{"s":"hello"},"id":"a"}`;
 * const response = await handler(new Request("http://localhost/", { method: "POST", body }));
 * assert.equal(await response.text(), `{"jsonrpc":"2.0","result":{"v":"HELLO"},"id":"a"}`);
 * ```
 */
export function server(
  methods: Readonly<Record<string, Method>> | ReadonlyMap<string, Method>,
  options: ServerOptions = {},
): Handler {
  const {
    before = [],
    maxBytes = DEFAULT_MAX_BYTES,
    strict = false,
    decompress = false,
    deadlineHeader = DEADLINE_HEADER,
    maxBatch = 100,
    lenient = false,
    batchConcurrency = 16,
  } = options;
  checkPositive("maxBytes", maxBytes);
  checkPositiveInteger("maxBatch", maxBatch);
  checkPositiveInteger("batchConcurrency", batchConcurrency);
  checkHeaderName(deadlineHeader);
  const steps = new Map<string, Steps>();
  for (const [name, method] of methods instanceof Map ? methods : Object.entries(methods)) {
    if (typeof method?.decode !== "function") {
      throw new TypeError(`Cannot serve "${name}" as it must be made by method()`);
    }
    steps.set(name, methodSteps(method, options));
  }
  const binding: Binding = {
    before,
    maxBytes,
    strict,
    decompress,
    deadlineHeader,
    maxBatch,
    lenient,
    batchConcurrency,
    methods: steps,
    unknown: unknownSteps(options),
    invalid: invalidSteps(options),
  };
  return (request, info) =>
    request.method === "POST" ? exchange(binding, request, info) : notAllowed();
}

function notAllowed(): Response {
  const { message, data } = errorObject(
    new HttpError(405, "Cannot use this method as only POST can be"),
  );
  return Response.json(
    { jsonrpc: "2.0", error: { code: INVALID_REQUEST, message, data }, id: null },
    { status: 405, headers: { allow: "POST" } },
  );
}
