/**
 * Calls a method by JSON-RPC 2.0 over HTTP.
 * @module
 */
import { type Context, type Endpoint, withValue } from "@kit/endpoint";
import { DEFAULT_MAX_BYTES } from "../http/_limit.ts";
import { readResponse, validated } from "../http/_read_response.ts";
import { client as httpClient, type ClientOptions as HttpClientOptions } from "../http/client.ts";
import type { Schema } from "../schema.ts";
import { decodeError } from "./_decode_error.ts";
import { counter, requestBody, resultOf } from "./_response.ts";
import { requestId, requestMethod } from "./keys.ts";
import type { Params, RequestId } from "./request.ts";

/**
 * Options for {@linkcode client}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface ClientOptions<Req, Res> extends
  Pick<
    HttpClientOptions<Req, Res>,
    | "before"
    | "after"
    | "finalizer"
    | "timeoutMs"
    | "maxBytes"
    | "redirect"
    | "deadlineHeader"
    | "fetch"
  > {
  /**
   * Makes the parameters, by name or by position; none if it makes `null` or `undefined`.
   * @default The request.
   */
  readonly encode?: (request: Req, ctx: Context) => Params | null | undefined;
  /**
   * Makes the response out of the result.
   * @default The result, validated by `schema`.
   */
  readonly decode?: (result: unknown, ctx: Context) => Res | Promise<Res>;
  /** What a result must be; anything else rejects with `internal`. */
  readonly schema?: Schema<Res>;
  /**
   * Gives the ids of the requests: strings, or numbers that JSON has.
   * @default Counts up from 0, for each client.
   */
  readonly nextId?: () => RequestId;
  /**
   * Whether to send notifications, which have no id and get no answer: a call resolves to `undefined`
   * when the server has taken it.
   * @default {false}
   */
  readonly notify?: boolean;
}

/**
 * Makes an endpoint that calls a method by JSON-RPC 2.0 over HTTP.
 *
 * It is an HTTP client, and sends along what that does: outgoing metadata as headers, and what is left
 * of the deadline. An error that the server answers rejects with a {@linkcode JsonRpcError}; a status
 * that is not 2xx, where no such error comes with it, with the error of the HTTP transport for it; a
 * response that is none, or not that of the request, with `internal`.
 *
 * The hooks find the method and the id in their context under {@linkcode requestMethod} and
 * {@linkcode requestId}. JSON is read by `JSON.parse`: a whole number beyond 2^53 arrives rounded.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param target The URL.
 * @param method The name of the method.
 * @param options Codec, hooks and limits.
 * @returns The endpoint.
 * @throws {TypeError} If `target` is not an `http:` or `https:` URL without credentials, or
 * `deadlineHeader` is no name of a header.
 * @throws {RangeError} If `timeoutMs` or `maxBytes` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { client, method, server } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * const handler = server({
 *   sum: method(({ a, b }: { a: number; b: number }) => Promise.resolve({ v: a + b })),
 * });
 * const options = {
 *   fetch: async (url: string, init: RequestInit) => await handler(new Request(url, init)),
 * };
 * const sum = client<{ a: number; b: number }, { v: number }>("http://h/", "sum", options);
 * assert.deepEqual(await sum({ a: 1, b: 2 }, background()), { v: 3 });
 * const gone = client<undefined, never>("http://h/", "gone", options);
 * await assert.rejects(gone(undefined, background()), { code: "unimplemented", rpcCode: -32601 });
 * ```
 */
export function client<Req, Res>(
  target: string | URL,
  method: string,
  options: ClientOptions<Req, Res> = {},
): Endpoint<Req, Res> {
  const {
    encode = (request) => request as Params | undefined,
    decode,
    schema,
    nextId = counter(),
    notify = false,
    ...rest
  } = options;
  const { maxBytes = DEFAULT_MAX_BYTES } = rest;

  const call = httpClient<Req, Res>(target, {
    ...rest,
    method: "POST",
    encode: (request, outgoing, ctx) => {
      outgoing.headers.set("content-type", "application/json");
      const id = notify ? undefined : ctx.value(requestId);
      outgoing.body = JSON.stringify(requestBody(method, encode(request, ctx), id));
    },
    decode: async (response, ctx) => {
      if (notify) return undefined as Res;
      const value = await readResponse<unknown>(response, maxBytes, undefined);
      const result = resultOf(value, ctx.value(requestId));
      if (decode !== undefined) return await decode(result, ctx);
      return schema === undefined ? result as Res : await validated(result, schema);
    },
    decodeError,
  });

  return async (request, parent) => {
    const ctx = withValue(parent, requestMethod, method);
    return await call(request, notify ? ctx : withValue(ctx, requestId, nextId()));
  };
}
