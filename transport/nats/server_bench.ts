import { background } from "@kit/endpoint";
import type { Message } from "./connection.ts";
import { incoming } from "./_support_test.ts";
import { client } from "./client.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";
import { memoryBroker } from "./testing.ts";

const { message, replies } = incoming(`{"s":"hello, world"}`, {
  headers: { "x-request-timeout-ms": "5000", traceparent: "00-1" },
});
const plain = { ...message, headers: undefined } as unknown as Message;
const handler = server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }));

Deno.bench("bare", { group: "server()", baseline: true }, () => {
  replies.length = 0;
  message.respond(JSON.stringify({ v: JSON.parse(message.string()).s.toUpperCase() }));
});
Deno.bench("server()", { group: "server()" }, async () => {
  replies.length = 0;
  await handler(plain);
});
Deno.bench("server() with a deadline", { group: "server()" }, async () => {
  replies.length = 0;
  await handler(message);
});

const connection = memoryBroker().connect();
serve(connection, { uppercase: handler });
const call = client<{ s: string }, { v: string }>(connection, "uppercase");

Deno.bench("client() and serve() in memory", { group: "call" }, async () => {
  await call({ s: "hello, world" }, background());
});
