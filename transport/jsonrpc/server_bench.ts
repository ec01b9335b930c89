import { background, type Endpoint } from "@kit/endpoint";
import type { Handler } from "../http/handler.ts";
import { server as httpServer } from "../http/server.ts";
import { client } from "./client.ts";
import { method } from "./method.ts";
import { server } from "./server.ts";

const uppercase: Endpoint<{ s: string }, { v: string }> = ({ s }) =>
  Promise.resolve({ v: s.toUpperCase() });

const params = { s: "hello, world" };
const call = (id: number) => ({ jsonrpc: "2.0", method: "uppercase", params, id });

/** A handler that makes the same checks by hand. */
const bare: Handler = async (request) => {
  const length = request.headers.get("content-length");
  if (request.method !== "POST" || length === null || Number(length) > 4_194_304) {
    return new Response(null, { status: 413 });
  }
  const { jsonrpc, method, params, id } = await request.json();
  if (jsonrpc !== "2.0" || method !== "uppercase") return new Response(null, { status: 400 });
  return Response.json({ jsonrpc, result: await uppercase(params, background()), id });
};
const handler = server({ uppercase: method(uppercase) });
const http = httpServer(uppercase);

function bench(name: string, handler: Handler, body: unknown, group: string): void {
  const text = JSON.stringify(body);
  const headers = { "content-length": String(text.length) };
  Deno.bench({ name, group, baseline: name.startsWith("bare") }, async () => {
    const request = new Request("http://localhost/", { method: "POST", headers, body: text });
    await (await handler(request)).text();
  });
}

bench("bare, same checks", bare, call(1), "server");
bench("http.server()", http, params, "server");
bench("server()", handler, call(1), "server");
bench("server(), an id to be kept exactly", handler, call(0.5), "server");
const hundred = Array.from({ length: 100 }, (_, i) => call(i));
bench(
  "bare, one call a hundred times",
  async (request) => {
    const body = await request.text();
    const init = { method: "POST", headers: { "content-length": "90" }, body };
    for (let i = 1; i < 100; i++) await (await bare(new Request("http://h/", init))).text();
    return await bare(new Request("http://h/", init));
  },
  call(1),
  "a hundred calls",
);
bench("server(), one batch", handler, hundred, "a hundred calls");

const answer = JSON.stringify({ jsonrpc: "2.0", result: { v: "HELLO, WORLD" }, id: 0 });
const fetch = (_url: string, _init: RequestInit) =>
  Promise.resolve(new Response(answer, { headers: { "content-length": String(answer.length) } }));
const called = client("http://localhost/", "uppercase", { fetch, nextId: () => 0 });
const fetched = async (params: unknown) => {
  const body = JSON.stringify({ jsonrpc: "2.0", method: "uppercase", params, id: 0 });
  const headers = { "content-type": "application/json" };
  const response = await fetch("http://localhost/", { method: "POST", headers, body });
  return (await response.json()).result;
};
Deno.bench(
  { name: "bare", group: "client", baseline: true },
  async () => void await fetched(params),
);
Deno.bench({ name: "client()", group: "client" }, async () => {
  await called(params, background());
});
