/** `dnsInstancer()` on a real DNS server: PROMISES D1 and D9. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import type { DiscoveryEvent } from "../instancer.ts";
import { instancerContract, type InstancerHarness } from "../testing.ts";
import { eventually, freePort, ServerProcess } from "../testdata/server_process.ts";
import { dnsInstancer, type DnsInstancerOptions } from "./instancer.ts";
import { dnsResolver } from "./resolver.ts";

const DNSMASQ = Deno.env.get("KIT_DNSMASQ");
const NAME = "_http._tcp.stringsvc.test";

function test(name: string, fn: () => Promise<void>): void {
  const ignore = DNSMASQ === undefined;
  Deno.test({ name: `${name}${ignore ? " (there is no KIT_DNSMASQ)" : ""}`, ignore, fn });
}

type Record = readonly [target: string, port: number, priority?: number, weight?: number];
const srv = ([target, port, priority = 0, weight = 0]: Record) =>
  `srv-host=${NAME},${target},${port},${priority},${weight}`;

/** A dnsmasq. */
class Dnsmasq implements AsyncDisposable {
  #process: ServerProcess | undefined;
  readonly port = freePort();
  readonly address = `127.0.0.1:${this.port}`;
  /** What makes it say that there are no other names; without it says REFUSED. */
  zone = "local=/test/";
  readonly #config = Deno.makeTempFileSync();

  async start(lines: readonly string[] = []): Promise<this> {
    await Deno.writeTextFile(
      this.#config,
      ["no-resolv", "no-hosts", this.zone, ...lines, ""].join("\n"),
    );
    this.#process = await ServerProcess.start(this.port, DNSMASQ!, [
      `--conf-file=${this.#config}`,
      ...[`--port=${this.port}`, "--listen-address=127.0.0.1", "--bind-interfaces"],
      ...["--keep-in-foreground", "--user=", "--pid-file"],
    ]);
    return this;
  }

  async stop(): Promise<void> {
    await this.#process?.kill();
  }

  async restart(lines: readonly string[]): Promise<void> {
    await this.stop();
    await this.start(lines);
  }

  signal(name: Deno.Signal): void {
    this.#process?.signal(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#config);
  }
}

function watch(server: string | readonly string[], options: DnsInstancerOptions = {}) {
  const instancer = dnsInstancer(NAME, { server, refreshMs: 50, ...options });
  const events: DiscoveryEvent[] = [];
  instancer.subscribe((event) => events.push(event));
  return {
    instancer,
    events,
    last: () => events.at(-1)?.instances?.map(({ address }) => address).join(),
    [Symbol.asyncDispose]: () => instancer[Symbol.asyncDispose](),
  };
}

test("dnsInstancer() follows records that change, come and go", async () => { // D9
  await using server = await new Dnsmasq().start([srv(["A.example.", 8001, 0, 3])]);
  await using watched = watch(server.address, { emptyGraceMs: 0 });
  await eventually(() => assert.equal(watched.last(), "a.example:8001"));
  await server.restart([srv(["b.example", 8002]), srv(["a.example", 8001])]);
  await eventually(() => assert.equal(watched.last(), "a.example:8001,b.example:8002"));
  await server.restart([]);
  await eventually(() => assert.equal(watched.last(), ""));
  await server.restart([srv(["b.example", 8002])]);
  await eventually(() => assert.equal(watched.last(), "b.example:8002"));
});

test("dnsInstancer() tells 120 records, over TCP as they do not fit", async () => { // D9
  const records = Array.from(
    { length: 120 },
    (_, i) => srv([`host-${i}.a-name-that-takes-some-room.example`, 8000 + i]),
  );
  await using server = await new Dnsmasq().start(records);
  await using watched = watch(server.address);
  await eventually(() => assert.equal(watched.events.at(-1)?.instances?.length, 120));
  await using tcp = watch(server.address, { protocol: "tcp" });
  await eventually(() => assert.deepEqual(tcp.events.at(-1), watched.events.at(-1)));
});

test("dnsInstancer() tells the lowest priority with its weights", async () => { // D9
  await using server = await new Dnsmasq().start([
    ...[srv(["backup.example", 80, 20, 1]), srv(["a.example", 80, 10, 1])],
    ...[srv(["b.example", 80, 10, 9]), srv(["off.example", 80, 10, 0])],
  ]);
  await using watched = watch(server.address);
  await eventually(() =>
    assert.deepEqual(watched.events.at(-1)?.instances, [
      { address: "a.example:80", priority: 10, weight: 1 },
      { address: "b.example:80", priority: 10, weight: 9 },
      { address: "off.example:80", priority: 10, weight: 0 },
    ])
  );
});

