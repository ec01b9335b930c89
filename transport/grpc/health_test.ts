import { create } from "@bufbuild/protobuf";
import { background } from "@kit/endpoint";
import assert from "node:assert/strict";
import { healthService, NUMBERS } from "./_health_proto.ts";
import { type Channel, channel } from "./channel.ts";
import { client } from "./client.ts";
import { fromProto } from "./from_proto.ts";
import { type Health, health } from "./health.ts";
import { healthCheck } from "./health_check.ts";
import { type GrpcServer, serve, type ServeOptions } from "./serve.ts";

const { list, watch } = healthService().method;

/** A server with nothing but health, and a channel to it. */
class Served implements AsyncDisposable {
  private constructor(readonly server: GrpcServer, readonly channel: Channel) {}

  static async start({ service }: Health, options: ServeOptions = {}): Promise<Served> {
    const own = { listen: "127.0.0.1:0", signals: [], services: [service] };
    const server = await serve([], { ...own, ...options });
    return new Served(server, channel(`127.0.0.1:${server.addr.port}`));
  }

  check(name: string): Promise<string> {
    return healthCheck(this.channel)(name, background());
  }

  /** Watches, by the names of the statuses. */
  async *watch(name: string): AsyncGenerator<string, void> {
    const call = client(this.channel, fromProto(watch));
    const request = create(watch.input, { service: name });
    for await (const { status } of await call(request, background())) {
      yield Object.entries(NUMBERS).find(([, number]) => number === status)![0];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.channel[Symbol.dispose]();
    await this.server.shutdown();
  }
}

Deno.test("health() says of each service what was set, and of others that it knows none", async () => {
  const healthy = health();
  await using served = await Served.start(healthy);
  assert.equal(await served.check(""), "serving");
  assert.equal(await served.check("a.B"), "service_unknown");
  for (const status of ["serving", "not_serving", "unknown"] as const) {
    healthy.set("a.B", status);
    assert.equal(await served.check("a.B"), status);
  }
  healthy.delete("a.B");
  assert.equal(await served.check("a.B"), "service_unknown");
  healthy.set("", "not_serving");
  assert.equal(await served.check(""), "not_serving");
  healthy.set("__proto__", "serving");
  assert.equal(await served.check("__proto__"), "serving");
  assert.equal(await served.check("constructor"), "service_unknown");
});

Deno.test("health() tells watchers each change, and nothing where nothing has changed", async () => {
  const healthy = health();
  await using served = await Served.start(healthy);
  const watching = served.watch("a.B");
  const next = async () => (await watching.next()).value;
  assert.equal(await next(), "service_unknown");
  healthy.set("a.B", "serving");
  assert.equal(await next(), "serving");
  // Neither the same once more, nor another service, nor a change that was taken back.
  healthy.set("a.B", "serving");
  healthy.set("a.C", "serving");
  healthy.set("a.B", "not_serving");
  healthy.set("a.B", "serving");
  await served.check("a.B");
  healthy.set("a.B", "not_serving");
  assert.equal(await next(), "not_serving");
  healthy.delete("a.B");
  assert.equal(await next(), "service_unknown");
  await watching.return();
});

Deno.test("health() lists all services, but not more than 100", async () => {
  const healthy = health();
  await using served = await Served.start(healthy);
  const call = client(served.channel, fromProto(list));
  const ask = () => call(create(list.input), background());
  for (let i = 1; i < 100; i++) healthy.set(`a.S${i}`, "not_serving");
  const { statuses } = await ask();
  assert.equal(Object.keys(statuses).length, 100);
  assert.equal(statuses[""]!.status, NUMBERS.serving);
  assert.equal(statuses["a.S7"]!.status, NUMBERS.not_serving);
  healthy.set("a.S100", "serving");
  await assert.rejects(ask(), { code: "resource_exhausted" });
});

Deno.test("health() says not_serving once its server begins to stop, and ends the watching", async () => {
  const healthy = health();
  healthy.set("a.B", "serving");
  const served = await Served.start(healthy, { delayMs: 200, drainMs: 5000 });
  await using other = await Served.start(healthy);
  const watching = served.watch("a.B");
  const unknown = served.watch("a.C");
  assert.equal((await watching.next()).value, "serving");
  assert.equal((await unknown.next()).value, "service_unknown");
  const stopped = served.server.shutdown();
  assert.equal((await watching.next()).value, "not_serving");
  assert((await watching.next()).done);
  assert((await unknown.next()).done);
  // It still answers for a while, to those who ask whether it serves.
  assert.equal(await served.check(""), "not_serving");
  healthy.set("", "unknown");
  assert.equal(await served.check(""), "not_serving");
  assert.deepEqual(await Array.fromAsync(served.watch("a.B")), ["not_serving"]);
  assert(await stopped);
  // Other servers with the same statuses go on.
  assert.equal(await other.check("a.B"), "serving");
  await served[Symbol.asyncDispose]();
});
