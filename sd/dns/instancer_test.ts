import assert from "node:assert/strict";
import { FakeClock } from "@kit/endpoint/testing";
import type { DiscoveryEvent } from "../instancer.ts";
import { instancerContract, type InstancerHarness } from "../testing.ts";
import { dnsInstancer, type DnsInstancerOptions } from "./instancer.ts";
import type { DnsResolver, SrvRecord } from "./resolver.ts";

const NAME = "_http._tcp.stringsvc.test";
const record = (target: string, fields: Partial<SrvRecord> = {}): SrvRecord => ({
  priority: 1,
  weight: 0,
  port: 80,
  target,
  ...fields,
});

type Step = readonly SrvRecord[] | Error | "silence";

/** An instancer in virtual time, whose resolver plays a script; the last step is played on. */
function scene(steps: Step[], options: DnsInstancerOptions = {}) {
  const clock = new FakeClock();
  const asked: { name: string; at: number; signal: AbortSignal }[] = [];
  const begin = clock.now();
  const resolver: DnsResolver = {
    services(name, signal) {
      const step = steps[Math.min(asked.length, steps.length - 1)]!;
      asked.push({ name, at: clock.now() - begin, signal });
      if (step === "silence") return new Promise(() => {});
      return step instanceof Error ? Promise.reject(step) : Promise.resolve(step);
    },
    addresses: () => Promise.reject(new Error("not asked for")),
  };
  const events: DiscoveryEvent[] = [];
  const instancer = dnsInstancer(NAME, { resolver, clock, random: () => 0.5, ...options });
  instancer.subscribe((event) => events.push(event));
  const last = () => events.at(-1)?.instances?.map(({ address }) => address).join();
  return { clock, asked, events, instancer, last };
}

Deno.test("dnsInstancer() asks at once and then at each refresh", async () => { // DN1, DN2
  const three = [record("a"), record("b"), record("c")];
  const { clock, asked, instancer, last } = scene([[], three]);
  await using _ = instancer;
  await clock.advance(0);
  assert.equal(asked.length, 1);
  assert.equal(last(), "");
  await clock.advance(1000);
  assert.equal(last(), "a:80,b:80,c:80");
  await clock.advance(29_999);
  assert.equal(asked.length, 2);
  await clock.advance(1);
  assert.equal(asked.length, 3);
  assert.equal(asked[0]!.name, NAME);
});

Deno.test("dnsInstancer() spreads its refreshes by 10 %", async () => { // K4's kin
  for (const [chance, at] of [[0, 27_000], [1 - Number.EPSILON, 33_000]] as const) {
    const { clock, asked, instancer } = scene([[record("a")]], { random: () => chance });
    await using _ = instancer;
    await clock.advance(at + 1);
    assert.equal(asked.length, 2);
    assert(Math.abs(asked[1]!.at - at) < 1);
  }
});

Deno.test("dnsInstancer() keeps the last set at a failure and backs off up to the refresh", async () => { // D1, D9, DN4
  const { clock, asked, events, instancer, last } = scene([[record("a")], new Error("SERVFAIL")]);
  await using _ = instancer;
  await clock.advance(200_000);
  const pauses = asked.slice(1).map(({ at }, i) => at - asked[i]!.at);
  assert.deepEqual(pauses.slice(0, 8), [
    ...[30_000, 1000, 2000, 4000, 8000, 16_000],
    ...[30_000, 30_000],
  ]);
  assert.deepEqual(events.map((event) => event.error?.message ?? "set"), ["set", "SERVFAIL"]);
  assert.equal(events.at(-1)?.source, `dns:///${NAME}`);
  assert.equal(instancer.status.state, "disconnected");
  const late: unknown[] = [];
  using __ = instancer.subscribe(({ instances }) => late.push(instances?.[0]?.address));
  assert.deepEqual(late, ["a:80", undefined]);
  assert.equal(last(), undefined);
});

