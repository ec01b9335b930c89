/**
 * Against real ZooKeeper servers, which are killed, stopped, emptied and cut off, and kazoo, another
 * client: `source _tools/services.sh && fetch_zookeeper` finds them.
 * @module
 */
import { fileURLToPath } from "node:url";
import { delay } from "@kit/endpoint";
import type { Instance, Instancer, Status } from "@kit/sd";
import { instancerContract } from "@kit/sd/testing";
import {
  zookeeperInstancer,
  type ZookeeperInstancerOptions,
  zookeeperRegistrar,
  type ZookeeperRegistrarOptions,
} from "@kit/sd/zookeeper";
import assert from "node:assert/strict";
import { eventually, freePort, TcpProxy } from "../testdata/server_process.ts";
import {
  Peer,
  startEnsemble,
  startZookeeper,
  type ZookeeperProcess,
} from "./testdata/zookeeper_server.ts";

/** How long a session lasts here, and how late a loaded machine may be. */
const TIMEOUT_MS = 2000;
const SLACK_MS = 1000;

const at = (port: number) => `127.0.0.1:${port}`;

function follow(port: number, path: string, options: ZookeeperInstancerOptions = {}) {
  const statuses: Status[] = [];
  const instancer = zookeeperInstancer(path, {
    servers: at(port),
    sessionTimeoutMs: TIMEOUT_MS,
    emptyGraceMs: 0,
    onStatus: (status) => statuses.push(status),
    ...options,
  });
  return { ...listen(instancer), instancer, statuses, [Symbol.asyncDispose]: dispose };
  async function dispose(): Promise<void> {
    await instancer[Symbol.asyncDispose]();
  }
}

function listen(instancer: Instancer) {
  const sets: string[] = [];
  instancer.subscribe(({ instances }) => {
    if (instances !== undefined) sets.push(instances.map(({ address }) => address).join());
  });
  return {
    sets,
    sees: (expected: string, withinMs = 5000) =>
      eventually(() => assert.equal(sets.at(-1), expected), { withinMs }),
  };
}

function registrarAt(
  port: number,
  path: string,
  instance: string | Instance,
  options: ZookeeperRegistrarOptions = {},
) {
  const servers = at(port);
  return zookeeperRegistrar(path, instance, { servers, sessionTimeoutMs: TIMEOUT_MS, ...options });
}

/** By name, the data and the owner of the nodes below a path, as kazoo sees them. */
async function nodes(
  port: number,
  path: string,
  ...more: readonly string[]
): Promise<Record<string, [data: string, owner: string]>> {
  await using peer = new Peer(port, "nodes", path, ...more);
  return JSON.parse(await peer.line());
}

const addresses = async (port: number, path: string) =>
  Object.values(await nodes(port, path)).map(([data]) => data).sort();

/** Runs a test with a server that others use too, below a path of its own. */
function withServer(name: string, run: (port: number, path: string) => Promise<void>): void {
  Deno.test(name, async () => {
    await using server = await startZookeeper();
    await run(server.port, "/services/test");
  });
}

