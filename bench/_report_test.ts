import assert from "node:assert/strict";
import { CLIENTS, SERVERS } from "./_lines.ts";
import type { Results } from "./_measure.ts";
import { report, verdicts } from "./_report.ts";

function server(name: string, rates: (number | undefined)[], trouble?: string) {
  const line = SERVERS.find((line) => line.name === name)!;
  const rounds = rates.map((perSecond) =>
    perSecond === undefined ? undefined : { perSecond, p50Ms: 0.2, p99Ms: 0.9 }
  );
  return { line, rounds, trouble, notes: [] };
}

function client(name: string, ...rounds: (readonly number[])[]) {
  const line = CLIENTS.find((line) => line.name === name)!;
  return { line, rounds, trouble: undefined, notes: [] };
}

const RESULTS: Results = {
  servers: [
    server("bare", [1000, 2000, 980]),
    server("checks", [900, 1800, 900]),
    server("kit", [840, 1800, 840]),
    server("gokit", [], "no go"),
  ],
  clients: [client("fetch", [100, 200, 300]), client("kit-client", [96, 180, 300])],
};

Deno.test("verdicts() holds each budget against the median of its ratios", () => {
  const found = verdicts(RESULTS).map(({ budget, verdict }) => [budget, verdict]);
  assert.deepEqual(found, [
    ["kit / checks", "missed"],
    ["kit / bare", "met"],
    ["kit / gokit", "not measured"],
    ["kit-client / fetch, 1 at once", "met"],
    ["kit-client / fetch, 16 at once", "missed"],
    ["kit-client / fetch, 64 at once", "met"],
  ]);
});

Deno.test("report() writes ratios with their spread, and why a line is not there", () => {
  const text = report(RESULTS);
  assert.match(text, /^kit +Kit +840 +0\.86 \(0\.84-0\.90\) +0\.93 \(0\.93-1\.00\)/m);
  assert.match(text, /^gokit +Go kit, all cores +not measured: no go$/m);
  assert.match(text, /^kit \/ checks .* missed +the rounds do not agree$/m);
  assert.match(text, /^kit-client +Kit +96 +0\.96 .* 180 +0\.90 /m);
});
