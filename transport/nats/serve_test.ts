import assert from "node:assert/strict";
import { background, type Context, delay, type Endpoint, KitError } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import type { Message } from "./connection.ts";
import { responder, soon } from "./_support_test.ts";
import { client } from "./client.ts";
import type { MessageHandler } from "./handler.ts";
import { publish } from "./publish.ts";
import { serve, type ServeOptions } from "./serve.ts";
import { server } from "./server.ts";
import { memoryBroker } from "./testing.ts";

const ctx = background();
const echo = server((request: unknown) => Promise.resolve(request));

/** An endpoint whose calls are answered by hand. */
class Held {
  readonly calls: { readonly request: unknown; readonly ctx: Context; answer: () => void }[] = [];

  readonly endpoint: Endpoint<unknown, unknown> = (request, ctx) =>
    new Promise((resolve) => {
      this.calls.push({ request, ctx, answer: () => resolve(request) });
    });
}

Deno.test("serve() answers each subject by its handler, wildcards too", async () => {
  await using connection = memoryBroker().connect();
  await using _running = serve(connection, {
    "stringsvc.uppercase": server((s: string) => Promise.resolve(s.toUpperCase())),
    "stringsvc.count": server((s: string) => Promise.resolve(s.length)),
    "any.*": echo,
    "all.>": echo,
  });
  const call = (subject: string) => client<string, unknown>(connection, subject)("abc", ctx);
  assert.equal(await call("stringsvc.uppercase"), "ABC");
  assert.equal(await call("stringsvc.count"), 3);
  assert.equal(await call("any.thing"), "abc");
  assert.equal(await call("all.of.it"), "abc");
  await assert.rejects(call("any.thing.else"), { code: "unavailable" });
});

Deno.test("serve() shares the messages of a queue group, and gives all to each without", async () => { // NS1
  const broker = memoryBroker();
  await using connection = broker.connect();
  await using other = broker.connect();
  const counts = [0, 0];
  const counting = (i: number) => server(() => Promise.resolve(++counts[i]!));
  for (const [options, expected] of [[{ queue: "q" }, [5, 5]], [{}, [10, 10]]] as const) {
    counts.fill(0);
    await using _one = serve(connection, { a: counting(0) }, options);
    await using _two = serve(other, { a: counting(1) }, options);
    for (let i = 0; i < 10; i++) await publish(connection, "a")(i, ctx);
    await connection.flush();
    await settled();
    assert.deepEqual(counts, expected);
  }
});

Deno.test("serve() is ready when the broker has taken the subscriptions", async () => {
  await using connection = memoryBroker().connect();
  await using running = serve(connection, { a: echo });
  await running.ready;
  connection.lose();
  await using later = serve(connection, { b: echo });
  let isReady = false;
  later.ready.then(() => isReady = true);
  await settled();
  assert(!isReady);
  connection.restore();
  await later.ready;
  assert.equal(await client(connection, "b")("x", ctx), "x");
});

Deno.test("serve() is not ready when the broker refuses a subject, and serves the others", async () => {
  await using connection = memoryBroker({ denied: ["secret"] }).connect();
  const told: unknown[] = [];
  await using running = serve(connection, { secret: echo, a: echo }, {
    onError(error) {
      told.push(error);
      throw new Error("A hook cannot harm");
    },
  });
  await assert.rejects(running.ready, {
    code: "permission_denied",
    message: `Cannot serve "secret" as NATS does not allow it`,
  });
  assert.deepEqual(told.map((error) => (error as KitError).code), ["permission_denied"]);
  assert.equal(await client(connection, "a")("x", ctx), "x");
});

Deno.test("serve() goes on with its subjects when the connection was lost", async () => {
  const broker = memoryBroker();
  await using connection = broker.connect();
  await using caller = broker.connect();
  await using _running = serve(connection, { a: echo });
  const call = client(caller, "a");
  assert.equal(await call("x", ctx), "x");
  connection.lose();
  await assert.rejects(call("x", ctx), { code: "unavailable" });
  connection.restore();
  assert.equal(await call("x", ctx), "x");
});

Deno.test("serve() works on maxInFlight messages at once, the rest in their order", async () => {
  await using connection = memoryBroker().connect();
  const held = new Held();
  const handler = server(held.endpoint);
  await using _running = serve(connection, { a: handler, b: handler }, { maxInFlight: 2 });
  const calls = [0, 1, 2, 3, 4].map((n) => client(connection, n % 2 ? "a" : "b")(n, ctx));
  await settled();
  assert.deepEqual(held.calls.map((call) => call.request), [0, 1]);
  held.calls[1]!.answer();
  await settled();
  assert.deepEqual(held.calls.map((call) => call.request), [0, 1, 2]);
  for (let i = 0; i < 5; i++) {
    await settled();
    held.calls[i]!.answer();
  }
  assert.deepEqual(await Promise.all(calls), [0, 1, 2, 3, 4]);
});

