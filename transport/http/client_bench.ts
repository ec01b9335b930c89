import { background, withTimeout } from "@kit/endpoint";
import { client } from "./client.ts";

interface Req {
  readonly s: string;
}

interface Res {
  readonly v: string;
}

const init = () => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ s: "hello, world" }),
});

/** Does what `fetch` does to its arguments, and answers at once. */
const fake = (url: string, init: RequestInit) => {
  new Request(url, init);
  return Promise.resolve(
    new Response(`{"v":"HELLO, WORLD"}`, { headers: { "content-length": "20" } }),
  );
};

Deno.bench({ name: "bare", group: "client, fake fetch", baseline: true }, async () => {
  await (await fake("http://localhost/", init())).json();
});
const faked = client<Req, Res>("http://localhost/", { fetch: fake });
Deno.bench({ name: "client()", group: "client, fake fetch" }, async () => {
  await faked({ s: "hello, world" }, background());
});

const origin = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    const { s } = await request.json();
    return Response.json({ v: s.toUpperCase() });
  },
);
origin.unref();
const url = `http://127.0.0.1:${origin.addr.port}/`;

Deno.bench({ name: "bare fetch", group: "client, real fetch", baseline: true }, async () => {
  await (await fetch(url, init())).json();
});
const real = client<Req, Res>(url);
Deno.bench({ name: "client()", group: "client, real fetch" }, async () => {
  await real({ s: "hello, world" }, background());
});
Deno.bench({ name: "client() with a deadline", group: "client, real fetch" }, async () => {
  using ctx = withTimeout(background(), 5000);
  await real({ s: "hello, world" }, ctx);
});
