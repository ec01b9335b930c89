import assert from "node:assert/strict";
import { background, type Context, type KitError, withSignal } from "@kit/endpoint";
import { FakeClock } from "@kit/endpoint/testing";
import { soon } from "../http/_support_test.ts";
import { remoteAddress } from "../http/keys.ts";
import { decodeReply, encodeCall } from "./_message.ts";
import {
  endpoints,
  everything,
  Gauntlet,
  HOST,
  NotFound,
  processor,
  PROTOCOLS,
  serving,
} from "./_support_test.ts";
import * as thrift from "./mod.ts";

const { methods } = Gauntlet;

async function rawExchange(port: number, bytes: Uint8Array): Promise<Uint8Array> {
  using socket = await Deno.connect({ hostname: HOST, port });
  await socket.write(bytes);
  const all: number[] = [];
  const buffer = new Uint8Array(4096);
  for (;;) {
    const n = await socket.read(buffer).catch(() => null);
    if (n === null) return Uint8Array.from(all);
    all.push(...buffer.subarray(0, n));
  }
}

for (const protocol of PROTOCOLS) {
  for (const framed of [false, true]) {
    const name = `${protocol}, ${framed ? "framed" : "buffered"}`;

    Deno.test(`serve() and connect() carry calls, results and errors, ${name}`, async () => {
      const errors: unknown[] = [];
      const own = processor({}, { onError: (error) => void errors.push(error) });
      await using running = serving(own, { protocol, framed });
      using connection = thrift.connect(`${HOST}:${running.addr.port}`, { protocol, framed });
      const to = endpoints(connection);
      const ctx = background();
      assert.deepEqual(await to.echo({ value: everything }, ctx), everything);
      const long = { ...everything, text: "€".repeat(200_000) };
      assert.deepEqual(await to.echo({ value: long }, ctx), long);
      assert.equal(await to.ping({}, ctx), undefined);
      await to.tell({ text: "a" }, ctx);
      assert.equal(await to.told({}, ctx), "a");
      await assert.rejects(to.find({ id: "missing" }, ctx), NotFound);
      // P15: a code survives, with all that may be shown.
      await assert.rejects(to.fail({ how: "kit" }, ctx), {
        code: "unavailable",
        message: "Busy",
        retryAfterMs: 2500,
        details: [{ shard: 7 }],
      });
      // S12
      await assert.rejects(to.fail({ how: "secret" }, ctx), {
        code: "unknown",
        message: "Unknown error",
      });
      assert.equal(errors.length, 3);
      const many = Array.from({ length: 100 }, (_, i) => to.sum({ a: BigInt(i), b: 1n }, ctx));
      assert.deepEqual(
        (await Promise.all(many)).map(({ value }) => Number(value)),
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
    });

    Deno.test(`serve() answers bytes that are no message and closes them only, ${name}`, async () => {
      const errors: unknown[] = [];
      await using running = serving(processor(), {
        protocol,
        framed,
        onError: (error) => void errors.push(error),
      });
      using connection = thrift.connect(`${HOST}:${running.addr.port}`, { protocol, framed });
      const { slow } = endpoints(connection);
      const other = slow({ ms: 30 }, background());
      const reply = await soon(
        rawExchange(
          running.addr.port,
          new TextEncoder().encode("\x7f\xff\xff\xff HTTP/1.1\r\n\r\n"),
        ),
      );
      assert.match(new TextDecoder().decode(reply), /Cannot decode message as/);
      assert.equal(errors.length, 1);
      assert.equal(await other, 30);
    });

    Deno.test(`serve() answers arguments it cannot decode, and the next call, ${name}`, async () => {
      await using running = serving(processor(), { protocol, framed });
      using connection = thrift.connect(`${HOST}:${running.addr.port}`, {
        protocol,
        framed,
        maxSockets: 1,
      });
      const wrong = thrift.service("Gauntlet", { find: thrift.method({ result: thrift.string }) });
      const call = thrift.client(connection, wrong.methods.find);
      await assert.rejects(call({}, background()), {
        code: "invalid_argument",
        message: 'Cannot decode arguments of "find" as field "id" is wrong: it is missing',
      });
      const gone = thrift.service("Gauntlet", { ["__proto__" + "x"]: thrift.method() });
      await assert.rejects(
        thrift.client(connection, gone.methods["__proto__x"]!)({}, background()),
        {
          code: "unimplemented",
        },
      );
      assert.equal(await endpoints(connection).find({ id: "x" }, background()), "found x");
    });
  }
}

interface Nested {
  readonly in?: Nested | undefined;
}

// P12
for (const protocol of PROTOCOLS) {
  Deno.test(`serve() tells who is over a limit so, ${protocol}`, async () => {
    const limits = { maxDepth: 64, maxItems: 100 };
    const code = (bytes: Uint8Array) => {
      try {
        return decodeReply(protocol, bytes, methods.ping, 1, limits);
      } catch (error) {
        return (error as KitError).code;
      }
    };
    const long = encodeCall(protocol, methods.find, 1, { id: "x".repeat(200) });
    await using running = serving(processor(), { protocol, maxBytes: 100 });
    // Who only promises so much is told so before it comes; text of JSON has no length.
    for (const bytes of protocol === "json" ? [long] : [long, long.subarray(0, 60)]) {
      assert.equal(code(await soon(rawExchange(running.addr.port, bytes))), "resource_exhausted");
    }
    const Nest: thrift.Type<Nested> = thrift.struct("Nest", {
      in: thrift.field(1, thrift.lazy(() => Nest), { optional: true }),
    });
    let nest: Nested = {};
    for (let i = 0; i < 70; i++) nest = { in: nest };
    const deep = thrift.service("Gauntlet", {
      find: thrift.method({ args: { id: thrift.field(1, Nest) } }),
    });
    const bytes = encodeCall(protocol, deep.methods.find, 1, { id: nest });
    const { reply } = await processor()(bytes, background(), { protocol });
    assert.equal(code(reply!), "resource_exhausted");
  });
}

Deno.test("serve() answers calls that were sent ahead, in their order", async () => {
  await using running = serving(processor());
  using socket = await Deno.connect({ hostname: HOST, port: running.addr.port });
  const calls = [30, 0, 10].map((ms, i) => encodeCall("binary", methods.slow, i, { ms }));
  await socket.write(Uint8Array.from(calls.flatMap((call) => [...call])));
  const size = encodeCall("binary", methods.slow, 0, { ms: 0 }).length;
  const buffer = new Uint8Array(3 * size);
  for (let got = 0; got < buffer.length;) got += (await socket.read(buffer.subarray(got)))!;
  const view = new DataView(buffer.buffer);
  // The sequence number stands behind the name.
  assert.deepEqual([0, 1, 2].map((i) => view.getInt32(i * size + 12)), [0, 1, 2]);
});

Deno.test("serve() tells a handler that its caller has gone, unless the call is oneway", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<Context>();
  const { promise: aborted, resolve: abort } = Promise.withResolvers<unknown>();
  const { promise: told, resolve: tell } = Promise.withResolvers<boolean>();
  const own = processor({
    slow: (_, ctx) => {
      begin(ctx);
      return new Promise((_, reject) =>
        ctx.signal.addEventListener("abort", () => {
          abort(ctx.signal.reason);
          reject(ctx.signal.reason);
        })
      );
    },
    tell: async (_, ctx) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      tell(ctx.signal.aborted);
    },
  });
  await using running = serving(own);
  const connection = thrift.connect(`${HOST}:${running.addr.port}`);
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const call = endpoints(connection).slow({ ms: 1 }, ctx);
  const seen = await soon(begun);
  assert.match(seen.value(remoteAddress)!, /^127\.0\.0\.1:\d+$/);
  const why = new Error("enough");
  controller.abort(why);
  await assert.rejects(call, (error) => error === why);
  assert.equal((await soon(aborted) as KitError).code, "cancelled");
  await endpoints(connection).tell({ text: "a" }, background());
  connection[Symbol.dispose]();
  assert(!await soon(told));
});