Deno.test("zookeeperInstancer() keeps the contract on a real server", async (t) => { // SC1-SC4
  await using server = await startZookeeper();
  let number = 0;
  const contract = instancerContract(() => {
    const path = `/contract/${number++}`;
    const proxy = new TcpProxy(server.port);
    const { instancer } = follow(proxy.port, path);
    const registrars = new Map<string, AsyncDisposable>();
    return {
      instancer,
      async set(wanted) {
        for (const address of wanted.filter((one) => !registrars.has(one))) {
          const registrar = registrarAt(server.port, path, address);
          registrars.set(address, registrar);
          await registrar.register();
        }
        for (const [address, registrar] of registrars) {
          if (wanted.includes(address)) continue;
          registrars.delete(address);
          await registrar[Symbol.asyncDispose]();
        }
      },
      fail: () => proxy.cut(),
      recover: () => proxy.restore(),
      async [Symbol.asyncDispose]() {
        await instancer[Symbol.asyncDispose]();
        for (const registrar of registrars.values()) await registrar[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
      },
    };
  });
  for (const { name, run } of contract) await t.step(name, run);
});

withServer(
  "zookeeperRegistrar() registers, and zookeeperInstancer() finds it",
  async (port, path) => { // ZK3, ZK5, ZK7
    await using watched = follow(port, path);
    await watched.sees("");
    const instance = {
      address: "[::1]:80",
      weight: 3,
      zone: "x",
      tags: ["a"],
      metadata: { b: "c" },
    };
    await using numbered = registrarAt(port, path, instance);
    await using fixed = registrarAt(port, path, "10.0.0.1:80", { nodeName: "one" });
    await Promise.all([numbered.register(), fixed.register()]);
    await watched.sees("10.0.0.1:80,[::1]:80");
    const found = Object.keys(await nodes(port, path)).sort();
    assert.match(found[0]!, /^_c_[0-9a-f-]{36}-\d{10}$/);
    assert.equal(found[1], "one");
    watched.instancer.subscribe(({ instances }) => assert.deepEqual(instances?.[1], instance));
    await numbered.deregister();
    await watched.sees("10.0.0.1:80", SLACK_MS);
    await fixed.deregister();
    await watched.sees("", SLACK_MS);
    await numbered.register();
    await watched.sees("[::1]:80", SLACK_MS);
  },
);

withServer(
  "zookeeperInstancer() finds what kazoo registers, and kazoo what we do",
  async (port, path) => { // ZK3, ZK4
    await using watched = follow(port, path);
    await using registrar = registrarAt(port, path, "10.0.0.1:80");
    await registrar.register();
    {
      await using peer = new Peer(port, "register", path, "10.0.0.2:80");
      await peer.line();
      await watched.sees("10.0.0.1:80,10.0.0.2:80");
      assert.deepEqual(await addresses(port, path), ["10.0.0.1:80", "10.0.0.2:80"]);
    }
    await watched.sees("10.0.0.1:80");
  },
);

withServer(
  "zookeeperRegistrar() stays registered when somebody deletes its node",
  async (port, path) => {
    await using watched = follow(port, path);
    await using registrar = registrarAt(port, path, "10.0.0.1:80");
    await registrar.register();
    for (let round = 0; round < 3; round++) {
      const [name] = Object.keys(await nodes(port, path));
      await using peer = new Peer(port, "delete", path, name!);
      await peer.line();
      await eventually(async () => {
        const [now, ...others] = Object.keys(await nodes(port, path));
        assert(now !== undefined && now !== name && others.length === 0);
      }, { everyMs: 200 });
    }
    await watched.sees("10.0.0.1:80");
  },
);

for (const [kind, nodeName] of [["numbered", undefined], ["fixed", "one"]] as const) {
  withServer(
    `zookeeperRegistrar() has its ${kind} node back after a black hole, and no twin`,
    async (port, path) => { // D8, D7
      await using proxy = new TcpProxy(port);
      await using watched = follow(port, path);
      await using cutOff = follow(proxy.port, path);
      await using registrar = registrarAt(proxy.port, path, "10.0.0.1:80", { nodeName });
      await registrar.register();
      await cutOff.sees("10.0.0.1:80");
      const before = await nodes(port, path);
      const start = performance.now();
      proxy.blackhole();
      const noticed = () => assert.equal(cutOff.instancer.status.state, "disconnected");
      await eventually(noticed, { withinMs: TIMEOUT_MS });
      const noticedMs = performance.now() - start;
      assert(noticedMs < TIMEOUT_MS * 2 / 3 + SLACK_MS / 2, `noticed after ${noticedMs} ms`);
      await watched.sees("", TIMEOUT_MS + SLACK_MS); // The session has expired.
      assert.equal(cutOff.sets.at(-1), "10.0.0.1:80"); // P9
      proxy.restore();
      await watched.sees("10.0.0.1:80", TIMEOUT_MS + 2000);
      const after = await nodes(port, path);
      assert.equal(Object.keys(after).length, 1);
      assert.notEqual(Object.values(after)[0]?.[1], Object.values(before)[0]?.[1]);
      await eventually(() => cutOff.instancer.status.state === "connected");
      await using another = registrarAt(port, path, "10.0.0.2:80"); // The watches live.
      await another.register();
      await cutOff.sees("10.0.0.1:80,10.0.0.2:80", SLACK_MS);
      assert.equal(cutOff.statuses.length, 3);
    },
  );
}

withServer(
  "zookeeperRegistrar() has its node back after its process was paused",
  async (port, path) => { // D8
    await using watched = follow(port, path);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", fileURLToPath(import.meta.resolve("./testdata/register.ts"))],
        ...[`${port}`, path, "10.0.0.1:80", `${TIMEOUT_MS}`],
      ],
    }).spawn();
    try {
      await watched.sees("10.0.0.1:80", 20_000);
      child.kill("SIGSTOP");
      await watched.sees("", TIMEOUT_MS + SLACK_MS);
      child.kill("SIGCONT");
      await watched.sees("10.0.0.1:80", TIMEOUT_MS + 2000);
      assert.deepEqual(await addresses(port, path), ["10.0.0.1:80"]);
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
    await watched.sees("", TIMEOUT_MS + SLACK_MS); // Nothing is left of a dead process.
  },
);

