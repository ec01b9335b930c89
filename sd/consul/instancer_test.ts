import { isKitError, systemClock } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { DiscoveryEvent } from "../instancer.ts";
import { instancerContract } from "../testing.ts";
import { consulInstancer, type ConsulInstancerOptions } from "./instancer.ts";
import { StandInAgent } from "./testdata/agent.ts";

const ALICE = { Name: "web", ID: "a", Address: "10.0.0.1", Port: 80, Tags: ["api", "v1"] };
const BOB = { Name: "web", ID: "b", Address: "10.0.0.2", Port: 80, Tags: ["api", "v2"] };

/** An agent, and what a watcher of the service "web" hears, in short. */
function setup(options: ConsulInstancerOptions = {}) {
  const clock = new FakeClock();
  const agent = new StandInAgent(clock, options.token);
  const asked: URL[] = [];
  /** Answers in place of the agent, when set. */
  const fault: { answer?: (signal: AbortSignal) => Response | Promise<Response> } = {};
  const instancer = consulInstancer("web", {
    clock,
    random: () => 0,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      await null; // What the test sets up at once is there for the first question.
      asked.push(new URL(request.url));
      return await (fault.answer?.(request.signal) ?? agent.handle(request));
    },
    ...options,
  });
  const events: DiscoveryEvent[] = [];
  const heard: string[] = [];
  instancer.subscribe((event) => {
    events.push(event);
    heard.push(event.error?.message ?? event.instances!.map(({ address }) => address).join());
  });
  return { clock, agent, asked, fault, instancer, events, heard };
}

/** Lets answers be read, which takes more than one turn of the event loop. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await settled();
}

const consulEntry = (service: Record<string, unknown>) => ({
  Node: { Address: "10.9.9.9" },
  Service: { ID: "x", Address: "10.0.0.1", Port: 80, Tags: null, Meta: null, ...service },
  Checks: [],
});

/** The set that one answer makes. */
async function setOf(entries: unknown, options: ConsulInstancerOptions = {}) {
  const fetch = () => Promise.resolve(Response.json(entries));
  const { instancer, events } = setup({ fetch, ...options });
  await using _ = instancer;
  await settled();
  return events[0]?.instances ?? events[0]?.error;
}

for (
  const { name, run } of instancerContract(() => {
    const agent = new StandInAgent();
    let isDown = false;
    const instancer = consulInstancer("web", {
      emptyGraceMs: 0,
      minIntervalMs: 5,
      maxBackoffMs: 100,
      clock: systemClock,
      fetch: async (input, init) => {
        if (isDown) throw new TypeError("refused");
        return await agent.handle(new Request(input, init));
      },
    });
    const change = (addresses: readonly string[]) => {
      for (const id of ["127.0.0.1:8001", "127.0.0.1:8002", "::1:8003"]) agent.remove(id);
      for (const address of addresses) {
        const { hostname, port } = new URL(`http://${address}`);
        const host = hostname.replaceAll(/[[\]]/g, "");
        const id = `${host}:${port}`;
        agent.put({ Name: "web", ID: id, Address: host, Port: Number(port), Tags: [] });
      }
    };
    return {
      instancer,
      set: change,
      // The question under way has to end for the failure to be seen.
      fail: () => (isDown = true, agent.remove("127.0.0.1:8001"), undefined),
      recover: () => (isDown = false, change(["127.0.0.1:8001"])),
      [Symbol.asyncDispose]: () => instancer[Symbol.asyncDispose](),
    };
  })
) {
  Deno.test(`consulInstancer() keeps the contract: ${name}`, run);
}

