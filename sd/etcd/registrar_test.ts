import { FakeClock, settled } from "@kit/endpoint/testing";
import { etcdRegistrar, type EtcdRegistrarOptions } from "@kit/sd/etcd";
import assert from "node:assert/strict";
import { type Asked, fakeEtcd, header, kv, type Reply, silence } from "./_fake_testing.ts";
import { decodeText } from "./_wire.ts";

const A = "10.0.0.1:80";

async function many(): Promise<void> {
  for (let i = 0; i < 20; i++) await settled();
}

const refuse = (status: number, code: number, message: string) =>
  Response.json({ message, code }, { status });
const lost = () => refuse(404, 5, "etcdserver: requested lease not found");

/** What a healthy etcd answers. */
function healthy({ path, body }: Asked): Reply {
  if (path === "lease/grant") return { ...header(1), ID: "77", TTL: body.TTL };
  if (path === "lease/keepalive") return { result: { ...header(1), ID: body.ID, TTL: "9" } };
  if (path === "kv/range") return { ...header(1), kvs: [kv("/s/a", A)] };
  return header(1);
}

function registrarOf(
  reply: (asked: Asked, count: number) => Reply | Promise<Reply> | undefined,
  options: EtcdRegistrarOptions = {},
) {
  const clock = new FakeClock();
  const etcd = fakeEtcd((asked, count) => reply(asked, count) ?? healthy(asked));
  const states: string[] = [];
  const registrar = etcdRegistrar("/s/", A, {
    endpoints: "http://etcd:2379",
    ttlMs: 9000,
    clock,
    random: () => 0.5,
    fetch: etcd.fetch,
    onStatus: ({ state }) => states.push(state),
    ...options,
  });
  const dispose = () => registrar[Symbol.asyncDispose]();
  return { clock, etcd, registrar, states, [Symbol.asyncDispose]: dispose };
}

const BEAT = ["lease/keepalive", "kv/range"];

Deno.test("etcdRegistrar() puts a key with a lease and renews it thrice in its time", async () => { // E32
  await using it = registrarOf(() => undefined);
  await Promise.all([it.registrar.register(), it.registrar.register()]);
  const [grant, put] = it.etcd.asked;
  assert.deepEqual(grant!.body, { TTL: "9" });
  assert.deepEqual([put!.path, put!.body.lease], ["kv/put", "77"]);
  assert.equal(decodeText(put!.body.key), `/s/${A}`);
  assert.equal(decodeText(put!.body.value), A);
  for (let i = 0; i < 3; i++) {
    await it.clock.advance(2999);
    assert.equal(it.etcd.asked.length, 2 + 2 * i);
    await it.clock.advance(1);
    await many();
  }
  assert.deepEqual(it.etcd.paths().slice(2), [...BEAT, ...BEAT, ...BEAT]);
  await it.registrar[Symbol.asyncDispose]();
  assert.equal(it.etcd.paths().at(-1), "lease/revoke");
  assert.equal(it.clock.pending, 0);
  assert.equal(it.states.join(), "connected,disconnected,closed");
});

Deno.test("etcdRegistrar() writes the key and the value that it is told to", async () => {
  await using it = registrarOf(() => undefined, {
    id: "one",
    encode: ({ address }) => JSON.stringify({ Op: 0, Addr: address }),
  });
  await it.registrar.register();
  assert.equal(decodeText(it.etcd.asked[1]!.body.key), "/s/one");
  assert.equal(decodeText(it.etcd.asked[1]!.body.value), `{"Op":0,"Addr":"${A}"}`);
});

Deno.test("etcdRegistrar() takes a new lease when a renewal says that the old is gone", async () => { // D7
  let id = 0;
  await using it = registrarOf(({ path }) => {
    if (path === "lease/grant") return { ...header(1), ID: String(++id), TTL: "9" };
    if (path === "lease/keepalive" && id === 1) return { result: { ...header(1), ID: "1" } };
  });
  await it.registrar.register();
  await it.clock.advance(3000);
  await many();
  assert.deepEqual(it.etcd.paths().slice(2), ["lease/keepalive", "lease/grant", "kv/put"]);
  assert.equal(it.etcd.asked.at(-1)!.body.lease, "2");
  assert.equal(it.states.join(), "connected");
});

Deno.test("etcdRegistrar() takes another lease when the one it was granted is gone", async () => { // D7
  let id = 0;
  await using it = registrarOf(({ path, body }) => {
    if (path === "lease/grant") return { ...header(1), ID: String(++id), TTL: "9" };
    if (path === "lease/keepalive") return { result: { ...header(1) } };
    if (path === "kv/put" && body.lease === "2") return lost();
  });
  await it.registrar.register();
  await it.clock.advance(3000);
  await many();
  assert.equal(it.registrar.status.state, "disconnected");
  await it.clock.advance(100);
  await many();
  assert.equal(it.etcd.asked.at(-1)!.body.lease, "3");
  assert.equal(it.states.join(), "connected,disconnected,connected");
});

