/**
 * Makes the answer of a call out of its response, as JSON.
 * @module
 */
import { chosenHeaders, chosenStatus } from "./http_error.ts";

/** Writes a response as JSON, with the status and the headers that it chooses. */
export function encodeJson(response: unknown, headers?: Headers): Response {
  const status = chosenStatus(response) ?? 200;
  const more = chosenHeaders(response);
  // Without an init the platform has a faster way.
  if (status === 200 && more === undefined && headers === undefined) {
    return Response.json(response ?? null);
  }
  const all = headers ?? new Headers();
  if (more !== undefined) {
    for (const [name, value] of new Headers(more)) {
      if (name === "content-type") all.set(name, value);
      else all.append(name, value);
    }
  }
  return status === 204 || status === 304
    ? new Response(null, { status, headers: all })
    : Response.json(response ?? null, { status, headers: all });
}