Deno.test("serve() cuts off who stalls in a message, not who is idle", async () => {
  const clock = new FakeClock();
  await using running = serving(processor(), { clock, messageTimeoutMs: 800 });
  const connect = () => Deno.connect({ hostname: HOST, port: running.addr.port });
  using idle = await connect();
  using stalled = await connect();
  stalled.setNoDelay();
  const call = encodeCall("binary", methods.ping, 1, {});
  const buffer = new Uint8Array(64);
  // Both are known to the server when it has answered them.
  for (const socket of [idle, stalled]) {
    await socket.write(call);
    assert((await socket.read(buffer))! > 0);
  }
  const end = soon(stalled.read(buffer).catch(() => null));
  const long = encodeCall("binary", methods.find, 2, { id: "x".repeat(40) });
  await stalled.write(long.subarray(0, 5));
  for (let i = 0; i < 12; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(100);
    // A byte now and then does not help.
    await stalled.write(long.subarray(5 + i, 6 + i)).catch(() => {});
  }
  assert.equal(await end, null);
  await idle.write(call);
  assert((await soon(idle.read(buffer)))! > 0);
});

Deno.test("serve() closes connections that lie idle, and those over the limit", async () => {
  const clock = new FakeClock();
  await using running = serving(processor(), { clock, idleTimeoutMs: 800, maxConnections: 1 });
  const connect = () => Deno.connect({ hostname: HOST, port: running.addr.port });
  using first = await connect();
  const buffer = new Uint8Array(64);
  await first.write(encodeCall("binary", methods.ping, 1, {}));
  assert((await first.read(buffer))! > 0);
  using second = await connect();
  assert.equal(await soon(second.read(buffer).catch(() => null)), null);
  const end = soon(first.read(buffer).catch(() => null));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await clock.advance(1000);
  assert.equal(await end, null);
});

