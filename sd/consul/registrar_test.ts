import { FakeClock, settled } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { ConnectionState } from "../status.ts";
import { consulInstancer } from "./instancer.ts";
import type { ConsulOptions } from "./options.ts";
import { consulRegistrar, type ConsulService } from "./registrar.ts";
import { StandInAgent } from "./testdata/agent.ts";

const WEB: ConsulService = { name: "web", address: "10.0.0.1:80", check: { ttlMs: 15_000 } };
const ID = "web-10.0.0.1:80";

/** An agent with a clock of its own, so that the process of the registrar can be paused. */
function setup(service: Partial<ConsulService> = {}, options: ConsulOptions = {}) {
  const clock = new FakeClock();
  const agentClock = new FakeClock();
  const agent = new StandInAgent(agentClock, options.token);
  /** Answers in place of the agent, when set. */
  const fault: { answer?: (() => Response | Promise<Response>) | undefined } = {};
  const triedAt: number[] = [];
  const states: ConnectionState[] = [];
  const registrar = consulRegistrar({ ...WEB, ...service }, {
    clock,
    random: () => 1,
    onStatus: ({ state }) => states.push(state),
    fetch: async (input, init) => {
      triedAt.push(clock.now());
      const request = new Request(input, init);
      return await (fault.answer?.() ?? agent.handle(request));
    },
    ...options,
  });
  /** Lets time pass for both. */
  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      agentClock.tick(Math.min(100, left));
      await clock.advance(Math.min(100, left));
    }
  };
  /** Whether callers find it. */
  const isPassing = async () => {
    const url = "http://localhost:8500/v1/health/service/web?passing=true";
    return (await (await agent.handle(new Request(url))).json()).length === 1;
  };
  return { clock, agentClock, agent, fault, triedAt, states, registrar, advance, isPassing };
}

const away = () => Promise.reject(new TypeError("refused"));
const status = (code: number) => () => new Response("said so", { status: code });

