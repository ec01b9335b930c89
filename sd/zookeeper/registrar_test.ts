import { FakeClock, settled } from "@kit/endpoint/testing";
import type { Instance } from "@kit/sd";
import assert from "node:assert/strict";
import { zookeeperRegistrar, type ZookeeperRegistrarOptions } from "./registrar.ts";
import { FakeZookeeper } from "./testdata/fake_zookeeper.ts";

async function advance(clock: FakeClock, ms: number): Promise<void> {
  for (let at = 0; at <= ms; at += 100) {
    if (at > 0) clock.tick(100);
    for (let i = 0; i < 20; i++) await settled();
  }
}

interface SetUp extends ZookeeperRegistrarOptions {
  readonly path?: string;
  readonly instance?: string | Instance;
}

function setUp({ path = "/services/s", instance = "a:1", ...options }: SetUp = {}) {
  const server = new FakeZookeeper();
  const clock = new FakeClock();
  const states: string[] = [];
  const { connect } = server;
  const registrar = zookeeperRegistrar(path, instance, {
    connect,
    clock,
    random: () => 0.5,
    onStatus: ({ state }) => states.push(state),
    ...options,
  });
  return {
    server,
    clock,
    registrar,
    states,
    nodes: () => server.children("/services/s"),
    /** Registers, in virtual time. */
    async register(): Promise<void> {
      const done = registrar.register();
      done.catch(() => {});
      await advance(clock, 300);
      await done;
    },
    async [Symbol.asyncDispose]() {
      const closing = registrar[Symbol.asyncDispose]();
      await advance(clock, 2000);
      await closing;
      assert.equal(clock.pending, 0, "a timer is left");
      assert.equal(server.links.size, 0, "a connection is left");
    },
  };
}

const AUTH = { scheme: "digest", username: "ada", password: "secret" } as const;

Deno.test("zookeeperRegistrar() registers below a node that it creates, and deregisters", async () => { // ZK2, ZK3, ZK7
  await using zk = setUp();
  const { server, registrar, states, nodes } = zk;
  await zk.register();
  const [name] = nodes();
  assert.match(name!, /^_c_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-0000000000$/);
  assert.equal(server.data(`/services/s/${name}`), "a:1");
  assert.equal(server.nodes.get(`/services/s/${name}`)?.owner, 1n);
  assert.equal(server.nodes.get(`/services/s`)?.owner, 0n);
  await registrar.register();
  assert.equal(nodes().length, 1);
  await registrar.deregister();
  assert.deepEqual(nodes(), []);
  assert(server.nodes.has("/services/s"));
  assert.equal(server.sessions.size, 0);
  await registrar.deregister();
  await zk.register();
  assert.equal(nodes().length, 1);
  assert.deepEqual(states, ["connected", "disconnected", "connected"]);
});

Deno.test("zookeeperRegistrar() writes all that it knows, below the chroot", async () => {
  const instance = { address: "a:1", zone: "x", metadata: { build: "7" } };
  await using zk = setUp({
    servers: "h/apps",
    instance,
    nodeName: "one",
    acl: "creator",
    auth: AUTH,
  });
  await zk.register();
  const data = zk.server.data("/apps/services/s/one");
  assert.deepEqual(JSON.parse(data!), instance);
  assert.equal(zk.server.requests[0]?.op, "auth");
});

Deno.test("zookeeperRegistrar() writes as it is told", async () => {
  await using zk = setUp({ encode: ({ address }) => `<${address}>`, nodeName: "one" });
  await zk.register();
  assert.equal(zk.server.data("/services/s/one"), "<a:1>");
});