// S6
Deno.test("serve() finishes what is in flight when it stops", async () => {
  const running = serving(processor());
  using connection = thrift.connect(`${HOST}:${running.addr.port}`, { maxSockets: 2 });
  const { slow, ping } = endpoints(connection);
  await Promise.all([ping({}, background()), ping({}, background())]);
  const call = slow({ ms: 30 }, background());
  await new Promise((resolve) => setTimeout(resolve, 10));
  const stopped = running.shutdown();
  assert.equal(await call, 30);
  assert(await stopped);
  await assert.rejects(ping({}, background()), { code: "unavailable" });
});

Deno.test("serve() cuts off what is in flight after drainMs", async () => {
  const clock = new FakeClock();
  const aborted = Promise.withResolvers<void>();
  const own = processor({
    slow: (_, ctx) => {
      ctx.signal.addEventListener("abort", () => aborted.resolve());
      return new Promise(() => {});
    },
  });
  const running = serving(own, { clock, drainMs: 5000 });
  using connection = thrift.connect(`${HOST}:${running.addr.port}`);
  const call = endpoints(connection).slow({ ms: 1 }, background());
  const rejected = assert.rejects(call, { code: "unavailable" });
  await new Promise((resolve) => setTimeout(resolve, 10));
  const stopped = running.shutdown();
  await clock.advance(5000);
  assert(!await soon(stopped));
  await soon(aborted.promise);
  await rejected;
});

Deno.test("server() runs its hooks in Go kit's order and lets errors be chosen", async () => {
  const steps: string[] = [];
  const step = (name: string) => (ctx: Context) => {
    steps.push(name);
    return ctx;
  };
  const own = processor({
    find: (_, ctx) => {
      step("endpoint")(ctx);
      return Promise.reject(new Error("lost"));
    },
    ping: (_, ctx) => Promise.resolve(void step("endpoint")(ctx)),
  }, {
    before: [step("before 1"), (ctx, call) => step(`before 2 ${call.method}`)(ctx)],
    after: [step("after 1"), step("after 2")],
    finalizer: [(_, error) => void steps.push(`finalizer ${error}`)],
    onError: (error) => {
      steps.push(`onError ${error}`);
      throw new Error("ignored");
    },
    encodeError: (_, __, { method }) => new NotFound({ id: method, message: "chosen" }),
  });
  await using running = serving(own);
  using connection = thrift.connect(`${HOST}:${running.addr.port}`);
  const { ping, find } = endpoints(connection);
  await ping({}, background());
  assert.deepEqual(steps.splice(0), [
    "before 1",
    "before 2 ping",
    "endpoint",
    "after 1",
    "after 2",
    "finalizer undefined",
  ]);
  await assert.rejects(find({ id: "x" }, background()), { name: "NotFound", message: "chosen" });
  assert.deepEqual(steps, [
    "before 1",
    "before 2 find",
    "endpoint",
    "onError Error: lost",
    "finalizer Error: lost",
  ]);
});

Deno.test("server() shows nothing of a response that cannot be encoded", async () => {
  const errors: unknown[] = [];
  const own = processor(
    { slow: () => Promise.resolve(2 ** 40) },
    { onError: (error) => void errors.push(error) },
  );
  await using running = serving(own);
  using connection = thrift.connect(`${HOST}:${running.addr.port}`);
  await assert.rejects(endpoints(connection).slow({ ms: 1 }, background()), {
    code: "internal",
    message: "Cannot encode response",
  });
  assert.match(String((errors[0] as Error).cause), /-2147483648 to 2147483647/);
});

Deno.test("server() refuses a service with a method that nobody handles", () => {
  const one = thrift.service("One", { constructor: thrift.method() });
  assert.throws(() => thrift.server(one, {} as never), TypeError);
});

Deno.test("serve() refuses options that make no sense", () => {
  assert.throws(() => serving(processor(), { maxBytes: 0 }), RangeError);
  assert.throws(() => serving(processor(), { messageTimeoutMs: 0 }), RangeError);
  assert.throws(() => serving(processor(), { listen: "nowhere" }), TypeError);
  assert.throws(() => serving(processor(), { protocol: "simplejson" as never }), TypeError);
});
