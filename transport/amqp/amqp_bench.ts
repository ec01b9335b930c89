import { Buffer } from "node:buffer";
import { background, withTimeout } from "@kit/endpoint";
import { request } from "./_support_testing.ts";
import { client } from "./client.ts";
import { publish } from "./publish.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";
import { Broker } from "./_memory_broker.ts";

interface Req {
  readonly s: string;
}

interface Res {
  readonly v: string;
}

const uppercase = ({ s }: Req) => Promise.resolve({ v: s.toUpperCase() });
const delivery = request(`{"s":"hello, world"}`);

Deno.bench({ name: "bare", group: "server", baseline: true }, async () => {
  const { s } = JSON.parse(new TextDecoder().decode(delivery.body));
  Buffer.from(JSON.stringify(await uppercase({ s })));
});
const handle = server(uppercase);
Deno.bench({ name: "server()", group: "server" }, async () => {
  await handle(delivery);
});
const timed = { ...delivery, headers: { "x-request-timeout-ms": "5000", a: "1" } };
Deno.bench({ name: "server() with a deadline", group: "server" }, async () => {
  await handle(timed);
});

const connection = new Broker().connect({ topology: { queues: { q: {}, events: {} } } });
await serve(connection, { q: handle, events: handle }).ready;

const call = client<Req, Res>(connection, { key: "q", timeoutMs: Infinity });
const send = publish<Req>(connection, { key: "events", timeoutMs: Infinity });
Deno.bench(
  { name: "client() and serve()", group: "broker in memory", baseline: true },
  async () => {
    await call({ s: "hello, world" }, background());
  },
);
Deno.bench(
  { name: "client() and serve() with a deadline", group: "broker in memory" },
  async () => {
    using ctx = withTimeout(background(), 5000);
    await call({ s: "hello, world" }, ctx);
  },
);
Deno.bench({ name: "publish() and serve()", group: "broker in memory" }, async () => {
  await send({ s: "hello, world" }, background());
});