Deno.test("etcdRegistrar() asks no less often than its beat while etcd is away", async () => { // P9
  let isAway = false;
  await using it = registrarOf(() => isAway ? Promise.reject(new TypeError("refused")) : undefined);
  await it.registrar.register();
  isAway = true;
  for (let i = 0; i < 60; i++) await it.clock.advance(1000);
  const count = it.etcd.asked.length - 2;
  assert(count >= 15 && count <= 30, `${count}`);
  isAway = false;
  await it.clock.advance(3000);
  await many();
  assert.equal(it.states.join(), "connected,disconnected,connected");
});

Deno.test("etcdRegistrar() gives up a member that would cost the lease", async () => { // D7
  let isHung = false;
  await using it = registrarOf(
    ({ url, signal }) => isHung && url.includes("one") ? silence(signal) : undefined,
    { endpoints: "http://one:2379,http://two:2379", random: () => 0, requestTimeoutMs: 60_000 },
  );
  await it.registrar.register();
  isHung = true;
  await it.clock.advance(2400);
  await many();
  assert.equal(it.etcd.asked.at(-1)!.url, "http://one:2379/v3/lease/keepalive");
  await it.clock.advance(3000);
  await many();
  assert.deepEqual(it.etcd.asked.slice(-2).map(({ url }) => url), [
    "http://two:2379/v3/lease/keepalive",
    "http://two:2379/v3/kv/range",
  ]);
  assert.equal(it.states.join(), "connected");
});

Deno.test("etcdRegistrar() keeps a key that it may write but not read", async () => {
  await using it = registrarOf(({ path }) =>
    path === "kv/range" ? refuse(403, 7, "etcdserver: permission denied") : undefined
  );
  await it.registrar.register();
  await it.clock.advance(3000);
  await many();
  assert.deepEqual(it.etcd.paths().slice(2), BEAT);
  assert.equal(it.states.join(), "connected");
});

Deno.test("register() rejects and keeps nothing up when the key is refused", async () => {
  await using it = registrarOf(({ path }) =>
    path === "kv/put" ? refuse(403, 7, "etcdserver: permission denied") : undefined
  );
  await assert.rejects(it.registrar.register(), {
    code: "permission_denied",
    message: `Cannot use etcd at "http://etcd:2379" as it says "etcdserver: permission denied"`,
  });
  assert.deepEqual(it.etcd.paths(), ["lease/grant", "kv/put", "lease/revoke"]);
  assert.equal(it.clock.pending, 0);
  await it.registrar.deregister();
  assert.equal(it.etcd.asked.length, 3);
});

Deno.test("register() rejects when the answer holds no lease", async () => {
  await using it = registrarOf(({ path }) => path === "lease/grant" ? header(1) : undefined);
  await assert.rejects(it.registrar.register(), { code: "internal" });
});

Deno.test("register() rejects when the registrar is disposed of meanwhile", async () => {
  await using it = registrarOf(({ path }) =>
    path === "kv/put" ? settled().then(() => header(1)) : undefined
  );
  const registered = it.registrar.register();
  await it.registrar[Symbol.asyncDispose]();
  await assert.rejects(registered, { code: "cancelled" });
  assert.equal(it.clock.pending, 0);
  await assert.rejects(it.registrar.register(), { code: "cancelled" });
});

Deno.test("deregister() rejects when etcd is away, and keeps nothing up", async () => { // E34
  let isAway = false;
  await using it = registrarOf(() => isAway ? Promise.reject(new TypeError("refused")) : undefined);
  await it.registrar.register();
  isAway = true;
  await assert.rejects(it.registrar.deregister(), { code: "unavailable" });
  assert.equal(it.clock.pending, 0);
});

Deno.test("deregister() is content when the lease is gone already", async () => { // E34
  await using it = registrarOf(({ path }) => path === "lease/revoke" ? lost() : undefined);
  await it.registrar.register();
  await it.registrar.deregister();
});

const MISUSE: Readonly<Record<string, [make: () => unknown, name: string]>> = {
  "no prefix": [() => etcdRegistrar("", A), "TypeError"], // ET2
  "no address": [() => etcdRegistrar("/s/", ""), "TypeError"], // ET2
  "no time": [() => etcdRegistrar("/s/", A, { ttlMs: 0 }), "RangeError"],
};
for (const [what, [make, name]] of Object.entries(MISUSE)) {
  Deno.test(`etcdRegistrar() refuses ${what}`, () => assert.throws(make, { name }));
}