Deno.test("consulInstancer() asks once without an index, then waits for changes", async () => { // CO2, CO3
  const { clock, agent, asked, heard, instancer } = setup({
    agent: "http://consul.example:8500/proxied/",
    tags: ["api", "a&b"],
    datacenter: "dc 2",
    waitMs: 20_000,
  });
  await using _ = instancer;
  agent.put({ ...ALICE, Tags: ["api", "a&b"] });
  await idle();
  const base = "http://consul.example:8500/proxied/v1/health/service/web?tag=api&tag=a%26b" +
    "&passing=true&dc=dc+2";
  assert.deepEqual(asked.map(String), [base, `${base}&index=11&wait=20000ms`]);
  assert.deepEqual(heard, ["10.0.0.1:80"]);
  assert.equal(instancer.status.state, "connected");
  await clock.advance(60_000);
  assert.equal(asked.length, 4, "a wait that ends is no change");
  assert.deepEqual(heard, ["10.0.0.1:80"]);
});

Deno.test("consulInstancer() sees a change at once", async () => {
  const { clock, agent, heard, instancer } = setup();
  await using _ = instancer;
  agent.put(ALICE);
  await clock.advance(5000);
  agent.put(BOB);
  await idle();
  assert.deepEqual(heard, ["10.0.0.1:80", "10.0.0.1:80,10.0.0.2:80"]);
});

for (
  const [tags, expected] of [
    [[], 2],
    [["api"], 2],
    [["api", "v2"], 1],
    [["v2", "api"], 1],
    [["api", "v3"], 0],
  ] as const
) {
  for (const known of [0, 1, Infinity]) {
    Deno.test(`consulInstancer() takes what has the tags "${tags}" when the agent looks at ${known}`, async () => { // CO4, S10
      const instances = await setOf(
        [ALICE, BOB].filter(({ Tags }) =>
          [...tags].slice(0, known).every((tag) => Tags.includes(tag))
        ).map(consulEntry),
        { tags },
      );
      assert.equal(instances instanceof Error ? instances : instances?.length, expected);
    });
  }
}

Deno.test("consulInstancer() takes what does not pass if told to", async () => {
  const { clock, agent, asked, heard, instancer } = setup({ passingOnly: false });
  await using _ = instancer;
  agent.put(ALICE);
  agent.mark("a", "critical");
  await clock.advance(0);
  assert.deepEqual(heard, ["10.0.0.1:80"]);
  assert(!asked[0]!.searchParams.has("passing"));
});

const READ: readonly [string, unknown, unknown][] = [
  ["the address of the service", consulEntry({}), { address: "10.0.0.1:80" }], // CO5
  ["the address of the node", consulEntry({ Address: "" }), { address: "10.9.9.9:80" }], // CO5
  ["an IPv6 address in brackets", consulEntry({ Address: "fd00::1" }), { address: "[fd00::1]:80" }], // A22
  [
    "weight, zone, version, tags and metadata",
    consulEntry({
      Weights: { Passing: 10, Warning: 2 },
      Meta: { zone: "a", version: "2", team: "x", __proto__: null, odd: 1 },
      Tags: ["t", 1],
    }),
    {
      address: "10.0.0.1:80",
      weight: 10,
      zone: "a",
      version: "2",
      tags: ["t"],
      metadata: { team: "x" },
    },
  ],
  [
    "the weight of a warning",
    {
      ...consulEntry({ Weights: { Passing: 10, Warning: 2 } }),
      Checks: [{ Status: "passing" }, { Status: "warning" }, null],
    },
    { address: "10.0.0.1:80", weight: 2 },
  ],
  ["no weight below zero", consulEntry({ Weights: { Passing: -1 } }), { address: "10.0.0.1:80" }],
  ["no weight that is none", consulEntry({ Weights: { Passing: "9" } }), {
    address: "10.0.0.1:80",
  }],
  ["no checks", { ...consulEntry({}), Checks: null }, { address: "10.0.0.1:80" }],
  ["an entry without a node", { Service: { Address: "h", Port: 1 } }, { address: "h:1" }],
];
for (const [name, entry, expected] of READ) {
  Deno.test(`consulInstancer() reads ${name}`, async () => {
    assert.deepEqual(await setOf([entry]), [expected]);
  });
}

