/**
 * Against real etcd servers, which are killed, stopped, emptied and cut off, and other clients:
 * `source _tools/services.sh && fetch_etcd` finds them.
 * @module
 */
import type { Instance, Instancer, Registrar, Status } from "@kit/sd";
import {
  etcdInstancer,
  type EtcdInstancerOptions,
  etcdRegistrar,
  type EtcdRegistrarOptions,
} from "@kit/sd/etcd";
import { instancerContract } from "@kit/sd/testing";
import assert from "node:assert/strict";
import { eventually, TcpProxy } from "../testdata/server_process.ts";
import { ETCD, Etcd, ETCDCTL, run } from "./testdata/etcd_server.ts";
import { encodeText } from "./_wire.ts";

const GOKIT = Deno.env.get("KIT_ETCD_GOKIT");
const PREFIX = "/services/stringsvc/";
const A = "127.0.0.1:8001";
const B = "127.0.0.1:8002";

function test(name: string, fn: () => Promise<void>, needs = ETCD): void {
  const ignore = ETCD === undefined || needs === undefined;
  Deno.test({
    name: ignore ? `${name} (ignored: a server or client is missing)` : name,
    ignore,
    fn,
  });
}

/** Follows a prefix and keeps what is told. */
function follow(endpoints: string | string[], options: Partial<EtcdInstancerOptions> = {}) {
  const statuses: Status[] = [];
  const instancer = etcdInstancer(PREFIX, {
    endpoints,
    emptyGraceMs: 0,
    onStatus: (status) => statuses.push(status),
    ...options,
  });
  return {
    ...listen(instancer),
    instancer,
    statuses,
    states: () => statuses.map(({ state }) => state).join(),
    [Symbol.asyncDispose]: () => instancer[Symbol.asyncDispose](),
  };
}

function listen(instancer: Instancer) {
  const sets: string[] = [];
  const instances: (readonly Instance[])[] = [];
  instancer.subscribe((event) => {
    if (event.instances === undefined) return;
    sets.push(event.instances.map(({ address }) => address).join());
    instances.push(event.instances);
  });
  const sees = (expected: string, withinMs = 3000) =>
    eventually(() => assert.equal(sets.at(-1), expected), { withinMs });
  return { sets, instances, sees };
}

const has = (what: { status: Status }, state: string, withinMs: number) =>
  eventually(() => assert.equal(what.status.state, state), { withinMs });

function registrarAt(endpoints: string, address: string, options: EtcdRegistrarOptions = {}) {
  return etcdRegistrar(PREFIX, address, { endpoints, ttlMs: 2000, ...options });
}

