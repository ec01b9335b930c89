/**
 * The endpoints by HTTP.
 * @module
 */
import type { Context, Endpoint } from "@kit/endpoint";
import * as http from "@kit/transport/http";
import * as z from "zod";
import { countEndpoint, uppercaseEndpoint } from "./endpoints.ts";
import type { StringService } from "./service.ts";

/** What a request must be: this is what its type is inferred from, and what a 400 names. */
const request = z.object({ s: z.string() });

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