Deno.test("dnsInstancer() asks no more than 20 times in a minute of failure", async () => { // D1
  const { clock, asked, instancer } = scene([new Error("down")], { random: () => 0 });
  await using _ = instancer;
  await clock.advance(60_000);
  assert(asked.length >= 3 && asked.length <= 20, `${asked.length}`);
});

Deno.test("dnsInstancer() is well again after a failure, and starts its backoff anew", async () => {
  const { clock, asked, instancer } = scene([
    new Error("down"),
    new Error("down"),
    [record("a")],
    new Error("down"),
    [record("a")],
  ]);
  await using _ = instancer;
  await clock.advance(3000);
  assert.equal(instancer.status.state, "connected");
  await clock.advance(31_000);
  assert.deepEqual(asked.map(({ at }) => at), [0, 1000, 3000, 33_000, 34_000]);
});

Deno.test("dnsInstancer() gives a silent resolver up after 2 s", async () => { // D9
  const { clock, asked, events, instancer } = scene([[record("a")], "silence", [record("a")]]);
  await using _ = instancer;
  await clock.advance(31_999);
  assert.equal(events.length, 1);
  await clock.advance(1);
  assert.equal(
    events.at(-1)?.error?.message,
    `Cannot resolve "${NAME}" as no answer came within 2000 ms`,
  );
  assert(asked[1]!.signal.aborted);
  await clock.advance(1000);
  assert.equal(events.at(-1)?.instances?.length, 1);
});

Deno.test("dnsInstancer() drops an answer that comes after it gave up", async () => { // S6's kin
  const clock = new FakeClock();
  const late = Promise.withResolvers<readonly SrvRecord[]>();
  let asked = 0;
  const resolver: DnsResolver = {
    services: () => asked++ === 0 ? late.promise : Promise.resolve([record("new")]),
    addresses: () => Promise.resolve([]),
  };
  await using instancer = dnsInstancer(NAME, { resolver, clock, random: () => 0.5 });
  const told: unknown[] = [];
  instancer.subscribe(({ instances }) => told.push(instances?.[0]?.address));
  await clock.advance(3000);
  late.resolve([record("old")]);
  await clock.advance(0);
  assert.deepEqual(told, [undefined, "new:80"]);
});

Deno.test("dnsInstancer() counts an answer with port 0 as failed", async () => { // DN3, D9, go-kit #892
  const { clock, events, instancer } = scene([
    [record("a")],
    [record("a"), record("b", { port: 0 })],
  ]);
  await using _ = instancer;
  await clock.advance(31_000);
  assert.equal(events.length, 2);
  assert.match(events[1]!.error!.message, /a port is 0$/);
});

Deno.test("dnsInstancer() counts an answer with a target that is no host as failed", async () => {
  const { clock, events, instancer } = scene([[record("a")], [record("a"), record("b/c")]]);
  await using _ = instancer;
  await clock.advance(31_000);
  assert.match(events.at(-1)!.error!.message, /"b\/c:80"/);
});

Deno.test("dnsInstancer() takes the target . as the word for no service", async () => { // RFC 2782
  const { clock, instancer, last } = scene([[record(".", { port: 0 })]]);
  await using _ = instancer;
  await clock.advance(0);
  assert.equal(last(), "");
});

Deno.test("dnsInstancer() holds the last set while the name is gone, for the grace time", async () => { // D9, P9
  const { clock, instancer, last } = scene([[record("a")], []], { emptyGraceMs: 10_000 });
  await using _ = instancer;
  await clock.advance(39_999);
  assert.equal(last(), "a:80");
  assert.equal(instancer.status.state, "connected");
  await clock.advance(1);
  assert.equal(last(), "");
});

Deno.test("dnsInstancer() keeps a name that is back within the grace time", async () => { // D9
  const { clock, events, instancer } = scene([[record("a")], [], [record("a")]]);
  await using _ = instancer;
  await clock.advance(120_000);
  assert.equal(events.length, 1);
});

