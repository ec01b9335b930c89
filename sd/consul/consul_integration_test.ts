/** Runs against an agent of Consul, which is killed, paused and cut off. */
import { background, delay } from "@kit/endpoint";
import assert from "node:assert/strict";
import { endpointer } from "../endpointer.ts";
import type { DiscoveryEvent, Instancer } from "../instancer.ts";
import { eventually, freePort, ServerProcess, TcpProxy } from "../testdata/server_process.ts";
import { instancerContract } from "../testing.ts";
import { consulInstancer } from "./instancer.ts";
import { consulRegistrar } from "./registrar.ts";

const CONSUL = Deno.env.get("KIT_CONSUL");
const program = (name: string) => new URL(`testdata/${name}`, import.meta.url).pathname;
const why = CONSUL === undefined ? " (ignored: KIT_CONSUL is not set)" : "";
const test = (name: string, run: (t: Deno.TestContext) => Promise<void>) =>
  Deno.test({ name: `${name}${why}`, ignore: CONSUL === undefined, fn: run });
const TOKEN = "e95b599e-166e-7d80-08ad-aee76e7ddf19";

function consulArgs(port: number, token?: string): string[] {
  const acl = `acl { enabled = true, default_policy = "deny", tokens { master = "${token}" } }`;
  return [
    "agent",
    "-dev",
    "-log-level=err",
    "-bind=127.0.0.1",
    `-http-port=${port}`,
    ...["dns", "grpc", "serf-wan"].map((name) => `-${name}-port=-1`),
    ...["server", "serf-lan"].map((name) => `-${name}-port=${freePort()}`),
    ...token === undefined ? [] : ["-hcl", acl],
  ];
}

/** An agent in a process of its own, which keeps no state when it is killed. */
class Agent implements AsyncDisposable {
  readonly url: string;

  private constructor(readonly server: ServerProcess) {
    this.url = `http://127.0.0.1:${server.port}`;
  }

  static async start(token?: string): Promise<Agent> {
    const port = freePort();
    const agent = new Agent(await ServerProcess.start(port, CONSUL!, consulArgs(port, token)));
    await agent.#isReady();
    return agent;
  }

  async restart(): Promise<void> {
    await this.server.start();
    await this.#isReady();
  }

  async put(path: string, body?: unknown): Promise<number> {
    const response = await fetch(`${this.url}/v1/${path}`, {
      method: "PUT",
      body: body === undefined ? null : JSON.stringify(body),
    });
    await response.body?.cancel();
    return response.status;
  }

  /** Registers by hand, without a check if not told otherwise. */
  async add(service: string, port: number, more: Record<string, unknown> = {}): Promise<void> {
    const body = { Name: service, ID: `${service}-${port}`, Address: "127.0.0.1", Port: port };
    assert.equal(await this.put("agent/service/register", { Tags: [], ...body, ...more }), 200);
  }

  async remove(service: string, port: number): Promise<void> {
    await this.put(`agent/service/deregister/${service}-${port}`);
  }

  async knows(service: string, query = ""): Promise<number> {
    const response = await fetch(`${this.url}/v1/health/service/${service}?${query}`);
    return (await response.json()).length;
  }