const contract = instancerContract(async () => {
  const etcd = await Etcd.start();
  const proxy = new TcpProxy(etcd.port);
  const instancer = etcdInstancer(PREFIX, {
    endpoints: `127.0.0.1:${proxy.port}`,
    emptyGraceMs: 0,
  });
  return {
    instancer,
    async set(addresses) {
      const before = Object.keys(await etcd.list(PREFIX));
      const after = addresses.map((address) => PREFIX + address);
      const gone = before.filter((key) => !after.includes(key));
      const come = after.filter((key) => !before.includes(key));
      await etcd.post("kv/txn", {
        success: [
          ...gone.map((key) => ({ request_delete_range: { key: encodeText(key) } })),
          ...come.map((key) => ({
            request_put: { key: encodeText(key), value: encodeText(key.slice(PREFIX.length)) },
          })),
        ],
      });
    },
    fail: () => proxy.cut(),
    recover: () => proxy.restore(),
    async [Symbol.asyncDispose]() {
      await instancer[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await etcd[Symbol.asyncDispose]();
    },
  };
});
for (const { name, run } of contract) {
  test(`etcdInstancer() keeps the contract: ${name}`, run);
}

test("etcdRegistrar() registers and deregisters", async () => { // E32, E34, E36
  await using etcd = await Etcd.start();
  await using followed = follow(etcd.url);
  await followed.sees("");
  const statuses: string[] = [];
  const onStatus = ({ state }: Status) => void statuses.push(state);
  const plain = registrarAt(etcd.url, A, { onStatus });
  const known = { address: B, weight: 3, zone: "eu-1", tags: ["x"], metadata: { k: "v" } };
  const rich = etcdRegistrar(PREFIX, known, { endpoints: etcd.url, id: "b" });
  await Promise.all([plain.register(), plain.register(), rich.register()]);
  await followed.sees(`${A},${B}`, 1000);
  assert.deepEqual(followed.instances.at(-1), [{ address: A }, known]);
  const keys = await etcd.list(PREFIX);
  assert.deepEqual(Object.keys(keys), [PREFIX + A, `${PREFIX}b`]);
  assert.equal(keys[PREFIX + A]!.value, A);
  await plain.deregister();
  await plain.deregister();
  await followed.sees(B, 1000);
  await plain.register();
  await followed.sees(`${A},${B}`, 1000);
  await plain[Symbol.asyncDispose]();
  await rich[Symbol.asyncDispose]();
  await followed.sees("", 1000);
  assert.deepEqual(await etcd.list(PREFIX), {});
  assert.deepEqual((await etcd.post("lease/leases", {}) as { leases?: unknown }).leases, undefined);
  assert.equal(statuses.join(), "connected,disconnected,connected,disconnected,closed");
});

test("etcdInstancer() keeps its set while etcd is dead and follows it again", async () => { // D1, P9
  await using etcd = await Etcd.start();
  await using registrar = registrarAt(etcd.url, A, { ttlMs: 60_000 });
  await registrar.register();
  await using followed = follow(etcd.url, { emptyGraceMs: 30_000 });
  await followed.sees(A);
  await etcd.process.kill();
  await has(followed.instancer, "disconnected", 1000);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const late = listen(followed.instancer);
  assert.deepEqual([followed.sets, late.sets], [[A], [A]]);
  await etcd.process.start();
  await has(followed.instancer, "connected", 8000);
  await etcd.put(`${PREFIX}b`, B);
  await followed.sees(`${A},${B}`, 1000);
  assert.equal(followed.states(), "connected,disconnected,connected");
});

test("etcd that lost its state is told again within the TTL and 2 s", async () => { // D7, P9
  await using etcd = await Etcd.start();
  await using registrar = registrarAt(etcd.url, A);
  await registrar.register();
  await using followed = follow(etcd.url, { emptyGraceMs: 30_000 });
  await followed.sees(A);
  await etcd.process.kill();
  await etcd.wipe();
  await etcd.process.start();
  await eventually(async () => assert.equal((await etcd.list(PREFIX))[PREFIX + A]?.value, A), {
    withinMs: 4000,
  });
  await etcd.put(`${PREFIX}b`, B);
  await followed.sees(`${A},${B}`, 5000);
  assert(followed.sets.every((set) => set.includes(A)), followed.sets.join("; "));
});

test("etcdInstancer() lists anew when its revision is compacted away in a cut", async () => { // D5
  await using etcd = await Etcd.start();
  await using proxy = new TcpProxy(etcd.port);
  await etcd.put(`${PREFIX}a`, A);
  await using followed = follow(`http://127.0.0.1:${proxy.port}`);
  await followed.sees(A);
  proxy.cut();
  for (let i = 0; i < 10; i++) {
    await Promise.all(Array.from({ length: 100 }, (_, j) => etcd.put(`${PREFIX}${j}`, `h${i}:1`)));
  }
  await etcd.delete(`${PREFIX}a`);
  await etcd.compact();
  await has(followed.instancer, "disconnected", 1000);
  proxy.restore();
  const expected = new Set(Object.values(await etcd.list(PREFIX)).map(({ value }) => value));
  await followed.sees([...expected].sort().join(), 2000);
});

test("etcdInstancer() goes on without a failure when its revision is compacted away", async () => { // D5
  await using etcd = await Etcd.start();
  await etcd.put(`${PREFIX}a`, A);
  const calls: string[] = [];
  let gate: Promise<void> | undefined;
  await using followed = follow(etcd.url, {
    watchMs: 300,
    async fetch(input, init) {
      calls.push(String(input).split("/").at(-1)!);
      if (calls.at(-1) === "watch") await gate;
      return await fetch(input, init);
    },
  });
  await followed.sees(A);
  await eventually(() => assert(calls.length > 3)); // Watches take over from each other.
  assert.deepEqual(new Set(calls.slice(1)), new Set(["watch"]));
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const count = calls.length;
  await eventually(() => assert(calls.length > count));
  await etcd.put(`${PREFIX}b`, B);
  await etcd.put(`${PREFIX}b`, B);
  await etcd.compact();
  gate = undefined;
  resolve();
  await followed.sees(`${A},${B}`, 2000);
  assert.equal(followed.states(), "connected");
  assert.equal(calls.filter((path) => path === "range").length, 2);
});

test("etcdInstancer() takes a cut watch up at its revision", async () => { // E3, P9
  await using etcd = await Etcd.start();
  await using proxy = new TcpProxy(etcd.port);
  await etcd.put(`${PREFIX}a`, A);
  const calls: string[] = [];
  const gate = Promise.withResolvers<void>();
  await using followed = follow(`http://127.0.0.1:${proxy.port}`, {
    async fetch(input, init) {
      calls.push(String(input).split("/").at(-1)!);
      if (calls.length === 3) await gate.promise;
      return await fetch(input, init);
    },
  });
  await followed.sees(A);
  await eventually(() => assert.equal(calls.length, 2));
  proxy.cut();
  await eventually(() => assert.equal(calls.length, 3));
  await etcd.put(`${PREFIX}b`, B);
  await etcd.delete(`${PREFIX}a`);
  proxy.restore();
  gate.resolve();
  await followed.sees(B, 1000);
  assert.deepEqual(calls, ["range", "watch", "watch"]);
});

test("etcdInstancer() notices within 15 s that etcd hangs", async () => { // D6
  await using etcd = await Etcd.start();
  await etcd.put(`${PREFIX}a`, A);
  await using followed = follow(etcd.url);
  await followed.sees(A);
  etcd.process.signal("SIGSTOP");
  await has(followed.instancer, "disconnected", 15_000);
  assert.match(followed.instancer.status.lastError!.message, /was silent for 3000 ms/);
  etcd.process.signal("SIGCONT");
  await etcd.put(`${PREFIX}b`, B);
  await followed.sees(`${A},${B}`, 5000);
});

test("etcdRegistrar() comes back when its lease is revoked or its key deleted", async () => { // D7
  await using etcd = await Etcd.start();
  await using registrar = registrarAt(etcd.url, A);
  await registrar.register();
  const { lease } = (await etcd.list(PREFIX))[PREFIX + A]!;
  await etcd.post("lease/revoke", { ID: lease });
  const isBack = async () => {
    const keys = await etcd.list(PREFIX);
    assert.deepEqual(Object.keys(keys), [PREFIX + A]);
    return keys[PREFIX + A]!.lease;
  };
  await eventually(isBack, { withinMs: 4000 });
  assert.notEqual(await isBack(), lease);
  await etcd.delete(PREFIX + A);
  await eventually(isBack, { withinMs: 4000 });
  await new Promise((resolve) => setTimeout(resolve, 2500)); // Longer than the TTL.
  await isBack();
});

test("etcdRegistrar() comes back when its process slept past the TTL", async () => { // D7
  await using etcd = await Etcd.start();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...[
        "run",
        "--no-check",
        "--allow-net",
        new URL("testdata/register.ts", import.meta.url).href,
      ],
      ...[etcd.url, PREFIX, A, "2000"],
    ],
    stdout: "null",
  }).spawn();
  try {
    const keys = async () => Object.keys(await etcd.list(PREFIX)).join();
    const become = (expected: string, withinMs: number) =>
      eventually(async () => assert.equal(await keys(), expected), { withinMs });
    await become(PREFIX + A, 20_000);
    child.kill("SIGSTOP");
    await become("", 6000);
    child.kill("SIGCONT");
    await become(PREFIX + A, 2000);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

test("etcd with users is logged in to, again when the token is lost", async () => { // E31
  await using etcd = await Etcd.start();
  const password = "c4nary-p4ssword";
  for (const name of ["root", "kit", "guest"]) await etcd.post("auth/user/add", { name, password });
  for (const name of ["root", "kit"]) await etcd.post("auth/role/add", { name });
  await etcd.post("auth/user/grant", { user: "root", role: "root" });
  await etcd.post("auth/user/grant", { user: "kit", role: "kit" });
  const range = { key: encodeText(PREFIX), range_end: encodeText("/services/stringsvc0") };
  const perm = { permType: "READWRITE", ...range };
  await etcd.post("auth/role/grant", { name: "kit", perm });
  const user = { username: "kit", password };
  // Who has a password may use etcd before it asks for one.
  await using followed = follow(etcd.url, { ...user, watchMs: 500 });
  await followed.sees("");
  await etcd.post("auth/enable", {});
  const login = async () => {
    etcd.token = "";
    const { token } = await etcd.post("auth/authenticate", { name: "root", password });
    etcd.token = token!;
  };
  await login();
  await using registrar = registrarAt(etcd.url, A, user);
  await registrar.register();
  await followed.sees(A);
  assert(!followed.states().includes("disconnected"), followed.states());

  const refused: Record<string, [string, string | undefined, string | undefined]> = {
    "wrong password": ["unauthenticated", "kit", `${password}!`],
    "no password": ["unauthenticated", undefined, undefined],
    "no permission": ["permission_denied", "guest", password],
  };
  for (const [what, [code, username, password]] of Object.entries(refused)) {
    const given = username === undefined ? {} : { username, password: password! };
    await using refusedRegistrar = registrarAt(etcd.url, B, given);
    await assert.rejects(refusedRegistrar.register(), { code }, what);
    await using unfollowed = follow(etcd.url, given);
    await has(unfollowed.instancer, "disconnected", 3000);
    const errors = [refusedRegistrar, unfollowed.instancer].map(({ status }) => status.lastError);
    assert(!Deno.inspect(errors, { depth: 9 }).includes("c4nary"), what);
  }

  const before = followed.statuses.length;
  await etcd.process.kill(); // Its simple tokens are in memory only.
  await etcd.process.start();
  await has(followed.instancer, "connected", 8000);
  await has(registrar, "connected", 8000);
  await eventually(login);
  await etcd.put(`${PREFIX}b`, B);
  await followed.sees(`${A},${B}`, 5000);
  assert(followed.statuses.length <= before + 2);
});

test("etcd is used over TLS by an authority of one's own", async () => { // E31
  const folder = await Deno.makeTempDir();
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const openssl = (...args: string[]) => run("openssl", args, folder);
  await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca");
  await openssl(
    "req",
    ...key.slice(0, 5),
    "-keyout",
    "etcd.key",
    "-out",
    "etcd.csr",
    "-subj",
    "/CN=etcd",
  );
  await Deno.writeTextFile(`${folder}/ext`, "subjectAltName=IP:127.0.0.1\n");
  const sign = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext"];
  await openssl("x509", "-req", "-in", "etcd.csr", ...sign, "-out", "etcd.pem", "-days", "2");
  const args = ["--cert-file", `${folder}/etcd.pem`, "--key-file", `${folder}/etcd.key`];
  {
    await using etcd = await Etcd.start({ scheme: "https", args });
    using client = Deno.createHttpClient({
      caCerts: [await Deno.readTextFile(`${folder}/ca.pem`)],
    });
    const trusting: typeof fetch = (input, init) => fetch(input, { ...init, client });
    await using followed = follow(etcd.url, { fetch: trusting, watchMs: 500 });
    await using registrar = registrarAt(etcd.url, A, { fetch: trusting });
    await eventually(() => registrar.register());
    await followed.sees(A);
    await using stranger = registrarAt(etcd.url, B);
    await assert.rejects(stranger.register(), { code: "unavailable" });
    await registrar.deregister();
    await followed.sees("");
  }
  await Deno.remove(folder, { recursive: true });
});

test("a cluster is used as long as most of its members live", async () => { // E31, P9
  const members = await Etcd.startCluster(3);
  try {
    const [one, two, three] = members as [Etcd, Etcd, Etcd];
    await one.put(`${PREFIX}a`, A);
    const endpoints = members.map(({ url }) => url);
    await one.process.kill();
    await using registrar = registrarAt(endpoints.join(), B, { random: () => 0 });
    await eventually(() => registrar.register()); // Those that are left may have to elect a leader.
    await using followed = follow(endpoints, { random: () => 0, watchMs: 1000 });
    await followed.sees(`${A},${B}`);
    assert.equal(followed.states(), "connected"); // The dead one, which was asked first, is no outage.
    await three.process.kill();
    await has(followed.instancer, "disconnected", 15_000); // The one left knows no leader.
    await has(registrar, "disconnected", 15_000);
    assert.equal(followed.sets.at(-1), `${A},${B}`);
    await three.process.start();
    await has(followed.instancer, "connected", 20_000);
    await has(registrar, "connected", 20_000);
    await two.put(`${PREFIX}a`, "10.0.0.9:80");
    await followed.sees(`10.0.0.9:80,${B}`);
  } finally {
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
  }
});

test("200 watchers of one change ask nothing for it", async () => { // D11
  await using etcd = await Etcd.start();
  let calls = 0;
  const counting: typeof fetch = (input, init) => {
    calls++;
    return fetch(input, init);
  };
  const all = Array.from(
    { length: 200 },
    () => follow(etcd.url, { fetch: counting, watchMs: 60_000 }),
  );
  try {
    await Promise.all(all.map(({ sees }) => sees("", 20_000)));
    await eventually(() => assert.equal(calls, 400));
    await etcd.put(`${PREFIX}a`, A);
    await Promise.all(all.map(({ sees }) => sees(A)));
    assert.equal(calls, 400);
  } finally {
    await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
  }
});

test("etcdctl reads and writes the same keys", async () => {
  await using etcd = await Etcd.start();
  const etcdctl = (...args: string[]) => run(ETCDCTL!, [`--endpoints=${etcd.url}`, ...args]);
  await using followed = follow(etcd.url);
  await using registrar = registrarAt(etcd.url, A);
  await registrar.register();
  assert.equal(await etcdctl("get", "--prefix", PREFIX), `${PREFIX}${A}\n${A}\n`);
  await etcdctl("put", `${PREFIX}b`, `{"Op":0,"Addr":"${B}","Metadata":{"zone":"eu"}}`);
  await followed.sees(`${A},${B}`);
  assert.deepEqual(followed.instances.at(-1)![1], { address: B, metadata: { zone: "eu" } });
  await etcdctl("del", `${PREFIX}b`);
  await followed.sees(A);
}, ETCDCTL);

/** Go kit's program; it ends when its input does. */
async function withGokit(args: string[], use: (printed: () => string) => Promise<void>) {
  const child = new Deno.Command(GOKIT!, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let text = "";
  const read = (async () => {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) text += chunk;
  })();
  try {
    await use(() => text);
  } finally {
    await child.stdin.close();
    await read;
    await child.status;
  }
}

test("what Go kit's sd/etcdv3 registers is found, and the other way round", async () => { // E32, E36
  await using etcd = await Etcd.start();
  await using followed = follow(etcd.url);
  await using registrar: Registrar = registrarAt(etcd.url, B);
  await withGokit(["watch", etcd.url, PREFIX], async (printed) => {
    await withGokit(["register", etcd.url, `${PREFIX}go`, A], async () => {
      await followed.sees(A, 10_000);
      await registrar.register();
      await followed.sees(`${A},${B}`);
      await eventually(() => assert(printed().endsWith(`\n${A},${B}\n`)));
    });
    await followed.sees(B);
    await registrar.deregister();
    await eventually(() => assert(printed().endsWith(`\n${B}\n\n`)));
  });
}, GOKIT);
