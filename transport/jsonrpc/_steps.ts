/**
 * What a server does with each call, out of its options.
 * @module
 */
import { type Context, KitError } from "@kit/endpoint";
import type { ServerSteps } from "../_server_call.ts";
import { chosenHeaders } from "../http/http_error.ts";
import type { Entry } from "./_entries.ts";
import { type ErrorObject, errorObject } from "./error_object.ts";
import type { Method } from "./method.ts";
import type { ServerOptions } from "./server.ts";

/** What goes out for a call: its id, and the headers that all calls of one HTTP request share. */
export interface Outgoing {
  readonly id: string | undefined;
  readonly headers: Headers;
}

/** What is done with a call; the reply is JSON, or nothing for a notification. */
export type Steps = ServerSteps<unknown, unknown, Entry, Outgoing, string | undefined>;

/** How much of a name is told in a message. */
const MAX_NAME = 64;

/** Makes the steps for calls of one method. */
export function methodSteps(method: Method, options: ServerOptions): Steps {
  const { before, after, ...rest } = sharedSteps(options);
  return {
    ...rest,
    before,
    after,
    decode: ({ call }, ctx) => method.decode(call!.params, ctx),
    endpoint: method.endpoint,
    encode: async (response, ctx, { id }) => {
      if (id === undefined) return undefined;
      const value = await method.encode(response, ctx) ?? null;
      if (typeof value === "object" && value !== null && Symbol.asyncIterator in value) {
        throw new TypeError("Cannot encode result as it is a stream");
      }
      const result: string | undefined = JSON.stringify(value);
      if (result === undefined) throw new TypeError("Cannot encode result as it is no JSON");
      return `{"jsonrpc":"2.0","result":${result},"id":${id}}`;
    },
  };
}

/** Makes the steps for calls of methods that there are not. */
export function unknownSteps(options: ServerOptions): Steps {
  return failingSteps(options, sharedSteps(options).before, ({ call }) => {
    const name = call!.method;
    const shown = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}...` : name;
    return new KitError("unimplemented", `Cannot find method "${shown}"`);
  });
}

/** Makes the steps for what is no call. */
export function invalidSteps(options: ServerOptions): Steps {
  return failingSteps(options, [], ({ error }) => error);
}

function failingSteps(
  options: ServerOptions,
  before: Steps["before"],
  errorOf: (entry: Entry) => unknown,
): Steps {
  return {
    ...sharedSteps(options),
    before,
    decode: (entry) => {
      throw errorOf(entry);
    },
    endpoint: () => Promise.resolve(undefined),
    encode: () => undefined,
  };
}

function sharedSteps(options: ServerOptions): Omit<Steps, "decode" | "endpoint" | "encode"> {
  const { beforeCodec = [], after = [], finalizer = [], encodeError = encodeWithHeaders } = options;
  return {
    before: beforeCodec.map((look) => (ctx, { call }) => look(ctx, call!)),
    after: after.map((prepare) => (ctx, { headers }) => prepare(ctx, headers)),
    encodeError: (error, ctx, { id, headers }) =>
      id === undefined ? undefined : errorReply(encodeError(error, ctx, headers), id),
    defaultError: (error, _ctx, { id }) =>
      id === undefined ? undefined : errorReply(errorObject(error), id),
    finalizer,
    onError: options.onError,
  };
}

function errorReply(error: ErrorObject, id: string): string {
  return `{"jsonrpc":"2.0","error":${JSON.stringify(error)},"id":${id}}`;
}

/** The error object; the headers that the error adds go to the HTTP response. */
function encodeWithHeaders(error: unknown, _ctx: Context, headers: Headers): ErrorObject {
  try {
    for (const [name, value] of new Headers(chosenHeaders(error))) headers.append(name, value);
  } catch {
    // What cannot be sent is left out.
  }
  return errorObject(error);
}
