/**
 * Drains servers in one process, with a client on each, and tells how many it outlived. Started with
 * "bare" it does so without the remedy for the runtime's crash.
 * @module
 */
import { background } from "@kit/endpoint";
import http2 from "node:http2";
import { channel, client, serve, server, unary } from "../mod.ts";

const [count = "20", mode = "kit"] = Deno.args;
const connect = http2.connect;
const bytes = { serialize: (b: Uint8Array) => b, deserialize: (b: Uint8Array) => b };
const method = unary("/test.Drain/Call", { request: bytes, response: bytes });
const binding = server(method, (request) => Promise.resolve(request));
if (mode === "bare") {
  // The first channel applies the remedy.
  channel("127.0.0.1:1")[Symbol.dispose]();
  http2.connect = connect;
}
for (let i = 0; i < Number(count); i++) {
  const running = await serve([binding], { listen: "127.0.0.1:0", signals: [] });
  using there = channel(`127.0.0.1:${running.addr.port}`);
  await client(there, method)(new Uint8Array(8), background());
  await running.shutdown();
}
console.log(`drained ${count}`);
