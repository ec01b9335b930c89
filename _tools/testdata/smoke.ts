// Runs on Node and Bun: `node_smoke_test.ts` hands it the entries of the core.
import { apply, background, codeOf, delay, withTimeout } from "@kit/endpoint";
import { retry, roundRobin } from "@kit/lb";
import { duration, logfmt, memorySink, withFields } from "@kit/log";
import { memory } from "@kit/metrics";
import { instrumenting, logging, rateLimit, timeout, tokenBucket } from "@kit/middleware";
import { endpointer, fixed } from "@kit/sd";
import * as http from "@kit/transport/http";
import * as jsonrpc from "@kit/transport/jsonrpc";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";

const entries = process.argv.slice(2);
for (const entry of entries) await import(entry);
assert.ok(!("Deno" in globalThis));

const double = apply(
  (n: number) => Promise.resolve(n * 2),
  rateLimit(tokenBucket({ limit: 1, burst: 1 })),
);
assert.equal(await double(4, background()), 8);
await assert.rejects(double(4, background()), { code: "resource_exhausted" });

const slow = apply((_: unknown, { signal }) => delay(60_000, { signal }), timeout(5));
await assert.rejects(slow({}, background()), (error) => codeOf(error) === "deadline_exceeded");

const names = endpointer(
  fixed(["a:80", "b:80"]),
  ({ address }) => () => Promise.resolve(address),
);
const name = retry(roundRobin(names), { timeoutMs: 1000 });
const ctx = withTimeout(background(), 1000);
assert.deepEqual([await name({}, ctx), await name({}, ctx)], ["a:80", "b:80"]);
ctx[Symbol.dispose]();
await names[Symbol.asyncDispose]();

const sink = memorySink();
const log = withFields(logfmt(sink), { listen: ":8001" });
log({ method: "count", input: "hello, world", n: 12, took: duration(0.002455) });
assert.deepEqual(sink.lines, [
  'listen=:8001 method=count input="hello, world" n=12 took=2.455µs',
]);

const metrics = memory();
const requests = metrics.counter("requests_total", { labels: ["method", "error"] });
const lines: unknown[] = [];
const handler = http.server(apply(
  ({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }),
  logging((event) => void lines.push(event), { method: "uppercase" }),
  instrumenting({ requests }, { method: "uppercase" }),
));
const rpc = jsonrpc.server({ double: jsonrpc.method(([n]: [number]) => Promise.resolve(n * 2)) });
const doubled = jsonrpc.client<[number], number>("http://localhost/", "double", {
  nextId: () => 0.1,
  fetch: async (url, init) => await rpc(new Request(url, init)),
});
assert.equal(await doubled([4], background()), 8);

const host = createServer(async (incoming, outgoing) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const { method = "", url } = incoming;
  const request = new Request(`http://localhost${url}`, { method, body: Buffer.concat(chunks) });
  const response = await handler(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(await response.text());
});
await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
const { port } = host.address() as AddressInfo;
const uppercase = http.client<{ s: string }, { v: string }>(`http://127.0.0.1:${port}/uppercase`);
assert.deepEqual(await uppercase({ s: "hello, world" }, background()), { v: "HELLO, WORLD" });
assert.equal(metrics.value("requests_total", { method: "uppercase", error: "false" }), 1);
assert.equal(lines.length, 1);
host.closeAllConnections();
host.close();

// A timer left behind would hold the process up.
process.on("exit", () => process.stdout.write(`loaded ${entries.length}, works\n`));
