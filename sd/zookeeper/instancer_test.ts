import { FakeClock, settled } from "@kit/endpoint/testing";
import { type ContractCase, instancerContract } from "@kit/sd/testing";
import assert from "node:assert/strict";
import { JuteWriter } from "./_jute.ts";
import { zookeeperInstancer, type ZookeeperInstancerOptions } from "./instancer.ts";
import { FakeZookeeper } from "./testdata/fake_zookeeper.ts";

/** Lets the streams between client and server run dry. */
async function flush(): Promise<void> {
  for (let i = 0; i < 20; i++) await settled();
}

async function advance(clock: FakeClock, ms: number): Promise<void> {
  await flush();
  for (; ms > 0; ms -= 100) {
    clock.tick(Math.min(100, ms));
    await flush();
  }
}

function watch(options: ZookeeperInstancerOptions = {}) {
  const server = new FakeZookeeper();
  const clock = new FakeClock();
  const { connect } = server;
  const states: string[] = [];
  const instancer = zookeeperInstancer("/s", {
    connect,
    clock,
    random: () => 0.5,
    emptyGraceMs: 0,
    onStatus: ({ state }) => states.push(state),
    ...options,
  });
  const seen: string[] = [];
  instancer.subscribe(({ instances, error }) =>
    seen.push(error?.message ?? instances!.map(({ address }) => address).join())
  );
  return {
    server,
    clock,
    instancer,
    seen,
    states,
    async [Symbol.asyncDispose]() {
      const closing = instancer[Symbol.asyncDispose]();
      await flush();
      clock.tick(2000);
      await closing;
      assert.equal(clock.pending, 0, "a timer is left");
      assert.equal(server.links.size, 0, "a connection is left");
    },
  };
}

const AWAY = `Cannot reach ZooKeeper at "localhost:2181"`;

const contract: readonly ContractCase[] = instancerContract(() => {
  const server = new FakeZookeeper();
  server.put("/s", "");
  const instancer = zookeeperInstancer("/s", { connect: server.connect, emptyGraceMs: 0 });
  let number = 0;
  return {
    instancer,
    set(addresses) {
      for (const address of addresses) {
        if (!server.children("/s").some((name) => server.data(`/s/${name}`) === address)) {
          server.put(`/s/n${number++}`, address);
        }
      }
      for (const name of server.children("/s")) {
        if (!addresses.includes(server.data(`/s/${name}`)!)) server.delete(`/s/${name}`);
      }
    },
    fail() {
      server.greeting = "refuse";
      server.cut();
    },
    recover() {
      server.greeting = "serve";
    },
    [Symbol.asyncDispose]: () => instancer[Symbol.asyncDispose](),
  };
});
for (const { name, run } of contract) Deno.test(`zookeeperInstancer() ${name}`, run); // SC1-SC4

Deno.test("zookeeperInstancer() follows a node that is born, emptied and gone", async () => { // ZK5
  await using zk = watch();
  const { server, clock, seen } = zk;
  await advance(clock, 100);
  server.put("/s/a", "a:1");
  await advance(clock, 100);
  server.put("/s/b", `{"address":"b:1","zone":"x"}`);
  await advance(clock, 100);
  server.delete("/s/a");
  server.delete("/s/b");
  server.delete("/s");
  await advance(clock, 100);
  server.put("/s/c", "c:1");
  await advance(clock, 100);
  assert.deepEqual(seen, ["", "a:1", "a:1,b:1", "", "c:1"]);
  assert.equal(server.count("create"), 0);
});

Deno.test("zookeeperInstancer() tells changes of the data, and of a node born again", async () => {
  await using zk = watch();
  const { server, clock, seen } = zk;
  server.put("/s/a", "a:1");
  await advance(clock, 100);
  server.put("/s/a", "a:2");
  await advance(clock, 100);
  server.delete("/s/a");
  server.put("/s/a", "a:3");
  await advance(clock, 100);
  assert.deepEqual(seen, ["a:1", "a:2", "a:3"]);
});

