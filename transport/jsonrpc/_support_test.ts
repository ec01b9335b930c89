/**
 * What several tests of this folder share. Named as a test, so that it is not published.
 * @module
 */
import assert from "node:assert/strict";
import { type Context, contextKey, withValue } from "@kit/endpoint";
import type { Handler } from "../http/handler.ts";
import type { ClientOptions } from "./client.ts";
import { requestId, requestMethod } from "./keys.ts";
import { method } from "./method.ts";
import type { ServerOptions } from "./server.ts";

/** Answers its parameters. */
export const echo = method((params: unknown) => Promise.resolve(params));
/** Fails with a text that nobody may see. */
export const fail = method((): Promise<never> => Promise.reject(new Error("password=hunter2")));

/** A call. */
export const call = (id: unknown, name = "echo", params: unknown = [1]) => ({
  jsonrpc: "2.0",
  method: name,
  params,
  id,
});
/** A notification. */
export const notification = (name = "echo", params: unknown = [1]) => ({
  jsonrpc: "2.0",
  method: name,
  params,
});

/** What each hook of {@linkcode noting} puts into the context. */
export const step = contextKey<string>("step");

/** Options whose every hook leaves a note and threads the context. */
export function noting(notes: string[]): ServerOptions {
  const note = (ctx: Context, text: string) => {
    const name = ctx.value(requestMethod);
    const of = name === undefined ? "" : ` ${name} ${ctx.value(requestId)}`;
    notes.push(`${text}(${ctx.value(step) ?? ""})${of}`);
    return withValue(ctx, step, text);
  };
  return {
    before: [(ctx) => note(ctx, "before1"), (ctx, request) => {
      assert.equal(request.method, "POST");
      return note(ctx, "before2");
    }],
    beforeCodec: [(ctx) => note(ctx, "codec1"), (ctx, { method, id }) => {
      assert.deepEqual([method, id], [ctx.value(requestMethod), ctx.value(requestId)]);
      return note(ctx, "codec2");
    }],
    after: [(ctx) => note(ctx, "after1"), (ctx) => note(ctx, "after2")],
    onError: (error, ctx) => void note(ctx, `onError ${(error as Error).message} `),
    finalizer: [
      (ctx, error) => void note(ctx, `end1 ${error === undefined ? "well " : ""}`),
      (ctx) => void note(ctx, "end2"),
    ],
  };
}

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
