/**
 * What several tests of this folder share. Named as a test, so that it is not published.
 * @module
 */
import type { Handler } from "../http/handler.ts";
import type { ClientOptions } from "./client.ts";

/** A POST request with a body. */
export function post(body: string | Uint8Array<ArrayBuffer>, headers: HeadersInit = {}): Request {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const all = new Headers(headers);
  all.set("content-length", String(bytes.length));
  if (!all.has("content-type")) all.set("content-type", "application/json");
  return new Request("http://localhost/", { method: "POST", headers: all, body: bytes });
}

/** Sends a body, or a value as JSON, and tells the text of the answer. */
export async function ask(handler: Handler, body: unknown): Promise<string> {
  const response = await handler(post(typeof body === "string" ? body : JSON.stringify(body)));
  return await response.text();
}

/** A `fetch` that asks a handler. */
export function fetchFrom(
  handler: Handler,
): NonNullable<ClientOptions<unknown, unknown>["fetch"]> {
  return async (url, init) => await handler(new Request(url, init));
}

/** A `fetch` that answers with fixed bytes, and keeps what it was asked. */
export function fetchFixed(
  body: BodyInit | null,
  init: ResponseInit = {},
): NonNullable<ClientOptions<unknown, unknown>["fetch"]> & { bodies: string[] } {
  const bodies: string[] = [];
  return Object.assign(
    (_url: string, request: RequestInit) => {
      bodies.push(String(request.body));
      return Promise.resolve(new Response(body, init));
    },
    { bodies },
  );
}