  /** Until it has a leader. */
  async #isReady(): Promise<void> {
    await eventually(async () => {
      const leader = await (await fetch(`${this.url}/v1/status/leader`)).text();
      assert.match(leader, /:\d+/);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** What an instancer tells, and when. */
function listen(instancer: Instancer) {
  const events: DiscoveryEvent[] = [];
  const subscription = instancer.subscribe((event) => events.push(event));
  const ports = () =>
    events.findLast((event) => event.instances !== undefined)?.instances
      ?.map(({ address }) => address.split(":").at(-1)).join();
  return {
    events,
    ports,
    has: (expected: string, withinMs = 5000) =>
      eventually(() => assert.equal(ports(), expected), { withinMs, everyMs: 2 }),
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  };
}

/** Options with a fetch that counts. */
function counting() {
  const counted = {
    requests: 0,
    fetch: ((input, init) => {
      counted.requests++;
      return fetch(input, init);
    }) as typeof globalThis.fetch,
  };
  return counted;
}

test("consulInstancer() keeps the contract with an agent", async (t) => { // SC1-SC4, SD1
  await using agent = await Agent.start();
  let last = 0;
  const cases = instancerContract(async () => {
    const service = `contract-${++last}`;
    const proxy = new TcpProxy(agent.server.port);
    const instancer = consulInstancer(service, {
      agent: `http://127.0.0.1:${proxy.port}`,
      emptyGraceMs: 0,
      minIntervalMs: 20,
      maxBackoffMs: 200,
    });
    await eventually(() => instancer.status.state === "connected");
    let known: readonly string[] = [];
    return {
      instancer,
      async set(addresses) {
        for (const address of addresses) {
          const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address)!;
          if (!known.includes(address)) await agent.add(service, Number(port), { Address: host });
        }
        for (const address of known) {
          const port = Number(address.split(":").at(-1));
          if (!addresses.includes(address)) await agent.remove(service, port);
        }
        known = addresses;
      },
      fail: () => proxy.cut(),
      recover: () => proxy.restore(),
      async [Symbol.asyncDispose]() {
        await instancer[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
      },
    };
  });
  for (const { name, run } of cases) await t.step(name, run);
});

test("consulRegistrar() and consulInstancer() meet at an agent", async () => { // CO1, CO4, CO9, CO10
  await using agent = await Agent.start();
  const options = { agent: agent.url };
  const instance = {
    address: "127.0.0.1:8001",
    weight: 5,
    zone: "a",
    version: "1.2",
    tags: ["api", "v1"],
    metadata: { team: "x" },
  };
  await using v1 = consulInstancer("web", { ...options, tags: ["api", "v1"], emptyGraceMs: 0 });
  await using all = consulInstancer("web", { ...options, tags: ["api"], emptyGraceMs: 0 });
  using ofV1 = listen(v1);
  using ofAll = listen(all);
  await eventually(() => v1.status.state === "connected" && all.status.state === "connected");
  await using registrar = consulRegistrar({ name: "web", ...instance }, options);
  await registrar.register();
  await agent.add("web", 8002, { Tags: ["api", "v2"] });
  await ofAll.has("8001,8002", 2000);
  await ofV1.has("8001", 2000);
  assert.deepEqual(ofV1.events.at(-1)?.instances, [instance]);
  await registrar.deregister();
  await ofV1.has("", 2000);
  await ofAll.has("8002", 2000);
});

test("consulInstancer() sees a change within 100 ms", async () => { // CO3, P9
  await using agent = await Agent.start();
  await using instancer = consulInstancer("web", { agent: agent.url });
  using heard = listen(instancer);
  await eventually(() => instancer.status.state === "connected");
  const tookMs: number[] = [];
  for (let port = 1; port <= 5; port++) {
    await delay(1200); // The pace allows one at once.
    const start = performance.now();
    await agent.add("web", port);
    await heard.has([1, 2, 3, 4, 5].slice(0, port).join());
    tookMs.push(performance.now() - start);
  }
  // The middle one, as the machine may be busy.
  assert(tookMs.toSorted((a, b) => a - b)[2]! < 100, `${tookMs}`);
});

test("consulInstancer() sees a TTL run out", async () => {
  await using agent = await Agent.start();
  await using instancer = consulInstancer("web", { agent: agent.url });
  using heard = listen(instancer);
  await agent.add("web", 1);
  await agent.add("web", 2, { Check: { TTL: "1s", Status: "passing" } });
  await heard.has("1,2");
  await heard.has("1", 3000);
});

test("an agent that is killed fails no call", async () => { // D1, D2, P9
  await using agent = await Agent.start();
  await agent.add("web", 1);
  await agent.add("web", 2);
  const counted = counting();
  await using instancer = consulInstancer("web", { agent: agent.url, fetch: counted.fetch });
  using heard = listen(instancer);
  await using entries = endpointer(
    instancer,
    ({ address }) => () => Promise.resolve(address),
  );
  await entries.ready(background());
  const sizes = new Map<number, number>();
  let isOver = false;
  const load = (async () => {
    for (let call = 0; !isOver; call++) {
      const known = entries.endpoints();
      sizes.set(known.length, (sizes.get(known.length) ?? 0) + 1);
      await known[call % known.length]!.endpoint(null, background());
      await delay(5);
    }
  })();
  await delay(500);
  const before = counted.requests;
  await agent.server.kill();
  await delay(6000);
  const tries = counted.requests - before;
  // 50 + 100 + … + 3200 ms are over 6 s.
  assert(tries >= 4 && tries <= 8, `${tries} tries`);
  assert.equal(heard.events.filter(({ error }) => error !== undefined).length, 1);
  await agent.restart();
  await eventually(() => instancer.status.state === "connected", { withinMs: 12_000 });
  await delay(1000); // It answers that there is nobody.
  assert.equal(heard.ports(), "1,2");
  await agent.add("web", 1);
  await agent.add("web", 2);
  await agent.add("web", 3);
  await heard.has("1,2,3", 2000);
  isOver = true;
  await load;
  // Who comes back first is believed at once, but nobody ever finds an empty set.
  assert(!sizes.has(0) && (sizes.get(2) ?? 0) > 1000, JSON.stringify([...sizes]));
});

test("an agent that lost its state is told again within the TTL", async () => { // D2, P9
  await using agent = await Agent.start();
  const options = { agent: agent.url };
  const ttlMs = 3000;
  const states: string[] = [];
  await using registrar = consulRegistrar(
    { name: "web", address: "127.0.0.1:1", check: { ttlMs } },
    { ...options, onStatus: ({ state }) => states.push(state) },
  );
  await registrar.register();
  await using instancer = consulInstancer("web", options);
  using heard = listen(instancer);
  await heard.has("1");
  await agent.server.kill();
  await agent.restart();
  const start = performance.now();
  await eventually(async () => assert.equal(await agent.knows("web", "passing=1"), 1), {
    withinMs: ttlMs + 2000,
  });
  await eventually(() => instancer.status.state === "connected", { withinMs: 2000 });
  assert(performance.now() - start < ttlMs + 2000);
  await agent.add("web", 2);
  await heard.has("1,2", 1000);
  assert(heard.events.every(({ instances }) => instances?.length !== 0));
});

test("consulInstancer() follows churn at its pace", async () => { // D3
  await using agent = await Agent.start();
  const counted = counting();
  await using instancer = consulInstancer("web", { agent: agent.url, fetch: counted.fetch });
  using heard = listen(instancer);
  await eventually(() => instancer.status.state === "connected");
  await delay(2000);
  const before = counted.requests;
  const start = performance.now();
  for (let change = 1; change <= 200; change++) {
    await agent.add("web", 1000 + change % 7, { Meta: { change: `${change}` } });
    await delay(20);
  }
  const seconds = (performance.now() - start) / 1000;
  const questions = counted.requests - before;
  assert(questions <= 2 + seconds / 0.8, `${questions} questions in ${seconds} s`);
  assert(questions >= seconds / 2, `${questions} questions in ${seconds} s`);
  await heard.has("1000,1001,1002,1003,1004,1005,1006", 2000);
  await eventually(
    () => heard.events.at(-1)?.instances?.some(({ metadata }) => metadata?.change === "200"),
    { withinMs: 2000 },
  );
});

test("an agent that is paused is noticed, and nothing is lost", async () => { // D6
  await using agent = await Agent.start();
  const options = { agent: agent.url, timeoutMs: 500 };
  await using instancer = consulInstancer("web", { ...options, waitMs: 1000 });
  using heard = listen(instancer);
  await using registrar = consulRegistrar(
    { name: "web", address: "127.0.0.1:1", check: { ttlMs: 1500 } },
    options,
  );
  await registrar.register();
  await heard.has("1");
  agent.server.signal("SIGSTOP");
  await eventually(() => {
    assert.equal(instancer.status.state, "disconnected");
    assert.equal(registrar.status.state, "disconnected");
  }, { withinMs: 4000 });
  assert.equal(heard.ports(), "1");
  await delay(2000);
  agent.server.signal("SIGCONT");
  await eventually(async () => {
    assert.equal(instancer.status.state, "connected");
    assert.equal(registrar.status.state, "connected");
    assert.equal(await agent.knows("web", "passing=1"), 1);
  }, { withinMs: 6000 });
  assert.equal(heard.ports(), "1");
});

test("a process that is paused past its TTL is back soon, and no twin", async () => { // D7, P9
  await using agent = await Agent.start();
  const ttlMs = 1500;
  const service = { name: "web", address: "127.0.0.1:1", check: { ttlMs } };
  await using instancer = consulInstancer("web", { agent: agent.url, emptyGraceMs: 0 });
  using heard = listen(instancer);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-net",
      program("registrar_process.ts"),
      agent.url,
      JSON.stringify(service),
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await heard.has("1", 20_000);
    child.kill("SIGSTOP");
    await heard.has("", 2 * ttlMs);
    child.kill("SIGCONT");
    await heard.has("1", ttlMs + 2000);
    child.kill("SIGSTOP");
    await heard.has("", 2 * ttlMs);
    await agent.remove("web", 0);
    await agent.put("agent/service/deregister/web-127.0.0.1:1");
    child.kill("SIGCONT");
    await heard.has("1", ttlMs + 2000);
    assert.equal(await agent.knows("web"), 1);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

test("a connection that is cut or swallowed changes nothing", async () => { // D1, D6
  await using agent = await Agent.start();
  await agent.add("web", 1);
  await using proxy = new TcpProxy(agent.server.port);
  const options = { agent: `http://127.0.0.1:${proxy.port}`, timeoutMs: 500 };
  await using instancer = consulInstancer("web", { ...options, waitMs: 1000, maxBackoffMs: 500 });
  using heard = listen(instancer);
  await heard.has("1");
  for (const trouble of ["cut", "blackhole"] as const) {
    proxy[trouble]();
    await eventually(() => instancer.status.state === "disconnected", { withinMs: 4000 });
    const registrar = consulRegistrar({ name: "web", address: "127.0.0.1:9" }, options);
    await assert.rejects(registrar.register(), {
      code: trouble === "cut" ? "unavailable" : "deadline_exceeded",
    });
    const start = performance.now();
    await registrar[Symbol.asyncDispose]();
    assert(performance.now() - start < 1500);
    assert.equal(heard.ports(), "1");
    proxy.restore();
    await eventually(() => instancer.status.state === "connected", { withinMs: 4000 });
  }
  const errors = heard.events.flatMap(({ error }) => error === undefined ? [] : [error.message]);
  assert(errors.length >= 2 && errors.length <= 6, errors.join("\n"));
});

test("a wrong token is refused in words that do not show it", async () => { // CO1, S12
  await using agent = await Agent.start(TOKEN);
  const wrong = { agent: agent.url, token: "11111111-2222-3333-4444-555555555555" };
  const right = { agent: agent.url, token: TOKEN };
  const service = { name: "web", address: "127.0.0.1:1" };
  await using refused = consulRegistrar(service, wrong);
  await assert.rejects(refused.register(), (error: Error) => {
    assert.match(error.message, /as it answered 403$/);
    assert(!Deno.inspect(error, { depth: 9 }).includes(wrong.token));
    return true;
  });
  await using blind = consulInstancer("web", wrong);
  await eventually(() => blind.status.state === "disconnected");
  assert.match(blind.status.lastError!.message, /as it answered 403$/);
  await using registrar = consulRegistrar(service, right);
  await registrar.register();
  await using instancer = consulInstancer("web", right);
  using heard = listen(instancer);
  await heard.has("1");
});

test("consulInstancer() ends a question under way when disposed of", async () => { // CO8
  await using agent = await Agent.start();
  const instancer = consulInstancer("web", { agent: agent.url, waitMs: 600_000 });
  await eventually(() => instancer.status.state === "connected");
  await delay(300);
  const start = performance.now();
  await instancer[Symbol.asyncDispose]();
  assert(performance.now() - start < 200);
});