withServer(
  "zookeeperRegistrar() waits with a fixed name until the dead one's session is over",
  async (port, path) => { // D8
    await using proxy = new TcpProxy(port);
    await using watched = follow(port, path);
    const dead = registrarAt(proxy.port, path, "10.0.0.1:80", { nodeName: "one" });
    await dead.register();
    proxy.cut();
    await dead[Symbol.asyncDispose]();
    await using heir = registrarAt(port, path, "10.0.0.2:80", { nodeName: "one" });
    await heir.register();
    await watched.sees("10.0.0.2:80");
    assert.deepEqual(Object.keys(await nodes(port, path)), ["one"]);
  },
);

withServer("zookeeperInstancer() has the right set a second after a storm", async (port, path) => { // D8
  await using watched = follow(port, path);
  await using storm = new Peer(port, "storm", path, "4");
  const [changes, left] = JSON.parse(await storm.line()) as [number, string[]];
  await watched.sees(left.join(), 1000);
  assert(changes > 200, `${changes} changes`);
});

Deno.test("zookeeperInstancer() keeps calls going while the server is dead", async () => { // D1, P9
  await using server = await startZookeeper();
  const { port, process } = server;
  await using watched = follow(port, "/services/test", { emptyGraceMs: 30_000 });
  await using registrar = registrarAt(port, "/services/test", "10.0.0.1:80");
  await registrar.register();
  await watched.sees("10.0.0.1:80");
  const before = await nodes(port, "/services/test");

  await process.kill();
  await eventually(() => watched.instancer.status.state === "disconnected");
  await eventually(() => registrar.status.state === "disconnected");
  await delay(TIMEOUT_MS);
  await process.start();
  await eventually(() => watched.instancer.status.state === "connected");
  await eventually(() => registrar.status.state === "connected");
  assert.deepEqual(await nodes(port, "/services/test"), before); // It is the same session still.

  await process.kill();
  await server.loseState();
  await process.start();
  await eventually(() => watched.instancer.status.state === "connected");
  await eventually(() => registrar.status.state === "connected");
  assert.deepEqual(await addresses(port, "/services/test"), ["10.0.0.1:80"]);
  await using another = registrarAt(port, "/services/test", "10.0.0.2:80");
  await another.register();
  await watched.sees("10.0.0.1:80,10.0.0.2:80", SLACK_MS);
  const first = watched.sets.findIndex((set) => set !== "");
  assert.equal(watched.sets.indexOf("", first), -1);
  const states = watched.statuses.map(({ state }) => state).join();
  assert.match(
    states,
    /^connected,disconnected,connected,disconnected,connected$/,
  );
});

Deno.test("zookeeperInstancer() notices a server that is stopped", async () => { // D6
  await using server = await startZookeeper();
  await using watched = follow(server.port, "/services/test");
  await watched.sees("");
  server.process.signal("SIGSTOP");
  const start = performance.now();
  await eventually(() => watched.instancer.status.state === "disconnected");
  const noticedMs = performance.now() - start;
  server.process.signal("SIGCONT");
  assert(noticedMs < TIMEOUT_MS * 2 / 3 + SLACK_MS / 2, `noticed after ${noticedMs} ms`);
  await eventually(() => watched.instancer.status.state === "connected");
});