Deno.test("zookeeperInstancer() misses no change that falls into a read", async () => { // D8
  await using zk = watch();
  const { server, clock, seen } = zk;
  server.put("/s/a", "a:1");
  let changes = 0;
  server.fate = ({ op }) => {
    if (op !== "ping" && changes++ < 30) {
      if (changes % 3 === 0) server.delete(`/s/${server.children("/s")[0]}`);
      else server.put(`/s/n${changes}`, `n:${changes}`);
    }
    return undefined;
  };
  await advance(clock, 5000);
  const expected = server.children("/s").map((name) => server.data(`/s/${name}`)!).sort();
  assert(changes > 30 && expected.length > 3);
  assert.equal(seen.at(-1), expected.join());
});

Deno.test("zookeeperInstancer() keeps the last set while the servers are away", async () => { // D1, P9
  await using zk = watch({ sessionTimeoutMs: 10_000 });
  const { server, clock, instancer, seen, states } = zk;
  server.put("/s/a", "a:1");
  await advance(clock, 1000);
  server.greeting = "refuse";
  server.cut();
  await advance(clock, 60_000);
  assert.deepEqual(seen, ["a:1", AWAY]);
  assert.deepEqual(states, ["connected", "disconnected"]);
  assert.equal(instancer.status.lastError?.message, AWAY);
  const tries = server.dialled.length - 1;
  assert(tries >= 10 && tries <= 20, `${tries} tries`);
  server.put("/s/b", "b:1");
  server.greeting = "serve";
  await advance(clock, 6000);
  assert.deepEqual(seen, ["a:1", AWAY, "a:1,b:1"]);
});

Deno.test("zookeeperInstancer() keeps its session over a lost connection, and watches anew", async () => {
  await using zk = watch();
  const { server, clock, seen } = zk;
  server.put("/s/a", "a:1");
  await advance(clock, 100);
  server.cut();
  await advance(clock, 1000);
  server.put("/s/a", "a:2");
  await advance(clock, 100);
  server.put("/s/b", "b:1");
  await advance(clock, 100);
  assert.equal(server.lastSession, 1n);
  assert.deepEqual(seen, ["a:1", AWAY, "a:1", "a:2", "a:2,b:1"]);
});

Deno.test("zookeeperInstancer() takes a new session when its own has expired", async () => { // D8
  await using zk = watch();
  const { server, clock, seen } = zk;
  server.put("/s/a", "a:1");
  await advance(clock, 100);
  server.expire(1n);
  await advance(clock, 1000);
  server.put("/s/b", "b:1");
  await advance(clock, 100);
  assert.equal(server.lastSession, 2n);
  assert.deepEqual(seen, ["a:1", AWAY, "a:1", "a:1,b:1"]);
});

Deno.test("zookeeperInstancer() comes back to servers that have lost their state", async () => { // D1, D2
  await using zk = watch({ emptyGraceMs: 30_000 });
  const { server, clock, seen } = zk;
  for (let i = 0; i < 9; i++) server.put(`/s/${i}`, `a:${i + 1}`);
  await advance(clock, 100);
  const all = seen.at(-1);
  server.expire(1n);
  server.nodes.clear();
  server.put("", "");
  server.zxid = 0n; // Now it hangs up on those who have seen more.
  await advance(clock, 9000);
  assert.equal(server.lastSession, 1n);
  await advance(clock, 10_000);
  assert.equal(server.lastSession, 2n);
  assert.deepEqual(seen, [all, AWAY, all]); // Held, as an empty answer may be a mistake.
  server.put("/s/a", "a:1");
  await advance(clock, 1000);
  assert.equal(seen.at(-1), "a:1");
});

Deno.test("zookeeperInstancer() tries each server before it pauses", async () => {
  const servers = "a,b,c";
  await using zk = watch({ servers });
  const { server, clock } = zk;
  server.greeting = "refuse";
  await flush();
  assert.deepEqual(server.dialled.map((one) => one[0]).sort(), ["a", "b", "c"]);
  await advance(clock, 199);
  assert.equal(server.dialled.length, 3);
  await advance(clock, 1);
  assert.equal(server.dialled.length, 6);
  assert.deepEqual(server.dialled.slice(3), server.dialled.slice(0, 3));
});

Deno.test("zookeeperInstancer() pings and gives up a silent server in two thirds of the timeout", async () => {
  await using zk = watch({ sessionTimeoutMs: 9000 });
  const { server, clock, instancer } = zk;
  server.put("/s/a", "a:1");
  await advance(clock, 8900);
  assert.equal(server.count("ping"), 2);
  await advance(clock, 100);
  assert.equal(server.count("ping"), 3);
  server.fate = () => "swallow";
  server.greeting = "refuse";
  await advance(clock, 5900);
  assert.equal(instancer.status.state, "connected");
  await advance(clock, 100);
  assert.equal(instancer.status.state, "disconnected");
  assert.equal(instancer.status.lastError?.cause, "the server is silent");
});

