// Runs on Node and Bun: `node_smoke_test.ts` hands it the entries of the core.
import { apply, background, codeOf, delay, withTimeout } from "@kit/endpoint";
import { retry, roundRobin } from "@kit/lb";
import { rateLimit, timeout, tokenBucket } from "@kit/middleware";
import { endpointer, fixed } from "@kit/sd";
import assert from "node:assert/strict";
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

// A timer left behind would hold the process up.
process.on("exit", () => process.stdout.write(`loaded ${entries.length}, works\n`));
