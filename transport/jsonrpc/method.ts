/**
 * An endpoint as a method of JSON-RPC.
 * @module
 */
import { type Context, type Endpoint, KitError } from "@kit/endpoint";
import { type Schema, validate } from "../schema.ts";
import type { Params } from "./request.ts";

/** A method: an endpoint with its codec. Made by {@linkcode method}. */
export interface Method {
  /** Makes the request of the endpoint out of the parameters. */
  readonly decode: (params: Params | undefined, ctx: Context) => unknown;
  /** The endpoint. It is only ever given what `decode` has made. */
  readonly endpoint: Endpoint<unknown, unknown>;
  /** Makes the result out of the response of the endpoint. */
  readonly encode: (response: unknown, ctx: Context) => unknown;
}

/**
 * Options for {@linkcode method}.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export interface MethodOptions<Req, Res> {
  /** What a request must be; anything else is answered with -32602 and the fields that are wrong. */
  readonly schema?: Schema<Req>;
  /**
   * The names of the parameters, in order. Parameters that come by position are given these names, so
   * that the endpoint sees them as if they had come by name.
   * @default Parameters by position stay an array.
   */
  readonly names?: readonly string[];
  /**
   * Makes the request of the endpoint out of the parameters.
   * @default The parameters, validated by `schema`.
   */
  readonly decode?: (params: Params | undefined, ctx: Context) => Req | Promise<Req>;
  /**
   * Makes the result, as JSON.
   * @default The response; `null` if it is `undefined`.
   */
  readonly encode?: (response: Res, ctx: Context) => unknown;
}

/**
 * Makes a method of an endpoint.
 *
 * JSON is read by `JSON.parse`, so a number in the parameters has 53 bits: a whole number beyond 2^53
 * arrives rounded. Send those as strings.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param endpoint The endpoint.
 * @param options Codec.
 * @returns The method, for `server`.
 * @example Usage
 * ```ts
 * import { method, server } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * const sum = ({ a, b }: { a: number; b: number }) => Promise.resolve({ v: a + b });
 * const handler = server({ sum: method(sum, { names: ["a", "b"] }) });
 * const body = `{"jsonrpc":"2.0","method":"sum","params":[1,2],"id":1}`;
 * const response = await handler(new Request("http://localhost/", { method: "POST", body }));
 * assert.equal(await response.text(), `{"jsonrpc":"2.0","result":{"v":3},"id":1}`);
 * ```
 */
export function method<Req, Res>(
  endpoint: Endpoint<Req, Res>,
  options: MethodOptions<Req, Res> = {},
): Method {
  const { schema, names, decode, encode } = options;

  function read(params: Params | undefined, ctx: Context): unknown {
    const named = names !== undefined && isArray(params) ? byName(names, params) : params;
    if (decode !== undefined) return decode(named, ctx);
    return schema === undefined ? named : validate(schema, named, "params");
  }

  return {
    decode: read,
    // What `decode` makes is what the endpoint takes.
    endpoint: endpoint as Endpoint<unknown, unknown>,
    encode: encode === undefined
      ? (response) => response
      : (response, ctx) => encode(response as Res, ctx),
  };
}

function isArray(params: Params | undefined): params is readonly unknown[] {
  return Array.isArray(params);
}

function byName(names: readonly string[], params: readonly unknown[]): Params {
  if (params.length > names.length) {
    throw new KitError(
      "invalid_argument",
      `Cannot decode params as there must be at most ${names.length}: there are ${params.length}`,
    );
  }
  return Object.fromEntries(params.map((value, i) => [names[i], value]));
}
