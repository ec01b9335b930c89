/**
 * `Deno.serve` without Kit, which Kit's server is compared to: `bare.ts plain|checks`.
 * @module
 */
import { ready } from "./_ready.ts";

const MAX_BYTES = 4_194_304;

/** Nothing is checked. */
async function plain(request: Request): Promise<Response> {
  const { s } = await request.json();
  return Response.json({ v: s.toUpperCase() });
}

/** The same checks as Kit's server, in the cheapest order that was found. */
async function checks(request: Request): Promise<Response> {
  const { headers } = request;
  let deadline = Infinity;
  if (headers.has("x-request-timeout-ms")) {
    const timeoutMs = headers.get("x-request-timeout-ms")!;
    if (!/^\d{1,10}$/.test(timeoutMs)) return refuse(400, "Deadline is no number");
    deadline = performance.now() + Number(timeoutMs);
  }
  const length = headers.get("content-length");
  if (length === null) return refuse(411, "Length is not known");
  if (Number(length) > MAX_BYTES) return refuse(413, "Body is too large");
  if (headers.has("content-encoding")) return refuse(415, "Body is compressed");
  let body;
  try {
    body = await request.json();
  } catch {
    return refuse(400, "Body is not JSON");
  }
  if (deadline !== Infinity && performance.now() >= deadline) return refuse(504, "Too late");
  return Response.json({ v: body.s.toUpperCase() });
}

function refuse(status: number, title: string): Response {
  return Response.json({ status, title }, {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

const handler = { plain, checks }[Deno.args[0]!]!;
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
await ready(server.addr.port);
Deno.exit();