Deno.test("consulInstancer() reads metadata with any name", async () => { // S9
  const meta = JSON.parse(`{ "__proto__": "a", "constructor": "b" }`);
  const set = await setOf([consulEntry({ Meta: meta })]);
  assert(Array.isArray(set));
  assert.deepEqual(Object.entries(set[0].metadata), [["__proto__", "a"], ["constructor", "b"]]);
});

Deno.test("consulInstancer() takes the same of two with one address, in any order", async () => {
  const two = ["a", "b"].map((ID) => consulEntry({ ID, Meta: { of: ID } }));
  const one = [{ address: "10.0.0.1:80", metadata: { of: "a" } }];
  assert.deepEqual(await setOf(two), one);
  assert.deepEqual(await setOf(two.reverse()), one);
});

const endless = (onPull: () => void = () => {}, cancel: () => void = () => {}) =>
  new Response(
    new ReadableStream({
      cancel,
      pull(controller) {
        onPull();
        controller.enqueue(new Uint8Array(1 << 20).fill(32));
      },
    }),
  );
const broken = () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("["));
        controller.error(new TypeError("EOF"));
      },
    }),
  );
const never = () => new Promise<Response>(() => {});
const AT = `at Consul agent "localhost:8500" as`;
const status = (code: number) => () => new Response("said so", { status: code });
const json = (value: unknown) => () => Response.json(value);
const FAULTS: readonly [string, () => Response | Promise<Response>, string, string][] = [
  [
    "is away",
    () => Promise.reject(new TypeError("refused")),
    "unavailable",
    "it cannot be reached",
  ],
  ["breaks off", broken, "unavailable", "it cannot be reached"], // CO6
  ["answers 401", status(401), "unauthenticated", "it answered 401"],
  ["answers 403", status(403), "permission_denied", "it answered 403"],
  ["answers 429", status(429), "resource_exhausted", "it answered 429"],
  ["answers 500", status(500), "unavailable", "it answered 500"],
  ["redirects", status(302), "internal", "it answered 302"],
  ["never answers", never, "deadline_exceeded", "it did not answer in time"],
  [
    "answers without end",
    () => endless(),
    "resource_exhausted",
    "its answer is over 33554432 bytes",
  ],
  ["answers HTML", () => new Response("<html>"), "internal", "its answer is none of Consul"],
  ["answers null", json(null), "internal", "its answer is none of Consul"],
  ["answers nothing", () => new Response(null), "internal", "its answer is none of Consul"],
  ["answers an odd list", json([{}]), "internal", "its answer is none of Consul"],
  ["answers a list of null", json([null]), "internal", "its answer is none of Consul"],
];
for (const [name, answer, code, why] of FAULTS) {
  Deno.test(`consulInstancer() keeps the set and tells once when the agent ${name}`, async () => { // D4, P9, R6
    const states: string[] = [];
    const onStatus = ({ state }: { readonly state: string }) => void states.push(state);
    const { clock, agent, asked, fault, instancer, events, heard } = setup({ onStatus });
    await using _ = instancer;
    agent.put(ALICE);
    await clock.advance(10_000);
    fault.answer = answer;
    agent.put(BOB); // Ends the question under way.
    const before = asked.length;
    await clock.advance(60_000);
    const reads = `Cannot read service "web" ${AT} ${why}`;
    assert.deepEqual(heard, ["10.0.0.1:80", "10.0.0.1:80,10.0.0.2:80", reads]);
    const { error, source } = events.at(-1)!;
    assert(isKitError(error) && error.code === code);
    assert.equal(source, "consul://localhost:8500/web");
    assert.deepEqual(instancer.status.lastError, error);
    const tries = asked.length - before;
    assert(tries >= 3 && tries <= 20, `${tries} tries`); // D1
    delete fault.answer;
    await clock.advance(24_000);
    assert.equal(heard.at(-1), "10.0.0.1:80,10.0.0.2:80");
    assert.deepEqual(states, ["connected", "disconnected", "connected"]);
  });
}

