/**
 * The endpoints by HTTP.
 * @module
 */
import type { Context, Endpoint } from "@kit/endpoint";
import { parseAddress } from "@kit/sd";
import * as http from "@kit/transport/http";
import * as z from "zod";
import { countEndpoint, uppercaseEndpoint, type UppercaseRequest } from "./endpoints.ts";
import type { StringService } from "./service.ts";

/** What a request must be: this is what its type is inferred from, and what a 400 names. */
const request = z.object({ s: z.string() });

/** What another instance answers; Go's leave `err` out when there is none. */
const uppercaseAnswer = z.object({ v: z.string(), err: z.string().nullish() });
export type UppercaseAnswer = z.output<typeof uppercaseAnswer>;

/** Gives the routes of the service. */
export function routes(service: StringService): Record<string, http.Handler> {
  return {
    "POST /uppercase": server(uppercaseEndpoint(service)),
    "POST /count": server(countEndpoint(service)),
  };
}

function server<Res>(endpoint: Endpoint<z.output<typeof request>, Res>): http.Handler {
  // Strict: a key that is there twice, or bytes that are not UTF-8, mean different things to others.
  return http.server(endpoint, {
    schema: request,
    strict: true,
    decompress: true,
    encode: encodeResponse,
  });
}

/** Ends the line, as Go's encoder does, so that the prompt of a shell gets its own. */
function encodeResponse(response: unknown, _ctx: Context, headers: Headers): Response {
  headers.set("content-type", "application/json");
  return new Response(`${JSON.stringify(response)}\n`, { headers });
}

/** Makes what calls `uppercase` of another instance. */
export function uppercaseClient(url: string): Endpoint<UppercaseRequest, UppercaseAnswer> {
  return http.client(url, { schema: uppercaseAnswer });
}

/**
 * Completes the address of an instance: `localhost:8001` is `http://localhost:8001/uppercase`.
 * @throws {TypeError} If it is none.
 */
export function uppercaseUrl(address: string): string {
  const hasScheme = address.includes("://");
  parseAddress(hasScheme ? address : address.split("/", 1)[0]!);
  const url = new URL(hasScheme ? address : `http://${address}`);
  if (!/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      `Cannot call address as it must be http or https: current value is "${url}"`,
    );
  }
  if (url.pathname === "/") url.pathname = "/uppercase";
  return url.href;
}
