/**
 * Drains servers in one process, each with a client on it, and tells how many it outlived. Started
 * with "bare" it does so without the remedy for the runtime's crash.
 * @module
 */
import { background } from "@kit/endpoint";
import http2 from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { channel, client, serve, server, unary } from "../mod.ts";

const [count = "20", mode = "kit"] = Deno.args;
const connect = http2.connect;
const bytes = { serialize: (b: Uint8Array) => b, deserialize: (b: Uint8Array) => b };
const method = unary("/test.Drain/Call", { request: bytes, response: bytes });
if (mode === "bare") {
  // The first channel applies the remedies.
  channel("127.0.0.1:1")[Symbol.dispose]();
  http2.connect = connect;
}

let begun = 0;
const binding = server(method, async (request, ctx) => {
  begun++;
  if (request[0] === 1) await sleep(2);
  if (request[0] === 2) await sleep(60_000, undefined, { signal: ctx.signal });
  return request;
});

for (let i = 0; i < Number(count); i++) {
  // One drain of four has a call in flight that ends, one of eight one that does not.
  const kind = mode === "bare" ? 0 : i % 8 === 7 ? 2 : i % 4 === 1 ? 1 : 0;
  const running = await serve([binding], {
    listen: "127.0.0.1:0",
    signals: [],
    drainMs: kind === 2 ? 0 : 10_000,
  });
  using there = channel(`127.0.0.1:${running.addr.port}`);
  const call = client(there, method);
  await call(new Uint8Array(8), background());
  if (kind !== 0) {
    begun = 0;
    const result = call(new Uint8Array([kind]), background()).then(() => "ok", () => "failed");
    while (begun === 0) await sleep(0);
    await running.shutdown();
    const expected = kind === 1 ? "ok" : "failed";
    if (await result !== expected) throw new Error(`Drain ${i} ended with ${await result}`);
  } else await running.shutdown();
}
await Deno.stdout.write(new TextEncoder().encode(`drained ${count}\n`));