Deno.test("zookeeperInstancer() gives up a server that answers pings alone", async () => {
  await using zk = watch({ sessionTimeoutMs: 9000 });
  const { server, clock, instancer } = zk;
  server.fate = ({ op }) => op === "ping" ? undefined : "swallow";
  await advance(clock, 9000);
  assert.equal(instancer.status.lastError?.cause, "the server sits on a request");
});

Deno.test("zookeeperInstancer() gives up a server that grants no session in time", async () => {
  await using zk = watch({ connectTimeoutMs: 700 });
  const { server, clock, instancer } = zk;
  server.greeting = "say nothing";
  await advance(clock, 699);
  assert.equal(instancer.status.state, "connecting");
  await advance(clock, 1);
  assert.equal(instancer.status.lastError?.cause, "no session within 700 ms");
  assert.equal(server.links.size, 0);
});

Deno.test("zookeeperInstancer() reports what connecting throws, and tries again", async () => { // R6
  let calls = 0;
  await using zk = watch({
    connect() {
      calls++;
      throw new Error("no permission");
    },
  });
  await advance(zk.clock, 300);
  assert.equal(calls, 2);
  assert.equal(zk.states.join(), "disconnected");
});

const frame = (writer: JuteWriter) => writer.frame();
const GARBAGE: Readonly<Record<string, Uint8Array>> = {
  "another protocol": new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "a frame of 2 GB": new Uint8Array([0x7f, 255, 255, 255]),
  "a negative length": new Uint8Array([255, 255, 255, 255]),
  "a frame without a head": new Uint8Array([0, 0, 0, 2, 1, 1]),
  "an answer that nobody asked for": frame(new JuteWriter().int(999).long(1n).int(0)),
  "a watch without a path": frame(new JuteWriter().int(-1).long(1n).int(0).int(4)),
  "an empty answer": frame(new JuteWriter().int(1).long(1n).int(0)),
  "a list longer than its frame": frame(new JuteWriter().int(1).long(1n).int(0).int(2 ** 31 - 1)),
};
for (const [what, bytes] of Object.entries(GARBAGE)) {
  Deno.test(`zookeeperInstancer() takes ${what} for an error`, async () => { // D4, P15
    await using zk = watch();
    const { server, clock, instancer, seen } = zk;
    server.put("/s/a", "a:1");
    await advance(clock, 100);
    server.cut();
    server.fate = ({ op }) => op === "getChildren" ? bytes : undefined;
    await advance(clock, 5000);
    assert.match(instancer.status.lastError!.message, /^Cannot understand ZooKeeper at /);
    assert(server.dialled.length < 8, `${server.dialled.length} connections`);
    server.fate = () => undefined;
    await advance(clock, 10_000);
    assert.equal(seen[0], "a:1");
    assert.equal(seen.at(-1), "a:1");
    assert.equal(seen.indexOf(""), -1);
  });
}

Deno.test("zookeeperInstancer() takes a greeting in another protocol for an error", async () => {
  await using zk = watch();
  zk.server.greeting = GARBAGE["another protocol"]!;
  await advance(zk.clock, 100);
  assert.match(zk.instancer.status.lastError!.message, /^Cannot understand ZooKeeper at /);
});

Deno.test("zookeeperInstancer() refuses another version of the protocol", async () => {
  await using zk = watch();
  zk.server.greeting = frame(new JuteWriter().int(7).int(1).long(1n).buffer(new Uint8Array(16)));
  await advance(zk.clock, 100);
  assert.match(zk.instancer.status.lastError!.message, /the protocol version is 7$/);
});

Deno.test("zookeeperInstancer() does not hurry where every session has expired at once", async () => {
  await using zk = watch();
  zk.server.greeting = frame(new JuteWriter().int(0).int(0).long(0n).buffer(new Uint8Array(16)));
  await advance(zk.clock, 1000);
  assert(zk.server.dialled.length < 5, `${zk.server.dialled.length} connections`);
});