test("dnsInstancer() keeps the last set at port 0 and at REFUSED", async () => { // D9, DN3
  await using server = await new Dnsmasq().start([srv(["a.example", 80])]);
  await using watched = watch(server.address, { emptyGraceMs: 0 });
  await eventually(() => assert.equal(watched.last(), "a.example:80"));
  await server.restart([srv(["a.example", 80]), srv(["b.example", 0])]);
  await eventually(() => assert.match(watched.events.at(-1)!.error!.message, /port is 0$/));
  server.zone = "";
  await server.restart([]);
  await eventually(() => assert.match(watched.events.at(-1)!.error!.message, /REFUSED$/));
  assert.equal(watched.events.filter(({ instances }) => instances).length, 1);
});

test("dnsInstancer() keeps the last set while the server is killed or stands still", async () => { // D1, D9
  await using server = await new Dnsmasq().start([srv(["a.example", 80])]);
  await using watched = watch(server.address, { timeoutMs: 200, emptyGraceMs: 0 });
  await eventually(() => assert.equal(watched.last(), "a.example:80"));
  for (const outage of ["killed", "stopped"]) {
    if (outage === "killed") await server.stop();
    else server.signal("SIGSTOP");
    await eventually(() => assert.equal(watched.instancer.status.state, "disconnected"));
    if (outage === "killed") await server.start([srv(["a.example", 80])]);
    else server.signal("SIGCONT");
    await eventually(() => assert.equal(watched.last(), "a.example:80"));
  }
  const sets = watched.events.flatMap(({ instances }) => instances ?? []);
  assert(sets.every(({ address }) => address === "a.example:80"), "an answer was empty");
});

test("dnsInstancer() gives a black hole up after 2 s", async () => { // D9
  const hole = createSocket("udp4");
  await new Promise<void>((resolve) => hole.bind(0, "127.0.0.1", resolve));
  let packets = 0;
  hole.on("message", () => packets++);
  {
    const began = performance.now();
    await using watched = watch(`127.0.0.1:${hole.address().port}`);
    await eventually(() => assert(watched.events.length > 0));
    const tookMs = performance.now() - began;
    assert(tookMs > 1900 && tookMs < 2500, `${tookMs}`);
    assert.match(watched.events[0]!.error!.message, /within 2000 ms/);
    assert(packets >= 3, `${packets}`); // Sent again, as a packet may be lost.
  }
  await new Promise<void>((resolve) => hole.close(() => resolve()));
});

test("dnsInstancer() asks the second server when the first is gone", async () => {
  await using server = await new Dnsmasq().start([srv(["a.example", 80])]);
  await using watched = watch([`127.0.0.1:${freePort()}`, server.address], { nextServerMs: 50 });
  await eventually(() => assert.equal(watched.last(), "a.example:80"));
  assert.equal(watched.events.length, 1);
});

test("dnsInstancer() finds a server by its name", async () => {
  await using server = await new Dnsmasq().start([srv(["a.example", 80])]);
  await using watched = watch(`localhost:${server.port}`);
  await eventually(() => assert.equal(watched.last(), "a.example:80"));
});

test("dnsInstancer() tells IPv4 and IPv6 addresses of a headless service", async () => {
  await using server = await new Dnsmasq().start([
    "host-record=svc.test,10.0.0.2,fd00::2",
    "host-record=svc.test,10.0.0.1",
    "cname=alias.test,svc.test",
  ]);
  for (const name of ["svc.test", "alias.test."]) {
    const options = { server: server.address, mode: "a", port: 8080 } as const;
    await using instancer = dnsInstancer(name, options);
    const told = Promise.withResolvers<readonly unknown[] | undefined>();
    instancer.subscribe(({ instances }) => told.resolve(instances));
    assert.deepEqual(await told.promise, [
      { address: "10.0.0.1:8080" },
      { address: "10.0.0.2:8080" },
      { address: "[fd00::2]:8080" },
    ]);
  }
});

test("dnsResolver() tells no records from a server that refuses", async () => { // D9
  await using server = await new Dnsmasq().start([srv(["a.example", 80])]);
  const resolver = dnsResolver({ server: server.address });
  const { signal } = new AbortController();
  assert.deepEqual(await resolver.services("gone.test", signal), []);
  assert.deepEqual(await resolver.addresses(NAME, 6, signal), []);
  await assert.rejects(resolver.services("elsewhere.example", signal), {
    message: `Cannot resolve "elsewhere.example" as ${server.address} answered REFUSED`,
  });
});

async function harness(): Promise<InstancerHarness> {
  const server = await new Dnsmasq().start();
  const { instancer } = watch(server.address, { emptyGraceMs: 0, timeoutMs: 500 });
  let last: readonly string[] = [];
  const lines = () =>
    last.map((address) => {
      const [, host, port] = /^(.*):(\d+)$/.exec(address)!;
      return srv([host!, Number(port)]);
    });
  return {
    instancer,
    set: (addresses) => {
      last = addresses;
      return server.restart(lines());
    },
    fail: () => server.stop(),
    recover: () => server.restart(lines()),
    async [Symbol.asyncDispose]() {
      await instancer[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
for (const { name, run } of instancerContract(harness)) {
  test(`dnsInstancer() keeps the contract on dnsmasq: ${name}`, run);
}
