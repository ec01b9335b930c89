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

/** The same checks as Kit's server, in the cheapest way that was found. */
async function checks(request: Request): Promise<Response> {
  const length = request.headers.get("content-length");
  if (length === null) return refuse(411, "Length is not known");
  if (!(Number(length) <= MAX_BYTES)) return refuse(413, "Body is too large");
  let body;
  try {
    body = await request.json();
  } catch {
    return refuse(400, "Body is not JSON");
  }
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