Deno.test("zookeeperInstancer() keeps the last set while it may not read", async () => {
  await using zk = watch();
  const { server, clock, seen, states } = zk;
  server.put("/s/a", "a:1");
  await advance(clock, 100);
  server.put("/s/b", "b:1");
  server.fate = ({ path }) => path === "/s/b" ? -102 : undefined;
  await advance(clock, 20_000);
  const refused =
    `Cannot read "/s/b" as the credentials do not permit it: ZooKeeper's error is -102`;
  assert.deepEqual(seen, ["a:1", refused]);
  assert.deepEqual(states, ["connected", "disconnected"]);
  assert(server.count("getData") < 12, `${server.count("getData")} reads`);
  server.fate = () => undefined;
  await advance(clock, 8000);
  assert.deepEqual(seen, ["a:1", refused, "a:1,b:1"]);
});

Deno.test("zookeeperInstancer() keeps the last set while an instance is no address", async () => {
  await using zk = watch();
  const { server, clock, seen } = zk;
  server.put("/s/a", "a:1");
  await advance(clock, 100);
  server.put("/s/b", "nonsense");
  await advance(clock, 1000);
  assert.equal(seen.length, 2);
  assert.match(seen[1]!, /^Cannot read instance in "\/s\/b": .*"nonsense"$/);
  server.put("/s/b", "b:1");
  await advance(clock, 100);
  assert.equal(seen.at(-1), "a:1,b:1");
});

Deno.test("zookeeperInstancer() reads data as it is told", async () => {
  await using zk = watch({ decode: (data) => ({ address: `${data}:80`, zone: "x" }) });
  zk.server.put("/s/a", "a");
  await advance(zk.clock, 100);
  assert.deepEqual(zk.seen, ["a:80"]);
});

Deno.test("zookeeperInstancer() reads 10,000 instances, few at a time", async () => {
  await using zk = watch({ clock: undefined });
  const { server, instancer } = zk;
  for (let i = 0; i < 10_000; i++) server.nodes.set(`/s/${i}`, node(`10.0.${i >> 8}.${i & 255}:1`));
  server.put("/s/x", "x:1");
  const end = performance.now() + 20_000;
  while (instancer.status.state !== "connected" && performance.now() < end) await flush();
  assert.equal(zk.seen.at(-1)?.split(",").length, 10_001);
});

function node(data: string) {
  return { data: new TextEncoder().encode(data), owner: 0n, next: 0 };
}

Deno.test("zookeeperInstancer() asks once for one change, and not all at the same time", async () => { // D11
  const server = new FakeZookeeper();
  const clock = new FakeClock();
  server.put("/s/a", "a:1");
  const all = Array.from({ length: 200 }, () => {
    const instancer = zookeeperInstancer("/s", { connect: server.connect, clock });
    let last = "";
    instancer.subscribe(({ instances }) => last = `${instances?.map(({ address }) => address)}`);
    return { instancer, last: () => last };
  });
  await advance(clock, 200);
  const before = server.count("getChildren");
  assert.equal(before, 200);
  const perStep: number[] = [];
  server.put("/s/b", "b:1");
  for (let step = 0; step < 12; step++) {
    const asked = server.count("getChildren");
    clock.tick(5);
    await flush();
    perStep.push(server.count("getChildren") - asked);
  }
  assert.equal(server.count("getChildren") - before, 200);
  assert.equal(server.count("getData"), 400);
  assert(Math.max(...perStep) < 60, `${perStep}`);
  for (const { last } of all) assert.equal(last(), "a:1,b:1");
  const closing = Promise.all(all.map(({ instancer }) => instancer[Symbol.asyncDispose]()));
  await closing;
  assert.equal(clock.pending, 0);
});

Deno.test("zookeeperInstancer() closes its session and its connection when disposed of", async () => {
  const zk = watch();
  await advance(zk.clock, 100);
  await zk[Symbol.asyncDispose]();
  assert.equal(zk.server.count("close"), 1);
  assert.equal(zk.server.sessions.size, 0);
  assert.equal(zk.instancer.status.state, "closed");
});

Deno.test("zookeeperInstancer() is disposed of while nothing answers", async () => {
  for (const when of ["connecting", "closing"] as const) {
    const zk = watch();
    if (when === "connecting") zk.server.greeting = "say nothing";
    await flush();
    zk.server.fate = () => "swallow";
    await zk[Symbol.asyncDispose]();
    assert.equal(zk.instancer.status.state, "closed");
  }
});