Deno.test("consulInstancer() stops to read an answer that is too large", async () => { // D4, P12
  let pulled = 0;
  let cancelled = 0;
  const fetch = () => Promise.resolve(endless(() => pulled++, () => cancelled++));
  const { instancer } = setup({ fetch });
  await using _ = instancer;
  while (instancer.status.lastError === undefined) await settled();
  await settled();
  assert(pulled <= 34, `${pulled} MiB`);
  assert.equal(cancelled, 1);
});

Deno.test("consulInstancer() starts although the agent is away, and recovers", async () => { // R1, CO2
  const { clock, agent, fault, instancer, heard } = setup();
  await using _ = instancer;
  fault.answer = () => Promise.reject(new TypeError("refused"));
  agent.put(ALICE);
  await clock.advance(300_000);
  delete fault.answer;
  await clock.advance(24_000);
  assert.deepEqual(heard, [`Cannot read service "web" ${AT} it cannot be reached`, "10.0.0.1:80"]);
});

Deno.test("consulInstancer() tries soon again when the agent fails anew", async () => {
  const { clock, agent, asked, fault, instancer } = setup();
  await using _ = instancer;
  fault.answer = () => Promise.reject(new TypeError("refused"));
  await clock.advance(60_000);
  delete fault.answer;
  await clock.advance(24_000);
  fault.answer = () => Promise.reject(new TypeError("refused"));
  const before = asked.length;
  agent.restart();
  await clock.advance(1000);
  assert(asked.length - before >= 3, `${asked.length - before} tries in the first second`);
});

Deno.test("consulInstancer() gives a question that waits its time and no more", async () => { // D4, D6
  const { clock, fault, instancer } = setup({ waitMs: 16_000, timeoutMs: 3000 });
  await using _ = instancer;
  fault.answer = () => Response.json([], { headers: { "x-consul-index": "7" } });
  await settled();
  fault.answer = never;
  await clock.advance(1000);
  await clock.advance(16_000 + 1000 + 3000 - 1001);
  assert.equal(instancer.status.state, "connected");
  await clock.advance(1001);
  assert.equal(instancer.status.state, "disconnected");
});

const INDEXES: readonly [string, readonly (string | undefined)[], readonly (string | null)[]][] = [
  ["goes on", ["5", "6", "9"], [null, "5", "6", "9"]],
  ["stays", ["5", "5", "5"], [null, "5", "5", "5"]],
  ["goes back", ["9", "4", "4"], [null, "9", null, "4"]], // CO7, S10
  ["is 0", ["0", "0"], [null, "1", "1"]], // CO7
  ["becomes 0", ["5", "0", "0"], [null, "5", null, "1"]],
  ["is missing", [undefined, undefined], [null, "1", "1"]],
  ["is no number", ["x", "-3", "1e99"], [null, "1", "1", "1"]],
];
for (const [name, answered, asks] of INDEXES) {
  Deno.test(`consulInstancer() keeps going at its pace when the index ${name}`, async () => { // D4, R6
    const { clock, asked, fault, instancer, heard } = setup();
    await using _ = instancer;
    let turn = 0;
    fault.answer = () => {
      const index = answered[Math.min(turn++, answered.length - 1)];
      return Response.json([], { headers: index === undefined ? {} : { "x-consul-index": index } });
    };
    await clock.advance(20_000);
    const indexes = asked.map(({ searchParams }) => searchParams.get("index"));
    assert.deepEqual(indexes.slice(0, asks.length), asks);
    assert.deepEqual(heard, [""]);
    assert(asked.length >= 25 && asked.length <= 27, `${asked.length} questions in 20 s`);
  });
}