Deno.test("dnsInstancer() cuts the dot off and writes in lower case", async () => { // D9, DN2
  const { clock, instancer, last } = scene([[record("A.Example.COM.")]]);
  await using _ = instancer;
  await clock.advance(0);
  assert.equal(last(), "a.example.com:80");
});

const RECORDS = [
  record("b", { priority: 20, weight: 5 }),
  record("a", { priority: 10, weight: 9 }),
  record("c", { priority: 10, weight: 1 }),
  record("d", { priority: 10, weight: 0 }),
  record("e", { priority: 20, weight: 0 }),
];

Deno.test("dnsInstancer() tells the lowest priority, with weights", async () => { // D9, DN4
  const { clock, events, instancer } = scene([RECORDS]);
  await using _ = instancer;
  await clock.advance(0);
  assert.deepEqual(events[0]!.instances, [
    { address: "a:80", priority: 10, weight: 9 },
    { address: "c:80", priority: 10, weight: 1 },
    { address: "d:80", priority: 10, weight: 0 },
  ]);
});

Deno.test("dnsInstancer() tells all priorities when told to", async () => { // D9
  const { clock, last, instancer } = scene([RECORDS], { priorities: "all" });
  await using _ = instancer;
  await clock.advance(0);
  assert.equal(last(), "a:80,b:80,c:80,d:80,e:80");
});

Deno.test("dnsInstancer() tells the next priority when the lowest has nobody any more", async () => { // D9
  const { clock, last, instancer } = scene([RECORDS, RECORDS.filter((one) => one.priority > 10)]);
  await using _ = instancer;
  await clock.advance(31_000);
  assert.equal(last(), "b:80,e:80");
});

Deno.test("dnsInstancer() tells no weights when all are zero", async () => { // RFC 2782
  const { clock, events, instancer } = scene([[record("a"), record("b")]]);
  await using _ = instancer;
  await clock.advance(0);
  assert.deepEqual(events[0]!.instances, [
    { address: "a:80", priority: 1 },
    { address: "b:80", priority: 1 },
  ]);
});

Deno.test("dnsInstancer() takes an instance that is listed twice at its lower priority", async () => {
  const twice = [record("a", { priority: 2 }), record("a", { priority: 1 })];
  const { clock, events, instancer } = scene([twice], { priorities: "all" });
  await using _ = instancer;
  await clock.advance(0);
  assert.deepEqual(events[0]!.instances, [{ address: "a:80", priority: 1 }]);
});

Deno.test("dnsInstancer() tells the addresses of a host, of both families", async () => {
  const clock = new FakeClock();
  let v6: readonly string[] | Error = ["fd00::1"];
  const resolver: DnsResolver = {
    services: () => Promise.reject(new Error("not asked for")),
    addresses: (_, family) =>
      family === 4
        ? Promise.resolve(["10.0.0.1"])
        : v6 instanceof Error
        ? Promise.reject(v6)
        : Promise.resolve(v6),
  };
  const options = { mode: "a", port: 8080, resolver, clock } as const;
  const seen: string[] = [];
  {
    await using both = dnsInstancer("svc.test", options);
    both.subscribe(({ instances }) => seen.push(`${instances?.map(({ address }) => address)}`));
    await clock.advance(0);
    v6 = new Error("SERVFAIL"); // Half an answer is none: the others must not be let go for it.
    await clock.advance(40_000);
  }
  await using one = dnsInstancer("svc.test", { ...options, family: 4 });
  one.subscribe(({ instances }) => seen.push(`${instances?.map(({ address }) => address)}`));
  await clock.advance(0);
  assert.deepEqual(seen, ["10.0.0.1:8080,[fd00::1]:8080", "undefined", "10.0.0.1:8080"]);
});

