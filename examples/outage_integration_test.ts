/** Takes registries away for a minute, while calls go on (D1, P9). */
import { background, delay } from "@kit/endpoint";
import { retry, roundRobin } from "@kit/lb";
import { nopLogger } from "@kit/log";
import { endpointer } from "@kit/sd";
import * as http from "@kit/transport/http";
import assert from "node:assert/strict";
import { DNS, eventually, type Kind, KINDS, Server } from "./_registries_testing.ts";
import { freePorts } from "./_shared/program.ts";
import { parseRegistry, registered } from "./_shared/registry.ts";

const OUTAGE_MS = 60_000;
const PAUSE_MS = 5; // 200 calls a second

const ALL = [...KINDS, DNS];
const missing = ALL.filter(({ setting }) => Deno.env.get(setting) === undefined);
const why = missing.length > 0 ? ` (ignored: ${missing[0]!.setting} is not set)` : "";

/** Calls two instances found by a registry that is killed for a minute; tells how many calls failed. */
async function outage({ setting, command, url }: Kind): Promise<{ calls: number; failed: number }> {
  const folder = await Deno.makeTempDir({ prefix: "kit-outage-" });
  const [port = 0] = freePorts(1);
  const registry = parseRegistry(url(port))!;
  const echo = http.server((n: number) => Promise.resolve(n));
  const options = { listen: "127.0.0.1:0", signals: [] };
  await using one = http.serve(echo, options);
  await using two = http.serve(echo, options);
  const ports = [one, two].map(({ addr }) => addr.port);
  const program = Deno.env.get(setting)!;
  await using server = new Server(port, command(program, port, folder, ports));
  await server.start();
  await using added = new AsyncDisposableStack();
  for (const port of registry.add === undefined ? [] : ports) {
    added.use(registered(registry, `127.0.0.1:${port}`, nopLogger));
  }
  await using instancer = registry.find({ onStatus: () => {} });
  await using endpoints = endpointer(
    instancer,
    ({ address }) => http.client<number, number>(`http://${address}/`),
  );
  const call = retry(roundRobin(endpoints));
  await eventually(() => endpoints.endpoints().length === 2);

  const outcome = { calls: 0, failed: 0 };
  await server.kill();
  const begin = Date.now();
  while (Date.now() < begin + OUTAGE_MS) {
    const n = outcome.calls++;
    call(n, background()).then((m) => assert.equal(m, n)).catch(() => outcome.failed++);
    await delay(begin + outcome.calls * PAUSE_MS - Date.now());
  }
  await server.start();
  await eventually(() => endpoints.endpoints().length === 2);
  await eventually(() => call(1, background()));
  await server.kill();
  await Deno.remove(folder, { recursive: true });
  return outcome;
}

Deno.test({
  name: `a registry that is away for a minute fails no call of 200 a second${why}`,
  ignore: missing.length > 0,
  async fn() {
    for (const [i, { calls, failed }] of (await Promise.all(ALL.map(outage))).entries()) {
      assert.equal(failed, 0, `${ALL[i]!.name}: ${failed} of ${calls} calls`);
      assert(calls > OUTAGE_MS / PAUSE_MS / 2, `${ALL[i]!.name}: ${calls} calls are too few`);
    }
  },
});