Deno.test("serve() keeps the order of thousands that wait", async () => {
  await using connection = memoryBroker().connect();
  const seen: number[] = [];
  const handler = server((n: number) => Promise.resolve(void seen.push(n)));
  const numbers = Array.from({ length: 3000 }, (_, i) => i);
  {
    await using _running = serve(connection, { a: handler }, { maxInFlight: 1 });
    const send = publish<number>(connection, "a");
    await Promise.all(numbers.map((n) => send(n, ctx)));
  }
  assert.deepEqual(seen, numbers);
});

// What is refused tells its caller at once, and does no harm to the others.
for (
  const [name, options] of [
    ["maxPending", { maxPending: 1 }],
    ["maxPendingBytes", { maxPendingBytes: 4 }],
  ] as const
) {
  Deno.test(`serve() refuses what is more than ${name}`, async () => {
    await using connection = memoryBroker().connect();
    const held = new Held();
    const told: unknown[] = [];
    await using _running = serve(connection, { a: server(held.endpoint) }, {
      maxInFlight: 1,
      ...options,
      onError: (error) => told.push(error),
    });
    const call = client(connection, "a");
    const begun = call("ab", ctx);
    const waiting = call("cd", ctx);
    await assert.rejects(call("ef", ctx), {
      code: "resource_exhausted",
      message: "Cannot take message as too many wait",
    });
    await publish(connection, "a")("gh", ctx);
    await settled();
    assert.equal(told.length, 2);
    held.calls[0]!.answer();
    assert.equal(await begun, "ab");
    await settled();
    const next = call("ij", ctx);
    await settled();
    held.calls[1]!.answer();
    assert.equal(await waiting, "cd");
    await settled();
    held.calls[2]!.answer();
    assert.equal(await next, "ij");
  });
}

Deno.test("serve() begins nothing whose deadline passed while it waited", async () => {
  await using connection = memoryBroker().connect();
  const held = new Held();
  const codes: string[] = [];
  const handler = server(held.endpoint, { onError: (e) => codes.push((e as KitError).code) });
  await using running = serve(connection, { a: handler }, { maxInFlight: 1 });
  const first = client(connection, "a")(1, ctx);
  const second = client(connection, "a", { timeoutMs: 5 })(2, ctx);
  await soon(assert.rejects(second, { code: "deadline_exceeded" }));
  // The two sides count in whole milliseconds, each from its own beginning.
  await delay(10);
  held.calls[0]!.answer();
  assert.equal(await first, 1);
  assert(await running.shutdown());
  assert.deepEqual([held.calls.length, codes], [1, ["deadline_exceeded"]]);
});

Deno.test("serve() finishes what is in flight and what waits when it stops", async () => {
  const broker = memoryBroker();
  await using connection = broker.connect();
  await using caller = broker.connect();
  const held = new Held();
  const running = serve(connection, { a: server(held.endpoint) }, { maxInFlight: 1 });
  const call = client(caller, "a");
  const [first, second] = [call(1, ctx), call(2, ctx)];
  await settled();
  const stopped = running.shutdown();
  const third = call(3, ctx); // It is on its way when the broker is told.
  await settled();
  await assert.rejects(call(4, ctx), { code: "unavailable", message: /nobody serves/ });
  for (const i of [0, 1, 2]) {
    held.calls[i]!.answer();
    await settled();
  }
  assert.deepEqual(await Promise.all([first, second, third]), [1, 2, 3]);
  assert(await stopped);
  assert(await running.shutdown());
  assert(await running.finished);
  assert(!connection.isClosed());
});

Deno.test("serve() has not stopped while one of several is in flight", async () => {
  await using connection = memoryBroker().connect();
  const held = new Held();
  const running = serve(connection, { a: server(held.endpoint) });
  const calls = [1, 2].map((n) => client(connection, "a")(n, ctx));
  await settled();
  let isStopped = false;
  const stopped = running.shutdown().finally(() => isStopped = true);
  await settled();
  held.calls[0]!.answer();
  await settled();
  assert(!isStopped);
  held.calls[1]!.answer();
  assert(await stopped);
  assert.deepEqual(await Promise.all(calls), [1, 2]);
});

Deno.test("serve() answers what is left with unavailable when drainMs are over", async () => {
  await using connection = memoryBroker().connect();
  const clock = new FakeClock();
  const held = new Held();
  const running = serve(connection, { a: server(held.endpoint) }, {
    maxInFlight: 1,
    drainMs: 1000,
    clock,
  });
  const call = client(connection, "a");
  const [first, second] = [call(1, ctx), call(2, ctx)];
  await settled();
  let isStopped = false;
  const stopped = running.shutdown().finally(() => isStopped = true);
  await clock.advance(999);
  assert(!isStopped);
  const rejected = Promise.all(
    [first, second].map((each) =>
      assert.rejects(each, { code: "unavailable", message: "Server is stopping" })
    ),
  );
  await clock.advance(1);
  await rejected;
  assert(!(await stopped));
  assert.equal(held.calls.length, 1);
  assert.equal((held.calls[0]!.ctx.signal.reason as KitError).code, "unavailable");
  held.calls[0]!.answer(); // Too late, and unheard.
  await settled();
  assert.equal(held.calls.length, 1);
  assert.equal(clock.pending, 0);
});