/** Waits for real turns of the loop only. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await settled();
}

Deno.test("consulRegistrar() registers what consulInstancer() finds", async () => { // CO1, CO9, A22
  const agent = new StandInAgent();
  const fetch: typeof globalThis.fetch = (input, init) => agent.handle(new Request(input, init));
  const { name, check, ...instance } = {
    name: "web",
    address: "[fd00::1]:8080",
    weight: 7,
    zone: "a",
    version: "2",
    tags: ["x", "y"],
    metadata: { team: "z" },
    check: null,
  };
  await using registrar = consulRegistrar({ name, check, ...instance }, { fetch });
  assert.equal(registrar.status.state, "connecting");
  await registrar.register();
  assert.equal(registrar.status.state, "connected");
  await using instancer = consulInstancer("web", { fetch });
  const found = Promise.withResolvers<unknown>();
  using _ = instancer.subscribe(({ instances, error }) => found.resolve(error ?? instances));
  assert.deepEqual(await found.promise, [instance]);
});

const CHECKS: readonly [string, Partial<ConsulService>, unknown][] = [
  ["a TTL of 15 s by default", { check: undefined }, {
    TTL: "15000ms",
    Status: "passing",
    DeregisterCriticalServiceAfter: "600000ms",
  }],
  ["a TTL", { check: { ttlMs: 2500 }, deregisterCriticalAfterMs: 90_000 }, {
    TTL: "2500ms",
    Status: "passing",
    DeregisterCriticalServiceAfter: "90000ms",
  }],
  [
    "an HTTP check",
    { check: { http: "http://h/ok", timeoutMs: 500 }, deregisterCriticalAfterMs: Infinity },
    { HTTP: "http://h/ok", Interval: "10000ms", Timeout: "500ms" },
  ],
  [
    "a TCP check",
    { check: { tcp: "h:1", intervalMs: 1000 }, deregisterCriticalAfterMs: Infinity },
    { TCP: "h:1", Interval: "1000ms" },
  ],
  ["a gRPC check", { check: { grpc: "h:1/x" }, deregisterCriticalAfterMs: Infinity }, {
    GRPC: "h:1/x",
    Interval: "10000ms",
  }],
  ["no check", { check: null }, undefined],
];
for (const [name, service, expected] of CHECKS) {
  Deno.test(`consulRegistrar() asks for ${name}`, async () => {
    const { agent, registrar } = setup(service);
    await registrar.register();
    assert.deepEqual(agent.definition(ID)?.Check, expected);
    await registrar[Symbol.asyncDispose]();
    assert.equal(agent.definition(ID), undefined);
  });
}

Deno.test("consulRegistrar() leaves the address to the node if told to", async () => {
  const { agent, registrar } = setup({ address: ":8001", id: "one/of many" });
  await using _ = registrar;
  await registrar.register();
  const { Address, Port } = agent.definition("one/of many") as Record<string, unknown>;
  assert.deepEqual([Address, Port], [undefined, 8001]);
});

Deno.test("consulRegistrar() keeps a TTL check alive at a third of it", async () => {
  const { agent, agentClock, registrar, advance, isPassing, states, clock } = setup();
  await registrar.register();
  for (let second = 0; second < 60; second++) {
    await advance(1000);
    assert(await isPassing(), `after ${second} s`);
  }
  assert.equal(agent.writes.filter((write) => write.includes("check/pass")).length, 1 + 12);
  assert.equal(agent.writes.filter((write) => write.includes("service/register")).length, 1);
  assert.deepEqual(states, ["connected"]);
  await registrar[Symbol.asyncDispose]();
  assert.equal(clock.pending + agentClock.pending, 0);
});

for (const code of [404, 500]) {
  Deno.test(`consulRegistrar() registers again when the agent answers ${code} as it lost the check`, async () => { // D2, D7, A19
    const { agent, fault, registrar, advance, isPassing, states } = setup();
    await using _ = registrar;
    await registrar.register();
    await advance(7000);
    agent.restart();
    let isFirst = true;
    fault.answer = () => {
      if (!isFirst) return Promise.reject(new Error("asked in place of the agent"));
      isFirst = false;
      delete fault.answer;
      return new Response("unknown", { status: code });
    };
    await advance(5000);
    assert(await isPassing());
    assert.deepEqual(states, ["connected"]);
  });
}

for (const check of [null, { http: "http://h/" }, { tcp: "h:1" }] as const) {
  Deno.test(`consulRegistrar() registers again what the agent lost with check ${JSON.stringify(check)}`, async () => { // D2
    const { agent, registrar, advance } = setup({ check });
    await using _ = registrar;
    await registrar.register();
    await advance(30_000);
    assert.equal(agent.writes.filter((write) => write.includes("register")).length, 1);
    agent.restart();
    assert.equal(agent.definition(ID), undefined);
    await advance(10_000);
    assert.notEqual(agent.definition(ID), undefined);
  });
}

for (const pausedMs of [20_000, 60_000, 3_600_000]) {
  Deno.test(`consulRegistrar() is back at once after a pause of ${pausedMs} ms`, async () => { // D7, P9
    const { agent, agentClock, registrar, advance, isPassing, clock } = setup({
      deregisterCriticalAfterMs: 30_000,
    });
    await using _ = registrar;
    await registrar.register();
    await advance(7000);
    agentClock.tick(pausedMs); // Nothing of the process runs.
    assert(!await isPassing());
    assert.equal(agent.definition(ID) === undefined, pausedMs >= 60_000);
    await clock.advance(5000);
    assert(await isPassing());
  });
}

for (const outageMs of [3000, 60_000, 600_000]) {
  Deno.test(`consulRegistrar() is back within the TTL after ${outageMs} ms without the agent`, async () => { // D1, P9
    const { agent, fault, registrar, triedAt, advance, isPassing, states } = setup();
    await using _ = registrar;
    await registrar.register();
    await advance(10_000);
    fault.answer = away;
    agent.restart();
    const before = triedAt.length;
    await advance(outageMs);
    const tries = triedAt.length - before;
    assert(tries <= 6 + outageMs / 5000, `${tries} tries`);
    delete fault.answer;
    await advance(5000);
    assert(await isPassing());
    assert.deepEqual(
      states,
      outageMs < 5000 ? ["connected"] : ["connected", "disconnected", "connected"],
    );
  });
}

Deno.test("consulRegistrar() tries soon again when the agent fails anew", async () => {
  const { fault, registrar, triedAt, advance } = setup();
  await using _ = registrar;
  await registrar.register();
  fault.answer = away;
  await advance(60_000);
  fault.answer = undefined;
  await advance(10_000);
  fault.answer = away;
  const before = triedAt.length;
  await advance(6000); // The next beat is within 5 s.
  assert(triedAt.length - before >= 4, `${triedAt.length - before} tries`);
});

Deno.test("consulRegistrar() gives a beat that hangs up while there is time for another", async () => { // D6
  const { agent, fault, registrar, advance, isPassing, states } = setup({ check: { ttlMs: 6000 } });
  await using _ = registrar;
  await registrar.register();
  await advance(1000);
  fault.answer = () => {
    delete fault.answer;
    return new Promise(() => {});
  };
  for (let step = 0; step < 80; step++) {
    await advance(100);
    assert(await isPassing(), `after ${step * 100} ms`);
  }
  assert.deepEqual(states, ["connected", "disconnected", "connected"]);
  assert(agent.writes.length > 2);
});

Deno.test("consulRegistrar() tells a lasting failure once", async () => { // P9
  const { fault, registrar, states, advance } = setup();
  await using _ = registrar;
  await registrar.register();
  fault.answer = status(403);
  await advance(120_000);
  assert.deepEqual(states, ["connected", "disconnected"]);
  assert.equal(
    registrar.status.lastError?.message,
    `Cannot keep alive service "web" at Consul agent "localhost:8500" as it answered 403`,
  );
});

const REFUSALS: readonly [string, () => Response | Promise<Response>, string][] = [
  ["is away", away, "unavailable"],
  ["answers 400", status(400), "invalid_argument"],
  ["answers 403", status(403), "permission_denied"],
  ["answers 500", status(500), "unavailable"],
];
for (const [name, answer, code] of REFUSALS) {
  Deno.test(`consulRegistrar() rejects and keeps nothing up when the agent ${name}`, async () => { // SD3, A20
    const { agent, fault, registrar, states, clock, triedAt } = setup();
    fault.answer = answer;
    await assert.rejects(registrar.register(), { name: "KitError", code });
    assert.deepEqual(states, ["disconnected"]);
    await clock.advance(60_000);
    assert.equal(triedAt.length, 1);
    assert.equal(clock.pending, 0);
    await registrar.deregister().catch(() => {});
    assert.equal(triedAt.length, code === "unavailable" && name === "is away" ? 2 : 1);
    delete fault.answer;
    await registrar.register();
    assert.deepEqual(states, ["disconnected", "connected"]);
    await registrar[Symbol.asyncDispose]();
    assert.equal(agent.definition(ID), undefined);
  });
}

Deno.test("consulRegistrar() rejects when the agent does not answer", async () => {
  const { fault, registrar, clock } = setup();
  fault.answer = () => new Promise(() => {});
  const registering = registrar.register();
  registering.catch(() => {});
  await clock.advance(5000);
  await assert.rejects(registering, { code: "deadline_exceeded" });
  const closing = registrar[Symbol.asyncDispose]();
  await clock.advance(5000);
  await closing;
  assert.equal(clock.pending, 0);
});

Deno.test("consulRegistrar() takes back what was registered without an answer", async () => { // D7: no twin
  const { agent, fault, registrar } = setup();
  fault.answer = async () => {
    delete fault.answer;
    const body = { Name: "web", ID, Tags: [], Port: 80 };
    agent.put(body);
    await settled();
    throw new TypeError("connection closed");
  };
  await assert.rejects(registrar.register(), { code: "unavailable" });
  assert.notEqual(agent.definition(ID), undefined);
  await registrar[Symbol.asyncDispose]();
  assert.equal(agent.definition(ID), undefined);
});

Deno.test("consulRegistrar() registers once, however often it is asked to", async () => {
  const { agent, registrar, clock } = setup();
  await Promise.all([registrar.register(), registrar.register()]);
  await registrar.register();
  assert.deepEqual(agent.writes, [
    "PUT agent/service/register",
    `PUT agent/check/pass/service:${ID}`,
  ]);
  assert.equal(clock.pending, 1);
  await registrar[Symbol.asyncDispose]();
});

Deno.test("consulRegistrar() finds its old place after a crash", async () => { // D7: no twin
  const { agent, isPassing } = setup();
  const fetch: typeof globalThis.fetch = (input, init) => agent.handle(new Request(input, init));
  agent.put({ Name: "web", ID, Tags: ["of the crashed one"], Check: { TTL: "1ms" } });
  agent.mark(ID, "critical");
  await using again = consulRegistrar(WEB, { fetch });
  await again.register();
  assert(await isPassing(), "a critical state is not kept");
  assert.deepEqual(agent.definition(ID)?.Tags, []);
});

Deno.test("consulRegistrar() replaces the check of an earlier start", async () => {
  const { agent, registrar, isPassing } = setup({ check: null });
  await using _ = registrar;
  agent.put({ Name: "web", ID, Tags: [], Check: { TTL: "1ms" } });
  agent.mark(ID, "critical");
  await registrar.register();
  assert(await isPassing());
});

Deno.test("consulRegistrar() deregisters, and can register again", async () => { // CO9
  const { agent, registrar, clock, states } = setup();
  await registrar.deregister();
  assert.deepEqual(agent.writes, []);
  for (let round = 0; round < 2; round++) {
    await registrar.register();
    await registrar.deregister();
    assert.equal(agent.definition(ID), undefined);
    assert.equal(clock.pending, 0);
  }
  assert.deepEqual(states, ["connected", "disconnected", "connected", "disconnected"]);
});

Deno.test("consulRegistrar() deregisters what is gone already", async () => {
  const { agent, registrar } = setup();
  await registrar.register();
  agent.remove(ID);
  await registrar.deregister();
  await registrar.deregister();
  assert.equal(agent.writes.filter((write) => write.includes("deregister")).length, 1);
});

Deno.test("consulRegistrar() rejects when it cannot deregister, and keeps nothing up", async () => {
  const { agent, fault, registrar, clock } = setup();
  await registrar.register();
  fault.answer = away;
  await assert.rejects(registrar.deregister(), { code: "unavailable" });
  assert.equal(clock.pending, 0);
  delete fault.answer;
  await registrar.deregister();
  assert.equal(agent.definition(ID), undefined, "a second try goes through");
});

Deno.test("consulRegistrar() disposes of itself without the agent, and tells by its status", async () => {
  const { fault, registrar, clock } = setup();
  await registrar.register();
  fault.answer = away;
  await registrar[Symbol.asyncDispose]();
  assert.equal(registrar.status.state, "closed");
  assert.match(registrar.status.lastError!.message, /^Cannot deregister service "web"/);
  assert.equal(clock.pending, 0);
});

for (const moment of ["registration", "beat", "pause"] as const) {
  Deno.test(`consulRegistrar() ends at once when disposed of during a ${moment}`, async () => {
    const { agent, fault, registrar, clock } = setup();
    const hang = () => {
      delete fault.answer;
      return new Promise<Response>(() => {});
    };
    if (moment === "registration") {
      fault.answer = hang;
      const registering = registrar.register();
      await idle();
      const closing = registrar[Symbol.asyncDispose]();
      await assert.rejects(registering, { code: "unavailable", message: /disposed of/ });
      await closing;
    } else {
      await registrar.register();
      if (moment === "beat") fault.answer = hang;
      await clock.advance(5000);
      await registrar[Symbol.asyncDispose]();
    }
    assert.equal(registrar.status.state, "closed");
    assert.equal(agent.definition(ID), undefined);
    assert.equal(clock.pending, 0);
    assert.equal(registrar.status.lastError, undefined);
    await assert.rejects(registrar.register(), { code: "unavailable" });
    await registrar[Symbol.asyncDispose]();
    const removals = agent.writes.filter((write) => write.includes("deregister"));
    assert.deepEqual(removals, [`PUT agent/service/deregister/${ID}`]);
  });
}

Deno.test("consulRegistrar() survives a failure of any one request", async () => { // R6
  for (let failing = 2; failing <= 9; failing++) {
    const { agent, fault, registrar, advance, isPassing, triedAt } = setup();
    let isRegistered = false;
    while (!isRegistered) {
      fault.answer = triedAt.length + 1 === failing ? away : undefined;
      isRegistered = await registrar.register().then(() => true, () => false);
    }
    for (let step = 0; step < 300; step++) {
      if (step === 150) agent.restart();
      fault.answer = triedAt.length + 1 === failing ? away : undefined;
      await advance(100);
    }
    assert(await isPassing(), `request ${failing}`);
    fault.answer = undefined;
    await registrar[Symbol.asyncDispose]();
    assert.equal(agent.definition(ID), undefined);
  }
});

Deno.test("consulRegistrar() shows its token to the agent only", async () => { // S12
  const token = "secret-canary-6b1f";
  const { fault, registrar } = setup({}, { token });
  await registrar.register();
  await registrar.deregister();
  fault.answer = () => new Response(`no such\r\ntoken: ${token}\n`, { status: 403 });
  await assert.rejects(registrar.register(), (error: Error) => {
    assert.equal((error.cause as Error).message, "no such token: ***");
    assert(!inspect(error, { depth: 9 }).includes(token));
    return true;
  });
  assert(!inspect(registrar, { depth: 9, showHidden: true }).includes(token));
  await registrar[Symbol.asyncDispose]();
});

const MISUSE: readonly [string, Partial<ConsulService>, ConsulOptions, RegExp][] = [
  ["no name", { name: "" }, {}, /"name"/],
  ["an id that is a path", { id: ".." }, {}, /"id"/],
  ["an address without a port", { address: "10.0.0.1" }, {}, /host:port/],
  ["an IPv6 address without brackets", { address: "fd00::1:80" }, {}, /host:port/],
  ["a URL", { address: "http://h:80/" }, {}, /"address"/],
  ["port 0", { address: ":0" }, {}, /port/],
  ["a weight of zero", { weight: 0 }, {}, /"weight"/],
  ["half a weight", { weight: 1.5 }, {}, /"weight"/],
  ["no TTL", { check: { ttlMs: 0 } }, {}, /"ttlMs"/],
  ["an endless TTL", { check: { ttlMs: Infinity } }, {}, /"ttlMs"/],
  ["no interval", { check: { tcp: "h:1", intervalMs: 0 } }, {}, /"intervalMs"/],
  ["no timeout", { check: { tcp: "h:1", timeoutMs: -1 } }, {}, /"timeoutMs"/],
  ["no time to be critical", { deregisterCriticalAfterMs: 0 }, {}, /"deregisterCritical/],
  ["an agent that is no URL", {}, { agent: "localhost" }, /"agent"/],
];
for (const [name, service, options, message] of MISUSE) {
  Deno.test(`consulRegistrar() refuses ${name}`, () => {
    assert.throws(() => consulRegistrar({ ...WEB, ...service }, options), { message });
  });
}
