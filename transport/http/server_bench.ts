import { background, type Endpoint } from "@kit/endpoint";
import type { Handler } from "./handler.ts";
import { server } from "./server.ts";

const uppercase: Endpoint<{ s: string }, { v: string }> = ({ s }) =>
  Promise.resolve({ v: s.toUpperCase() });

const body = `{"s":"hello, world"}`;
const headers = { "content-length": String(body.length) };

/** A handler that makes the same checks by hand. */
const bare: Handler = async (request) => {
  const length = request.headers.get("content-length");
  if (length === null || Number(length) > 4_194_304 || request.headers.has("content-encoding")) {
    return new Response(null, { status: 413 });
  }
  return Response.json(await uppercase(await request.json(), background()));
};

const handlers: [string, Handler][] = [
  ["bare, same checks", bare],
  ["server()", server(uppercase)],
  ["server() with strict", server(uppercase, { strict: true })],
  ["server() with a finalizer", server(uppercase, { finalizer: [() => {}] })],
  [
    "server() with before and after",
    server(uppercase, { before: [(ctx) => ctx], after: [(ctx) => ctx] }),
  ],
];
for (const [name, handler] of handlers) {
  Deno.bench({ name, group: "server", baseline: handler === bare }, async () => {
    const request = new Request("http://localhost/", { method: "POST", headers, body });
    await (await handler(request)).text();
  });
}