withServer(
  "zookeeperInstancer() passes over servers that are dead or silent",
  async (port, path) => {
    await using silent = new TcpProxy(port);
    silent.blackhole();
    const servers = [at(freePort()), at(silent.port), at(port)];
    for (const random of [() => 0, () => 0.5, () => 0.999]) {
      const options = { servers, random, connectTimeoutMs: 500 };
      await using watched = follow(port, path, options);
      await using registrar = registrarAt(port, path, "10.0.0.1:80", options);
      await registrar.register();
      await watched.sees("10.0.0.1:80", 3000);
    }
  },
);

Deno.test("zookeeperRegistrar() keeps its node when the server that it uses dies", async () => {
  const ensemble: ZookeeperProcess[] = await startEnsemble();
  try {
    const servers = ensemble.map(({ port }) => at(port));
    const path = "/services/test";
    // The session is at the first, as the order is not shuffled.
    const options = { servers, random: () => 0.999, sessionTimeoutMs: 4000 };
    await using registrar = registrarAt(0, path, "10.0.0.1:80", options);
    await registrar.register();
    const { port } = ensemble[1]!;
    await using watched = follow(0, path, { ...options, emptyGraceMs: 0 });
    await watched.sees("10.0.0.1:80");
    const before = await nodes(port, path);
    await ensemble[0]!.process.kill();
    await eventually(() => registrar.status.state === "disconnected");
    await eventually(() => registrar.status.state === "connected");
    await eventually(() => watched.instancer.status.state === "connected");
    assert.deepEqual(await nodes(port, path), before);
    assert.deepEqual(new Set(watched.sets), new Set(["10.0.0.1:80"]));
  } finally {
    for (const server of ensemble) await server[Symbol.asyncDispose]();
  }
});

withServer("zookeeperRegistrar() keeps others out by digest", async (port, path) => { // ZK1
  const auth = { scheme: "digest", username: "ada", password: "s3cret" } as const;
  const wrong = { ...auth, password: "wrong" };
  await using registrar = registrarAt(port, path, "10.0.0.1:80", { auth, acl: "creator" });
  await registrar.register();
  const seen = await nodes(port, path, "ada:s3cret");
  assert.deepEqual(Object.values(seen).map(([data]) => data), ["10.0.0.1:80"]);
  await using right = follow(port, path, { auth });
  await right.sees("10.0.0.1:80");
  for (const other of [wrong, undefined]) {
    const credentials = other === undefined ? {} : { auth: other };
    await using watched = follow(port, path, credentials);
    const { instancer } = watched;
    await eventually(() => assert.match(`${instancer.status.lastError}`, /do not permit it/));
    assert.equal(instancer.status.state, "disconnected");
    await using intruder = registrarAt(port, path, "10.0.0.2:80", credentials);
    await assert.rejects(intruder.register(), { code: "permission_denied" });
    assert(!`${instancer.status.lastError?.stack}`.includes("wrong")); // S12
  }
  assert.deepEqual(right.sets, ["10.0.0.1:80"]);
});

withServer("zookeeperRegistrar() keeps below the chroot", async (port) => {
  const servers = `${at(port)}/apps/blue`;
  await using watched = follow(port, "/s", { servers });
  await using registrar = registrarAt(port, "/s", "10.0.0.1:80", { servers });
  await registrar.register();
  await watched.sees("10.0.0.1:80");
  assert.deepEqual(await addresses(port, "/apps/blue/s"), ["10.0.0.1:80"]);
});

withServer(
  "zookeeperInstancer() tells of a node that is no address, and mends",
  async (port, path) => {
    await using peer = new Peer(port, "put", path, "10.0.0.1:80", "<html>");
    await peer.line();
    await using watched = follow(port, path);
    await eventually(() => assert.match(`${watched.instancer.status.lastError}`, /put1.*<html>/));
    await using broom = new Peer(port, "delete", path, "put1");
    await broom.line();
    await watched.sees("10.0.0.1:80", SLACK_MS);
  },
);

Deno.test("zookeeperInstancer() and zookeeperRegistrar() wait for a server that is not there yet", async () => {
  const server = await startZookeeper();
  await using _ = server;
  await server.process.kill();
  await using watched = follow(server.port, "/s");
  await using registrar = registrarAt(server.port, "/s", "10.0.0.1:80");
  const registered = registrar.register();
  await eventually(() => watched.instancer.status.state === "disconnected");
  await server.process.start();
  await registered;
  await watched.sees("10.0.0.1:80");
});