Deno.test("consulInstancer() follows churn at its pace, and each change within 1 s", async () => { // D3, P9
  const { clock, agent, asked, instancer, heard } = setup({ random: Math.random });
  await using _ = instancer;
  await clock.advance(5000);
  const before = asked.length;
  let maxLagMs = 0;
  for (let change = 1; change <= 1000; change++) {
    agent.put({ ...ALICE, Port: change });
    await clock.advance(20);
    const seen = Number(heard.at(-1)!.split(":")[1] ?? 0);
    maxLagMs = Math.max(maxLagMs, (change - seen) * 20);
  }
  const questions = asked.length - before;
  assert(questions <= 2 + 25, `${questions} questions`);
  await clock.advance(1000);
  assert.equal(heard.at(-1), "10.0.0.1:1000");
  assert(maxLagMs <= 1000, `${maxLagMs} ms late`);
});

Deno.test("consulInstancer() spreads the questions of many that one change woke", async () => { // D11
  const clock = new FakeClock();
  const agent = new StandInAgent(clock);
  const askedAt: number[] = [];
  const watchers = Array.from({ length: 200 }, () =>
    consulInstancer("web", {
      clock,
      fetch: (input, init) => {
        askedAt.push(clock.now());
        return agent.handle(new Request(input, init));
      },
    }));
  await clock.advance(5000);
  askedAt.length = 0;
  const start = clock.now();
  agent.put(ALICE);
  await clock.advance(2000);
  assert.equal(askedAt.length, 200);
  const buckets = Array.from(
    { length: 10 },
    (_, i) => askedAt.filter((at) => Math.floor((at - start) / 10) === i).length,
  );
  assert(Math.max(...buckets) <= 3 * 20, `${buckets}`);
  assert(watchers.every(({ status }) => status.state === "connected"));
  await Promise.all(watchers.map((watcher) => watcher[Symbol.asyncDispose]()));
});

Deno.test("consulInstancer() holds the set when the agent has lost its state", async () => { // D2
  const { clock, agent, asked, instancer, heard } = setup();
  await using _ = instancer;
  for (let port = 71; port <= 80; port++) agent.put({ ...ALICE, Port: port });
  await clock.advance(10_000);
  const before = asked.length;
  agent.restart();
  await clock.advance(2000);
  const indexes = asked.slice(before).map(({ searchParams }) => searchParams.get("index"));
  assert.deepEqual(indexes, [null, "10"]);
  assert.equal(instancer.status.state, "connected");
  assert(!heard.includes(""), "an empty answer is held");
  agent.put(BOB);
  await idle();
  assert.equal(heard.at(-1), "10.0.0.2:80", "one that comes is not held back");
  agent.remove("b");
  await clock.advance(29_999);
  assert.equal(heard.at(-1), "10.0.0.2:80");
  await clock.advance(1);
  assert.equal(heard.at(-1), "", "an agent that says so for long is believed");
});

Deno.test("consulInstancer() keeps the set when an address is none, and does not spin", async () => { // R7
  const { clock, agent, asked, instancer, heard } = setup();
  await using _ = instancer;
  agent.put(ALICE);
  await clock.advance(10_000);
  const before = asked.length;
  agent.put({ ...BOB, Port: 0 });
  await clock.advance(60_000);
  assert.equal(heard.length, 2);
  assert.match(heard[1]!, /10\.0\.0\.2:0/);
  assert(asked.length - before <= 5);
  agent.put(BOB);
  await idle();
  assert.equal(heard.at(-1), "10.0.0.1:80,10.0.0.2:80");
});

