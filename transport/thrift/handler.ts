/**
 * Serves a processor over HTTP.
 * @module
 */
import { KitError, toKitError } from "@kit/endpoint";
import { checkPositiveInteger } from "@kit/endpoint/check";
import { checkHeaderName, DEADLINE_HEADER } from "../_deadline.ts";
import { RequestContext } from "../http/_context.ts";
import { decompressed, readAll, tooLarge } from "../http/_limit.ts";
import type { Handler } from "../http/handler.ts";
import { HttpError } from "../http/http_error.ts";
import { problem } from "../http/problem.ts";
import { DEFAULT_MAX_BYTES } from "./_limits.ts";
import { parseProtocol, type Protocol } from "./protocol.ts";
import type { Processor } from "./server.ts";

/** What messages of Thrift are called over HTTP. */
export const CONTENT_TYPE = "application/x-thrift";

/** Options for {@linkcode handler}. */
export interface HandlerOptions {
  /**
   * The protocol of the messages.
   * @default {"binary"}
   */
  readonly protocol?: Protocol;
  /**
   * The most bytes that a message may have, decompressed.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * The request header that tells how many milliseconds the caller still waits; `false` for none.
   * @default {"x-request-timeout-ms"}
   */
  readonly deadlineHeader?: string | false;
}

/**
 * Serves a processor over HTTP: a call is the body of a POST request, its reply that of the response.
 * The headers of the request are the metadata of the call.
 *
 * Errors of calls have status 200, as the reply tells them. A body that is no message has status 400,
 * with an exception in it; one that cannot be read has the status and the problem of its error.
 * @param processor What {@linkcode server} made.
 * @param options The protocol and limits.
 * @returns A handler for `serve` and `routes` of `@kit/transport/http`, and other hosts.
 * @throws {TypeError} If `protocol` is none, or `deadlineHeader` is no name of a header.
 * @throws {RangeError} If `maxBytes` is not a positive integer.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import * as thrift from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const Upper = thrift.service("Upper", {
 *   upper: thrift.method({ args: { s: thrift.field(1, thrift.string) }, result: thrift.string }),
 * });
 * const handler = thrift.handler(
 *   thrift.server(Upper, { upper: ({ s }) => Promise.resolve(s.toUpperCase()) }),
 * );
 * using connection = thrift.connectHttp("http://localhost/", {
 *   fetch: async (url, init) => await handler(new Request(url, init)),
 * });
 * const upper = thrift.client(connection, Upper.methods.upper);
 * assert.equal(await upper({ s: "hello" }, background()), "HELLO");
 * ```
 */
export function handler(processor: Processor, options: HandlerOptions = {}): Handler {
  const { maxBytes = DEFAULT_MAX_BYTES, deadlineHeader = DEADLINE_HEADER } = options;
  const protocol = parseProtocol(options.protocol ?? "binary");
  checkPositiveInteger("maxBytes", maxBytes);
  checkHeaderName(deadlineHeader);

  return async (request, info) => {
    const own = new RequestContext(request, info, deadlineHeader);
    try {
      if (request.method !== "POST") {
        throw new HttpError(405, "Cannot call with any method but POST", {
          headers: { allow: "POST" },
        });
      }
      own.readDeadline();
      if (info?.bodyReceived !== undefined) info.bodyReceived = false;
      const message = await readBody(request, maxBytes);
      if (info?.bodyReceived !== undefined) info.bodyReceived = true;
      const replyHeaders = new Headers({ "content-type": CONTENT_TYPE });
      const { reply, isBroken } = await processor(message, own, {
        protocol,
        headers: request.headers,
        replyHeaders,
      });
      return new Response(reply as Uint8Array<ArrayBuffer> | undefined, {
        status: isBroken ? 400 : 200,
        headers: replyHeaders,
      });
    } catch (error) {
      return problem(toKitError(error));
    } finally {
      own.release();
    }
  };
}

async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const { headers } = request;
  const coding = headers.get("content-encoding");
  const length = headers.get("content-length");
  if (Number(length) > maxBytes) throw tooLarge(maxBytes);
  try {
    // The length bounds what the platform takes, as long as nothing is compressed.
    if (length !== null && coding === null) return new Uint8Array(await request.arrayBuffer());
    if (request.body === null) return new Uint8Array();
    const body = coding === null ? request.body : await decompressed(request.body, coding);
    return await readAll(body, maxBytes);
  } catch (cause) {
    if (cause instanceof KitError) throw cause;
    throw new KitError("invalid_argument", "Cannot read body as it did not arrive whole", {
      cause,
    });
  }
}
