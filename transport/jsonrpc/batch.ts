/**
 * Calls several methods at once by JSON-RPC 2.0 over HTTP.
 * @module
 */
import type { Endpoint } from "@kit/endpoint";
import { DEFAULT_MAX_BYTES } from "../http/_limit.ts";
import { readResponse } from "../http/_read_response.ts";
import { client as httpClient } from "../http/client.ts";
import { decodeError } from "./_decode_error.ts";
import { type Answer, counter, parseAnswer, requestBody, unusable } from "./_response.ts";
import type { ClientOptions } from "./client.ts";
import type { Params, RequestId } from "./request.ts";

/** One call of a batch. */
export interface BatchCall {
  /** The name of the method. */
  readonly method: string;
  /** The parameters, if any. */
  readonly params?: Params;
  /**
   * Whether it is a notification, which gets no answer.
   * @default {false}
   */
  readonly notify?: boolean;
}

/** What came of each call, in order; a notification is fulfilled with `undefined`. */
export type BatchResults = readonly PromiseSettledResult<unknown>[];

/** Options for {@linkcode batch}: those of a client that are not about one method. */
export type BatchOptions = Omit<
  ClientOptions<readonly BatchCall[], BatchResults>,
  "encode" | "decode" | "schema" | "notify"
>;

/**
 * Makes an endpoint that sends several calls in one HTTP request.
 *
 * It rejects as one call does where the batch failed as a whole; what came of each call is among the
 * results. No calls are answered without asking the server.
 * @param target The URL.
 * @param options Hooks and limits.
 * @returns The endpoint.
 * @throws {TypeError} If `target` is not an `http:` or `https:` URL without credentials, or
 * `deadlineHeader` is no name of a header.
 * @throws {RangeError} If `timeoutMs` or `maxBytes` is not a positive number.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { batch, method, server } from "@kit/transport/jsonrpc";
 * import assert from "node:assert/strict";
 * const handler = server({ size: method((words: string[]) => Promise.resolve(words.length)) });
 * const call = batch("http://h/", {
 *   fetch: async (url, init) => await handler(new Request(url, init)),
 * });
 * const [size, gone] = await call(
 *   [{ method: "size", params: ["a", "b"] }, { method: "gone" }],
 *   background(),
 * );
 * assert.deepEqual(size, { status: "fulfilled", value: 2 });
 * assert.equal(gone?.status, "rejected");
 * ```
 */
export function batch(
  target: string | URL,
  options: BatchOptions = {},
): Endpoint<readonly BatchCall[], BatchResults> {
  const { nextId = counter(), ...rest } = options;
  const { maxBytes = DEFAULT_MAX_BYTES } = rest;

  const send = httpClient<readonly Sent[], ReadonlyMap<unknown, Answer>>(target, {
    ...rest,
    method: "POST",
    encode: (calls, outgoing) => {
      outgoing.headers.set("content-type", "application/json");
      outgoing.body = JSON.stringify(
        calls.map(({ call, id }) => requestBody(call.method, call.params, id)),
      );
    },
    decode: async (response) => {
      // Notifications alone are answered with nothing.
      const value = await readResponse<unknown>(response, maxBytes, undefined) ?? [];
      if (Array.isArray(value)) {
        return new Map(value.map(parseAnswer).map((answer) => [answer.id, answer]));
      }
      throw parseAnswer(value).error ?? unusable("it answers no batch");
    },
    decodeError,
  });

  return async (calls, ctx) => {
    if (calls.length === 0) return [];
    const sent = calls.map((call) => ({ call, id: call.notify ? undefined : nextId() }));
    const answers = await send(sent, ctx);
    return sent.map(({ id }) => id === undefined ? FULFILLED : settled(answers.get(id)));
  };
}

/** A call with its id, unless it is a notification. */
interface Sent {
  readonly call: BatchCall;
  readonly id: RequestId | undefined;
}

const FULFILLED: PromiseSettledResult<undefined> = { status: "fulfilled", value: undefined };

function settled(answer: Answer | undefined): PromiseSettledResult<unknown> {
  if (answer === undefined) {
    return { status: "rejected", reason: unusable("it has no answer to this call") };
  }
  const { error, result } = answer;
  return error === undefined
    ? { status: "fulfilled", value: result }
    : { status: "rejected", reason: error };
}
