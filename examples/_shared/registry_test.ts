import { FakeClock } from "@kit/endpoint/testing";
import { type Fields, nopLogger } from "@kit/log";
import assert from "node:assert/strict";
import { proxy } from "../stringsvc3/proxying.ts";
import { advertise, reachable, register } from "../stringsvc3/registering.ts";
import { logged, parseRegistry, registered, type Registry } from "./registry.ts";

const URLS = [
  "consul://localhost:8500/stringsvc",
  "etcd://localhost:2379,[::1]:2379/services/stringsvc",
  "zk://localhost:2181,localhost:2182/services/stringsvc",
];

for (const url of URLS) {
  Deno.test(`parseRegistry() reads ${url}, to find and to register`, async () => {
    const registry = parseRegistry(url)!;
    assert.equal(registry.url, url);
    await registry.add!("localhost:8001", { onStatus: () => {} })[Symbol.asyncDispose]();
    assert.equal(register.parse(url)?.url, url);
    assert.equal(proxy.parse(url)?.url, url);
  });
}

for (const url of ["dns://localhost:53/_http._tcp.stringsvc", "file:instances.yaml"]) {
  Deno.test(`parseRegistry() reads ${url}, to find only`, () => {
    assert.equal(parseRegistry(url)?.add, undefined);
    assert.throws(() => register.parse(url), { message: /Cannot register as/ });
  });
}

for (
  const url of [
    "consul://localhost/stringsvc",
    "etcd://localhost:2379",
    "zk:///path",
    "dns://:53/a",
  ]
) {
  Deno.test(`parseRegistry() refuses ${url}, which lacks something`, () => {
    assert.throws(() => parseRegistry(url), {
      name: "TypeError",
      message: /Cannot use registry as/,
    });
  });
}

Deno.test("parseRegistry() leaves alone what is no registry", () => {
  for (const text of ["localhost:8001", "http://localhost:8001", "toString://a:1/b", ""]) {
    assert.equal(parseRegistry(text), undefined);
  }
});

Deno.test("advertise and reachable() tell what others can call", () => {
  assert.equal(advertise.parse("10.0.0.7:8001"), "10.0.0.7:8001");
  assert.throws(() => advertise.parse("nowhere"), TypeError);
  assert.equal(reachable(":8001"), "127.0.0.1:8001");
  assert.equal(reachable("10.0.0.7:8001"), "10.0.0.7:8001");
});

Deno.test("logged() says how a registry is, and why it is away", () => {
  const events: Fields[] = [];
  const { onStatus } = logged((event) => void events.push(event), { url: "x:" } as Registry);
  const lastError = new Error("refused");
  onStatus({ state: "disconnected", since: 0, lastError });
  onStatus({ state: "connected", since: 0, lastError });
  assert.deepEqual(events, [
    { registry: "x:", state: "disconnected", err: lastError },
    { registry: "x:", state: "connected" },
  ]);
});

Deno.test("registered() tries until the registry is there, and stops when disposed of", async () => {
  const clock = new FakeClock();
  let tries = 0;
  const registrar = {
    status: { state: "connecting", since: 0 } as const,
    register: () => ++tries < 3 ? Promise.reject(new Error("away")) : Promise.resolve(),
    deregister: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const registry = { url: "x:", add: () => registrar } as unknown as Registry;
  const kept = registered(registry, "localhost:8001", nopLogger, { clock });
  await clock.advance(1000);
  assert.equal(tries, 2);
  await clock.advance(1000);
  assert.equal(tries, 3);
  await kept[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});