Deno.test("serve() stops in time though the connection is down", async () => {
  await using connection = memoryBroker().connect();
  const clock = new FakeClock();
  const running = serve(connection, { a: echo }, { drainMs: 1000, clock });
  await running.ready;
  connection.lose();
  const stopped = running.shutdown();
  await clock.advance(1000);
  await clock.advance(500);
  assert(await stopped);
  assert.equal(clock.pending, 0);
  connection.restore();
  const call = client(connection, "a");
  await settled();
  await assert.rejects(call("x", ctx), { message: /nobody serves/ });
});

Deno.test("serve() stops to listen though the broker says nothing", async () => {
  await using connection = memoryBroker().connect();
  const clock = new FakeClock();
  const running = serve(connection, { a: echo }, { drainMs: 1000, clock });
  connection.flush = () => new Promise(() => {});
  const stopped = running.shutdown();
  await clock.advance(1000);
  await clock.advance(500);
  assert(await stopped);
  await assert.rejects(client(connection, "a")("x", ctx), { message: /nobody serves/ });
});

Deno.test("serve() ends and tells so when the connection is closed", async () => {
  await using connection = memoryBroker().connect();
  const told: unknown[] = [];
  const held = new Held();
  const clock = new FakeClock();
  const running = serve(connection, { a: server(held.endpoint) }, {
    onError: (error) => told.push(error),
    clock,
  });
  await publish(connection, "a")(1, ctx);
  await settled();
  await connection.close();
  await clock.advance(0); // Nothing is waited for.
  assert(!(await running.finished));
  assert.deepEqual(told.map((error) => (error as KitError).code), ["unavailable"]);
  assert(held.calls[0]!.ctx.signal.aborted);
  assert.throws(() => serve(connection, { a: echo }), { code: "unavailable" });
});

Deno.test("serve() tells nobody that the connection is closed once it has stopped", async () => {
  await using connection = memoryBroker().connect();
  const told: unknown[] = [];
  const running = serve(connection, { a: echo }, { onError: (error) => told.push(error) });
  await running.shutdown();
  await connection.close();
  await settled();
  assert.deepEqual(told, []);
});

Deno.test("serve() is not ready when it is stopped or closed before", async () => {
  await using connection = memoryBroker().connect();
  connection.lose();
  const clock = new FakeClock();
  const running = serve(connection, { a: echo }, { clock, drainMs: 0 });
  const stopped = running.shutdown();
  await assert.rejects(running.ready, { code: "unavailable" });
  await clock.advance(500);
  await stopped;
  const closing = serve(connection, { a: echo });
  await connection.close();
  await assert.rejects(closing.ready, { code: "unavailable", message: /closed/ });
});

Deno.test("serve() answers for a handler that rejects or throws", async () => {
  await using connection = memoryBroker().connect();
  const told: unknown[] = [];
  const handlers: Record<string, MessageHandler> = {
    a: () => Promise.reject(new Error("password=hunter2")),
    b: () => {
      throw new KitError("aborted", "Try again");
    },
  };
  await using _running = serve(connection, handlers, { onError: (error) => told.push(error) });
  await assert.rejects(client(connection, "a")("x", ctx), { message: "Unknown error" });
  await assert.rejects(client(connection, "b")("x", ctx), { code: "aborted" });
  assert.equal(told.length, 2);
});

Deno.test("serve() takes handlers that are not of Kit", async () => {
  await using connection = memoryBroker().connect();
  const handler = (message: Message) => Promise.resolve(void message.respond(`"raw"`));
  await using _running = serve(connection, { a: handler });
  assert.equal(await client(connection, "a")("x", ctx), "raw");
});

Deno.test("serve() leaves no subscription behind", async () => {
  await using connection = memoryBroker().connect();
  {
    await using running = serve(connection, { a: echo, b: echo });
    await running.ready;
  }
  responder(connection, "c", () => {});
  for (const subject of ["a", "b"]) {
    await assert.rejects(client(connection, subject)("x", ctx), { message: /nobody serves/ });
  }
});

Deno.test("serve() refuses misuse", async () => {
  await using connection = memoryBroker().connect();
  assert.throws(() => serve(connection, {}), TypeError);
  for (const subject of ["", "a b", "a..b", "a.>.b"]) {
    assert.throws(() => serve(connection, { [subject]: echo }), TypeError);
  }
  assert.throws(() => serve(connection, { a: echo }, { queue: "a b" }), TypeError);
  const bad: ServeOptions[] = [
    { maxInFlight: 0 },
    { maxInFlight: 1.5 },
    { maxPending: -1 },
    { maxPendingBytes: -1 },
    { drainMs: NaN },
  ];
  for (const options of bad) {
    assert.throws(() => serve(connection, { a: echo }, options), RangeError);
  }
});