Deno.test("dnsInstancer() gives up the other question when one of two has failed", async () => {
  const signals: AbortSignal[] = [];
  const resolver: DnsResolver = {
    services: () => Promise.resolve([]),
    addresses(_, family, signal) {
      signals.push(signal);
      return family === 4 ? Promise.reject(new Error("SERVFAIL")) : new Promise(() => {});
    },
  };
  const clock = new FakeClock();
  await using _ = dnsInstancer("svc.test", { mode: "a", port: 80, resolver, clock });
  await clock.advance(0);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true]);
});

Deno.test("dnsInstancer() leaves no timer behind, and tells nothing more", async () => {
  for (const step of [[record("a")], new Error("down"), "silence"] as const) {
    const { clock, events, asked, instancer } = scene([step]);
    await clock.advance(1);
    const told = events.length;
    await instancer[Symbol.asyncDispose]();
    await instancer[Symbol.asyncDispose]();
    assert.equal(clock.pending, 0);
    await clock.advance(100_000);
    assert.equal(events.length, told);
    assert.equal(asked.length, 1);
    assert.equal(instancer.status.state, "closed");
  }
});

Deno.test("dnsInstancer() tells a change of state once", async () => { // P9
  const states: string[] = [];
  const { clock, instancer } = scene(
    [new Error("one"), new Error("two"), [record("a")], [record("a")]],
    { onStatus: ({ state }) => states.push(state) },
  );
  await using _ = instancer;
  await clock.advance(100_000);
  assert.deepEqual(states, ["disconnected", "connected"]);
});

const REFUSED: readonly (readonly [string, DnsInstancerOptions, typeof Error])[] = [
  ["a..b", {}, TypeError],
  [NAME, { mode: "a" }, TypeError],
  [NAME, { mode: "a", port: 0 }, RangeError],
  [NAME, { refreshMs: 0 }, RangeError],
  [NAME, { timeoutMs: NaN }, RangeError],
  [NAME, { emptyGraceMs: -1 }, RangeError],
  [NAME, { server: "nowhere" }, TypeError],
];
for (const [name, options, type] of REFUSED) {
  Deno.test(`dnsInstancer() refuses "${name}" with ${JSON.stringify(options)}`, () => {
    assert.throws(() => dnsInstancer(name, options), type);
  });
}

function harness(): InstancerHarness {
  let present: readonly SrvRecord[] | Error = [];
  let last = present;
  const resolver: DnsResolver = {
    services: () => present instanceof Error ? Promise.reject(present) : Promise.resolve(present),
    addresses: () => Promise.resolve([]),
  };
  const instancer = dnsInstancer(NAME, { resolver, refreshMs: 5, emptyGraceMs: 0 });
  return {
    instancer,
    set(addresses) {
      present = last = addresses.map((address) => {
        const [, target, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address)!;
        return record(target!, { priority: 0, port: Number(port) });
      });
    },
    fail: () => void (present = new Error("down")),
    recover: () => void (present = last),
    [Symbol.asyncDispose]: () => instancer[Symbol.asyncDispose](),
  };
}
for (const { name, run } of instancerContract(harness)) {
  Deno.test(`dnsInstancer() keeps the contract: ${name}`, run);
}

Deno.test("dnsInstancer() tells the addresses of the targets, if asked to", async () => {
  const hosts: Record<string, string> = {
    "a.test4": "10.0.0.1",
    "b.test4": "10.0.0.2",
    "b.test6": "::1",
  };
  const resolver: DnsResolver = {
    services: () => Promise.resolve([record("a.test", { weight: 3 }), record("b.test.")]),
    addresses: (name, family) =>
      Promise.resolve(hosts[name + family] === undefined ? [] : [hosts[name + family]!]),
  };
  const { clock, events, instancer, last } = scene([], { resolver, targets: "addresses" });
  await using _ = instancer;
  await clock.advance(0);
  assert.equal(last(), "10.0.0.1:80,10.0.0.2:80,[::1]:80");
  assert.equal(events.at(-1)!.instances![0]!.weight, 3);
  delete hosts["a.test4"];
  await clock.advance(33_000);
  assert.match(events.at(-1)!.error!.message, /Cannot find the address of "a.test"/);
});
