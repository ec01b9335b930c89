/**
 * Makes the answer of a call out of its response, as JSON.
 * @module
 */
import { chosenHeaders, chosenStatus, isWithoutBody } from "./http_error.ts";

/** Writes a response as JSON, with the status and the headers that it chooses. */
export function encodeJson(response: unknown, headers?: Headers): Response {
  const status = chosenStatus(response) ?? 200;
  const more = chosenHeaders(response);
  // Without an init the platform has a faster way.
  if (status === 200 && more === undefined && headers === undefined) {
    return Response.json(response ?? null);
  }
  const init = { status, headers: joined(headers, more) };
  return isWithoutBody(status) ? new Response(null, init) : Response.json(response ?? null, init);
}

/** The same, with the bytes of its body. */
export function encodeCounted(response: unknown, headers: Headers): [Response, number] {
  const status = chosenStatus(response) ?? 200;
  const init = { status, headers: joined(headers, chosenHeaders(response)) };
  if (isWithoutBody(status)) return [new Response(null, init), 0];
  if (!init.headers.has("content-type")) init.headers.set("content-type", "application/json");
  const text: string | undefined = JSON.stringify(response ?? null);
  if (text === undefined) throw new TypeError("Cannot encode response as it is no JSON");
  const bytes = new TextEncoder().encode(text);
  return [new Response(bytes, init), bytes.length];
}

function joined(headers = new Headers(), more: HeadersInit | undefined): Headers {
  if (more === undefined) return headers;
  for (const [name, value] of new Headers(more)) {
    if (name === "content-type") headers.set(name, value);
    else headers.append(name, value);
  }
  return headers;
}