for (const nodeName of [undefined, "fixed"]) {
  const kind = nodeName ?? "numbered";

  Deno.test(`zookeeperRegistrar() leaves no twin of a ${kind} node when answers are lost`, async () => { // D8
    await using zk = setUp({ nodeName });
    const { server, clock, registrar, nodes } = zk;
    server.put("/services/s", "");
    let losses = 0;
    server.fate = ({ op, path }) =>
      op === "create" && path.startsWith("/services/s/") && losses++ < 1 ? "lose" : undefined;
    const done = registrar.register();
    await advance(clock, 5000);
    await done;
    assert.equal(losses, 1); // It was found, so that it was not created again.
    assert.equal(nodes().length, 1);
    assert.equal(server.lastSession, 1n);
  });

  Deno.test(`zookeeperRegistrar() creates a ${kind} node again when the session has expired`, async () => { // D8, P9
    await using zk = setUp({ nodeName });
    const { server, clock, registrar, states, nodes } = zk;
    await zk.register();
    server.expire(1n);
    assert.deepEqual(nodes(), []);
    await advance(clock, 1000);
    assert.equal(nodes().length, 1);
    assert.equal(server.nodes.get(`/services/s/${nodes()[0]}`)?.owner, 2n);
    assert.equal(registrar.status.state, "connected");
    assert.deepEqual(states, ["connected", "connecting", "disconnected", "connected"]);
  });

  Deno.test(`zookeeperRegistrar() creates a ${kind} node again that somebody has deleted`, async () => {
    await using zk = setUp({ nodeName });
    const { server, clock, states, nodes } = zk;
    await zk.register();
    for (let i = 0; i < 3; i++) {
      server.delete(`/services/s/${nodes()[0]}`);
      await advance(clock, 300);
      assert.equal(nodes().length, 1);
    }
    assert.deepEqual(states.slice(0, 3), ["connected", "connecting", "connected"]);
  });

  Deno.test(`zookeeperRegistrar() keeps a ${kind} node over a lost connection`, async () => {
    await using zk = setUp({ nodeName });
    const { server, clock, nodes } = zk;
    await zk.register();
    const before = nodes();
    server.cut();
    await advance(clock, 1000);
    assert.deepEqual(nodes(), before);
    assert.equal(server.count("create"), 5);
    assert.equal(server.lastSession, 1n);
  });

  Deno.test(`zookeeperRegistrar() removes a ${kind} node that is left of its own old session`, async () => {
    await using zk = setUp({ nodeName });
    const { server, clock, registrar, nodes } = zk;
    await zk.register();
    server.greeting = "refuse";
    server.cut();
    const gone = registrar.deregister();
    gone.catch(() => {});
    await advance(clock, 2500);
    await assert.rejects(gone, { code: "unavailable" });
    assert.equal(nodes().length, 1); // Its session has not timed out yet.
    server.greeting = "serve";
    await zk.register();
    assert.equal(nodes().length, 1);
    assert.equal(server.nodes.get(`/services/s/${nodes()[0]}`)?.owner, 2n);
  });
}

Deno.test("zookeeperRegistrar() waits with a fixed name for the end of another's session", async () => { // D8
  await using zk = setUp({ nodeName: "one" });
  const { server, clock, registrar } = zk;
  server.put("/services/s/one", "dead:1", 99n);
  const done = registrar.register();
  await advance(clock, 9000);
  assert.equal(registrar.status.lastError?.message, CONFLICT);
  assert.equal(server.data("/services/s/one"), "dead:1");
  server.expire(99n);
  await advance(clock, 200);
  await done;
  assert.equal(server.data("/services/s/one"), "a:1");
});

const CONFLICT = `Cannot register as "/services/s/one" belongs to another session`;

Deno.test("zookeeperRegistrar() gives up a fixed name that another keeps", async () => {
  await using zk = setUp({ nodeName: "one", registerTimeoutMs: 4000 });
  const { server, clock, registrar } = zk;
  server.put("/services/s/one", "other:1", 99n);
  const done = registrar.register();
  done.catch(() => {});
  await advance(clock, 4000);
  await assert.rejects(done, {
    code: "already_exists",
    message: `Cannot register within 4000 ms: ${CONFLICT}`,
  });
  assert.equal(server.sessions.size, 0);
  assert.equal(registrar.status.state, "disconnected");
  server.delete("/services/s/one");
  await zk.register();
});

Deno.test("zookeeperRegistrar() tries until its time is over, and keeps nothing up then", async () => {
  await using zk = setUp();
  const { server, clock, registrar, states } = zk;
  server.greeting = "refuse";
  const done = registrar.register();
  done.catch(() => {});
  await advance(clock, 14_900);
  const tries = server.dialled.length;
  assert(tries > 5 && tries < 12, `${tries} tries`);
  await advance(clock, 100);
  await assert.rejects(done, {
    code: "unavailable",
    message: /^Cannot register within 15000 ms: /,
  });
  await advance(clock, 30_000);
  assert.equal(server.dialled.length, tries);
  assert.deepEqual(states, ["disconnected"]);
});