Deno.test("consulInstancer() shows its token to the agent only", async () => { // S12, S7, P19
  const token = "secret-canary-6b1f";
  const redirects: (string | undefined)[] = [];
  const shown: string[] = [];
  for (const answer of [undefined, "echo", "throw"] as const) {
    const agent = new StandInAgent(undefined, answer === undefined ? token : "another");
    const instancer = consulInstancer("web", {
      token,
      fetch: async (input, init) => {
        redirects.push(init?.redirect);
        if (answer === "throw") throw new TypeError("refused");
        return await agent.handle(new Request(input, init));
      },
    });
    using _ = instancer.subscribe((event) => shown.push(inspect(event, { depth: 9 })));
    while (shown.length === 0) await settled();
    if (answer !== undefined) assert.match(shown.join(), /\*\*\*|refused/);
    assert(!shown.join().includes(token));
    assert(!inspect(instancer, { depth: 9, showHidden: true }).includes(token));
    assert(!inspect(instancer.status, { depth: 9 }).includes(token));
    shown.length = 0;
    await instancer[Symbol.asyncDispose]();
  }
  assert(redirects.every((redirect) => redirect === "manual"));
});

for (const moment of ["question", "pause", "answer"] as const) {
  Deno.test(`consulInstancer() ends at once when disposed of during a ${moment}`, async () => { // CO8
    const { clock, agent, fault, instancer, heard } = setup();
    if (moment === "pause") fault.answer = () => Promise.reject(new TypeError("refused"));
    if (moment === "answer") {
      fault.answer = () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
    }
    await clock.advance(moment === "answer" ? 0 : 1234);
    const before = heard.length;
    const closing = instancer[Symbol.asyncDispose]();
    assert.equal(instancer.status.state, "closed");
    await closing;
    await instancer[Symbol.asyncDispose]();
    agent.put(ALICE);
    await settled();
    assert.equal(clock.pending, 0);
    assert.equal(heard.length, before);
  });
}

Deno.test("consulInstancer() survives a failure of any one question", async () => { // R6
  for (let failing = 1; failing <= 8; failing++) {
    const clock = new FakeClock();
    const agent = new StandInAgent(clock);
    let asked = 0;
    const instancer = consulInstancer("web", {
      clock,
      fetch: (input, init) => {
        if (++asked === failing) throw new Error("thrown, not rejected");
        return agent.handle(new Request(input, init));
      },
    });
    for (let port = 1; port <= 10; port++) {
      agent.put({ ...ALICE, Port: port });
      await clock.advance(3000);
    }
    let last: string | undefined;
    using _ = instancer.subscribe(({ instances }) => last = instances?.[0]?.address);
    assert.equal(last, "10.0.0.1:10");
    await instancer[Symbol.asyncDispose]();
    agent.remove("a");
    assert.equal(clock.pending, 0);
  }
});

const MISUSE: readonly [string, string, ConsulInstancerOptions, RegExp][] = [
  ["no service", "", {}, /"service"/],
  ["a service that is a path", "..", {}, /"service"/],
  ["an agent that is no URL", "web", { agent: "localhost" }, /"agent"/],
  ["an agent of another scheme", "web", { agent: "consul://localhost:8500" }, /"agent"/],
  ["an agent with a password", "web", { agent: "http://a:secret@h" }, /hold credentials$/],
  ["a token with a line break", "web", { token: "se\r\ncret" }, /^(?!.*cret).*"token"/],
  ["a wait of zero", "web", { waitMs: 0 }, /"waitMs"/],
  ["a wait over 10 minutes", "web", { waitMs: 600_001 }, /600000 at most/],
  ["no time to answer", "web", { timeoutMs: 0 }, /"timeoutMs"/],
  ["no interval", "web", { minIntervalMs: 0 }, /"minIntervalMs"/],
  ["no pause", "web", { maxBackoffMs: 0 }, /"maxBackoffMs"/],
  ["a negative grace", "web", { emptyGraceMs: -1 }, /"emptyGraceMs"/],
];
for (const [name, service, options, message] of MISUSE) {
  Deno.test(`consulInstancer() refuses ${name}`, () => {
    assert.throws(() => consulInstancer(service, { ...options, fetch: never }), { message });
  });
}