Deno.test("zookeeperRegistrar() gives up when there is no answer at all", async () => {
  await using zk = setUp({ registerTimeoutMs: 1000 });
  zk.server.greeting = "say nothing";
  const done = zk.registrar.register();
  done.catch(() => {});
  await advance(zk.clock, 1000);
  await assert.rejects(done, { code: "deadline_exceeded" });
});

for (
  const [error, code] of [
    [-102, "permission_denied"],
    [-114, "invalid_argument"],
    [-108, "failed_precondition"],
    [-125, "resource_exhausted"],
  ] as const
) {
  Deno.test(`zookeeperRegistrar() rejects at once when refused with ${error}`, async () => {
    await using zk = setUp();
    zk.server.fate = ({ op }) => op === "create" ? error : undefined;
    await assert.rejects(zk.register(), { code });
    assert.equal(zk.server.sessions.size, 0);
  });
}

Deno.test("zookeeperRegistrar() rejects at once when its credentials are refused", async () => {
  await using zk = setUp({ auth: AUTH });
  zk.server.fate = ({ op }) => op === "auth" ? -115 : undefined;
  await assert.rejects(zk.register(), { code: "unauthenticated" });
});

Deno.test("zookeeperRegistrar() needs no right to create the nodes that exist", async () => { // ZK2
  await using zk = setUp();
  const { server } = zk;
  server.put("/services", "");
  server.fate = ({ op, path }) => op === "create" && path === "/services" ? -102 : undefined;
  await zk.register();
  assert.equal(zk.nodes().length, 1);
});

Deno.test("zookeeperRegistrar() goes on trying when refused after it had registered", async () => {
  await using zk = setUp();
  const { server, clock, registrar, nodes } = zk;
  await zk.register();
  server.fate = ({ op }) => op === "create" ? -102 : undefined;
  server.expire(1n);
  await advance(clock, 10_000);
  assert.equal(registrar.status.state, "disconnected");
  assert.equal((registrar.status.lastError as { code?: string }).code, "permission_denied");
  server.fate = () => undefined;
  await advance(clock, 8000);
  assert.equal(registrar.status.state, "connected");
  assert.equal(nodes().length, 1);
});

Deno.test("zookeeperRegistrar() deregisters after a short cut", async () => {
  await using zk = setUp();
  const { server, clock, registrar, nodes } = zk;
  await zk.register();
  server.cut();
  const gone = registrar.deregister();
  await advance(clock, 500);
  await gone;
  assert.deepEqual(nodes(), []);
});

Deno.test("zookeeperRegistrar() deregisters while it registers", async () => {
  await using zk = setUp();
  const { server, clock, registrar, nodes } = zk;
  server.fate = ({ op }) => op === "create" ? "swallow" : undefined;
  const done = registrar.register();
  done.catch(() => {});
  await advance(clock, 100);
  const gone = registrar.deregister();
  await advance(clock, 3000);
  await gone;
  await assert.rejects(done, { code: "cancelled" });
  assert.deepEqual(nodes(), []);
});

Deno.test("zookeeperRegistrar() is over once disposed of", async () => {
  const zk = setUp();
  await zk.register();
  await zk[Symbol.asyncDispose]();
  assert.deepEqual(zk.nodes(), []);
  assert.equal(zk.registrar.status.state, "closed");
  await assert.rejects(zk.registrar.register(), { code: "failed_precondition" });
});

for (
  const [what, options, error] of [
    ["a path without a slash", { path: "services" }, TypeError], // ZK2
    ["an instance that is no address", { instance: "here" }, TypeError],
    ["a name with a slash", { nodeName: "a/b" }, TypeError],
    ["an empty name", { nodeName: "" }, TypeError],
    [`acl "creator" of nobody`, { acl: "creator" }, TypeError],
    ["no time to register", { registerTimeoutMs: 0 }, RangeError],
  ] as const
) {
  Deno.test(`zookeeperRegistrar() refuses ${what}`, () => {
    assert.throws(() => setUp(options), error);
  });
}
