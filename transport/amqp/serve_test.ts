import assert from "node:assert/strict";
import { background, codeOf, type Context, delay, KitError } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import { brokerWith, soon } from "./_support_testing.ts";
import { Broker } from "./_memory_broker.ts";
import { client } from "./client.ts";
import type { DeliveryHandler } from "./handler.ts";
import { setDeliveryMode } from "./functions.ts";
import { publish } from "./publish.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";

/** A broker whose queue `q` has a dead letter queue. */
function withGraveyard() {
  const broker = new Broker();
  const connection = broker.connect({
    topology: {
      queues: { q: { deadLetter: { exchange: "", key: "dead" } }, dead: {} },
    },
    minBackoffMs: 1,
  });
  const dead = () => broker.queues.get("dead")!.messages.map(({ content }) => content.toString());
  return { broker, connection, dead, send: publish<unknown>(connection, { key: "q" }) };
}

async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!check()) {
    assert(performance.now() < end, `Not so: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

// AS4 D, AS6: fixed
Deno.test("serve() acknowledges after the broker has the reply", async () => {
  const { connection, broker } = brokerWith("q", "answers");
  await using _connection = connection;
  await using running = serve(connection, { q: server((n: number) => Promise.resolve(n)) });
  await running.ready;
  const steps: string[] = [];
  for (const channel of broker.channels.values()) {
    const { ack } = channel;
    channel.ack = function (message) {
      steps.push(`ack with ${broker.queues.get("answers")?.messages.length} replies`);
      ack.call(this, message);
    };
  }
  const send = publish<number>(connection, {
    key: "q",
    before: [setDeliveryMode(1), (ctx, { properties }) => {
      properties.replyTo = "answers";
      properties.correlationId = "c1";
      return ctx;
    }],
  });
  await send(7, background());
  await until(() => steps.length > 0);
  assert.deepEqual(steps, ["ack with 1 replies"]);
  const [reply] = broker.queues.get("answers")!.messages;
  assert.equal(reply?.content.toString(), "7");
  assert.equal(reply?.properties.correlationId, "c1");
});

// AS4
Deno.test("serve() gives what fails for good to the dead letter exchange", async () => {
  const { connection, dead, send, broker } = withGraveyard();
  await using _connection = connection;
  let calls = 0;
  await using _running = serve(connection, {
    q: server(() => {
      calls++;
      return Promise.reject(new KitError("failed_precondition", "never"));
    }),
  });
  await send("poison", background());
  await until(() => dead().length === 1);
  assert.deepEqual([dead(), calls], [[`"poison"`], 1]);
  assert.equal(broker.queues.get("q")?.messages.length, 0);
});

Deno.test("serve() gives what cannot be decoded to the dead letter exchange", async () => {
  const { connection, dead } = withGraveyard();
  await using _connection = connection;
  await using _running = serve(connection, { q: server(() => Promise.resolve(1)) });
  const garbage = publish<unknown>(connection, {
    key: "q",
    encode: (_, message) => void (message.body = new TextEncoder().encode("{")),
  });
  await garbage(1, background());
  await until(() => dead().length === 1);
  assert.deepEqual(dead(), ["{"]);
});

// AS4 (SingleNackRequeue), AS5 (nack sleep)
Deno.test("serve() puts back once, after a pause, what may succeed the next time", async () => {
  const { connection, dead, send } = withGraveyard();
  await using _connection = connection;
  const clock = new FakeClock();
  const redelivered: boolean[] = [];
  const handler = server((text: string) => {
    const isLost = text === "lost" || redelivered.length === 1;
    return isLost ? Promise.reject(new KitError("unavailable", "down")) : Promise.resolve(null);
  });
  await using _running = serve(connection, {
    q: (delivery, info) => {
      redelivered.push(delivery.redelivered);
      return handler(delivery, info);
    },
  }, { clock });
  await send("later", background());
  await until(() => redelivered.length === 1);
  await clock.advance(999);
  assert.deepEqual(redelivered, [false]);
  await clock.advance(1);
  await until(() => redelivered.length === 2);
  assert.deepEqual([redelivered, dead()], [[false, true], []]);
  await send("lost", background());
  await until(() => redelivered.length === 3);
  await clock.advance(1000);
  await until(() => dead().length === 1);
  assert.deepEqual(redelivered, [false, true, false, true]);
  assert.equal(clock.pending, 0);
});

Deno.test("serve() lets acknowledge decide, and rejects when that throws", async () => {
  const { connection, dead, send } = withGraveyard();
  await using _connection = connection;
  const errors: string[] = [];
  const fail = server(() => Promise.reject(new KitError("internal", "x")));
  const seen: string[] = [];
  await using _running = serve(connection, { q: fail }, {
    acknowledge: (error, { redelivered, body }) => {
      seen.push(`${codeOf(error)} ${redelivered}`);
      if (new TextDecoder().decode(body) === "2") throw new Error("policy");
      return redelivered ? "ack" : "requeue";
    },
    requeueDelayMs: 0,
    onError: (error) => errors.push((error as Error).message),
  });
  await send(1, background());
  await until(() => seen.length === 2);
  await send(2, background());
  await until(() => dead().length === 1);
  assert.deepEqual(seen, ["internal false", "internal true", "internal false"]);
  assert.deepEqual([dead(), errors], [["2"], ["policy"]]);
});

Deno.test("serve() rejects the message of a handler that rejects, and goes on", async () => {
  const { connection, dead, send } = withGraveyard();
  await using _connection = connection;
  const errors: unknown[] = [];
  const seen: string[] = [];
  const handler: DeliveryHandler = ({ body }) => {
    seen.push(new TextDecoder().decode(body));
    if (seen.length === 1) throw new Error("sync");
    return seen.length === 2
      ? Promise.reject(undefined)
      : Promise.resolve({ reply: undefined, error: undefined });
  };
  await using _running = serve(connection, { q: handler }, {
    onError: (error) => {
      errors.push((error as Error).message);
      throw new Error("told");
    },
  });
  for (const n of [1, 2, 3]) await send(n, background());
  await until(() => seen.length === 3 && dead().length === 2);
  assert.deepEqual(dead(), ["1", "2"]);
  assert.deepEqual(errors, ["sync", "Handler failed without an error"]);
});

// AS5 (auto-ack)
Deno.test("serve() acknowledges before the call when told so", async () => {
  const { connection, dead, send, broker } = withGraveyard();
  await using _connection = connection;
  let running = 0;
  let most = 0;
  await using _serving = serve(connection, {
    q: server(async () => {
      most = Math.max(most, ++running);
      // A message that had not been acknowledged would come again.
      await delay(1);
      running--;
      throw new KitError("unavailable", "x");
    }),
  }, { acknowledgeWhen: "received", prefetch: 2, requeueDelayMs: 0 });
  for (let n = 0; n < 20; n++) await send(n, background());
  await until(() => broker.queues.get("q")!.messages.length === 0 && running === 0);
  assert.deepEqual([dead(), most], [[], 2]);
});

Deno.test("serve() works on as many messages at once as prefetch says", async () => {
  const { connection, send } = withGraveyard();
  await using _connection = connection;
  let running = 0;
  let most = 0;
  let done = 0;
  await using _serving = serve(connection, {
    q: server(async () => {
      most = Math.max(most, ++running);
      await delay(1);
      running--;
      done++;
    }),
  }, { prefetch: 3 });
  await Promise.all(Array.from({ length: 30 }, (_, n) => send(n, background())));
  await until(() => done === 30);
  assert.equal(most, 3);
});

Deno.test("serve() tells onError of a reply that is not taken, and acknowledges all the same", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  const errors: unknown[] = [];
  await using _running = serve(connection, {
    q: server((n: number) => Promise.resolve(n), {
      after: [(ctx, reply) => {
        reply.exchange = "nowhere";
        return ctx;
      }],
    }),
  }, { onError: (error) => errors.push(error) });
  await publish(connection, { key: "q" })(1, background());
  await until(() => errors.length === 1);
  assert.equal((errors[0] as Error).message, 'Cannot find exchange "nowhere"');
  await settled();
  broker.cut();
  await settled();
  assert.equal(broker.queues.get("q")?.messages.length, 0);
});

Deno.test("serve() takes messages again after the connection was lost", async () => {
  const { connection, broker, send } = withGraveyard();
  await using _connection = connection;
  const seen: string[] = [];
  await using _running = serve(connection, {
    q: server((n: number, ctx: Context) => {
      seen.push(`${n}`);
      assert(ctx.canAbort);
      return Promise.resolve(n);
    }),
  });
  const call = client<number, number>(connection, { key: "q" });
  for (let n = 0; n < 5; n++) {
    await send(n, background());
    await until(() => seen.includes(`${n}`));
    broker.cut();
    await until(() => connection.status === "connected" && broker.links.size === 1);
    assert.equal(await call(100 + n, background()), 100 + n);
  }
  assert(broker.dials >= 6);
});

Deno.test("serve() hands the reply over on the next link, and the message comes again", async () => {
  const { connection, broker } = brokerWith("q", "answers");
  await using _connection = connection;
  const gate = Promise.withResolvers<void>();
  const redelivered: boolean[] = [];
  const handler = server((n: number) => gate.promise.then(() => n));
  await using _running = serve(connection, {
    q: (delivery, info) => {
      redelivered.push(delivery.redelivered);
      return handler(delivery, info);
    },
  });
  const send = publish<number>(connection, {
    key: "q",
    before: [(ctx, { properties }) => {
      properties.replyTo = "answers";
      return ctx;
    }],
  });
  await send(1, background());
  await until(() => redelivered.length === 1);
  broker.cut();
  await until(() => redelivered.length === 2);
  gate.resolve();
  await until(() => broker.queues.get("answers")!.messages.length === 2);
  assert.deepEqual(redelivered, [false, true]);
  assert.equal(broker.queues.get("q")!.messages.length, 0);
});

Deno.test("serve() declares and consumes again a queue that was deleted", async () => {
  const { connection, broker, send } = withGraveyard();
  await using _connection = connection;
  const errors: unknown[] = [];
  let seen = 0;
  await using running = serve(connection, { q: server(() => Promise.resolve(seen++)) }, {
    onError: (error) => errors.push((error as Error).message),
  });
  await running.ready;
  broker.deleteQueue("q");
  await until(() => (broker.queues.get("q")?.consumers.length ?? 0) > 0);
  await send(1, background());
  await until(() => seen === 1);
  assert.deepEqual(errors, ['Cannot consume queue "q"']);
});

Deno.test("serve() waits for a queue that nobody has declared yet, and others do not", async () => {
  const { connection, broker, send } = withGraveyard();
  await using _connection = connection;
  let seen = 0;
  const errors: unknown[] = [];
  const count = server(() => Promise.resolve(seen++));
  await using running = serve(connection, { q: count, later: count }, {
    onError: (error) => errors.push(error),
  });
  await send(1, background());
  await until(() => seen === 1 && errors.length > 0);
  assert.equal(codeOf(errors[0]), "not_found");
  broker.queues.set("later", {
    deadLetter: undefined,
    maxLength: Infinity,
    messages: [],
    consumers: [],
  });
  await soon(running.ready);
});

Deno.test("serve() finishes what it has begun when it stops, and puts back the rest", async () => {
  const { connection, broker, send } = withGraveyard();
  await using _connection = connection;
  const gate = Promise.withResolvers<void>();
  const seen: number[] = [];
  const running = serve(connection, {
    q: server((n: number) => {
      seen.push(n);
      return gate.promise.then(() => n);
    }),
  }, { prefetch: 2 });
  await running.ready;
  const call = client<number, number>(connection, { key: "q" });
  const results = [call(0, background()), call(1, background())];
  await until(() => seen.length === 2);
  await send(2, background());
  const stopped = running.shutdown();
  assert.equal(running.shutdown(), running.finished);
  await send(3, background());
  gate.resolve();
  assert(await soon(stopped));
  assert.deepEqual(await Promise.all(results), [0, 1]);
  assert.deepEqual(seen, [0, 1]);
  const left = broker.queues.get("q")!.messages.map(({ content }) => content.toString());
  assert.deepEqual(left, ["2", "3"]);
  assert.equal(connection.status, "connected");
});

Deno.test("serve() puts back what waits its turn when it stops", async () => {
  const { connection, broker, send } = withGraveyard();
  await using _connection = connection;
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const running = serve(connection, {
    q: server(() => {
      begun++;
      return gate.promise;
    }),
  }, { prefetch: 1, acknowledgeWhen: "received" });
  await running.ready;
  for (const n of [1, 2, 3]) await send(n, background());
  await until(() => begun === 1 && broker.queues.get("q")!.messages.length === 1);
  const stopped = running.shutdown();
  gate.resolve();
  assert(await soon(stopped));
  assert.equal(begun, 1);
  const left = broker.queues.get("q")!.messages.map(({ content }) => content.toString());
  assert.deepEqual(left, ["2", "3"]);
});

Deno.test("serve() gives up at drainMs what does not end, which goes back to its queue", async () => {
  const { connection, broker, send } = withGraveyard();
  await using _connection = connection;
  const clock = new FakeClock();
  let reason: unknown;
  const running = serve(connection, {
    q: server((_, ctx: Context) => {
      const { promise, reject } = Promise.withResolvers<never>();
      ctx.signal.addEventListener("abort", () => reject(reason = ctx.signal.reason));
      return promise;
    }),
  }, { drainMs: 5000, clock });
  await send(1, background());
  await until(() => broker.queues.get("q")!.messages.length === 0);
  await settled();
  const stopped = running.shutdown();
  await clock.advance(4999);
  assert.equal(reason, undefined);
  await clock.advance(1);
  assert(!(await soon(stopped)));
  assert.equal(codeOf(reason), "unavailable");
  const [message] = broker.queues.get("q")!.messages;
  assert(message?.redelivered);
  assert.equal(clock.pending, 0);
});

Deno.test("serve() can be stopped while the broker is away", async () => {
  const { connection, broker } = withGraveyard();
  await using _connection = connection;
  const running = serve(connection, { q: server(() => Promise.resolve(1)) });
  await running.ready;
  broker.isDown = true;
  broker.cut();
  await settled();
  assert(await soon(running.shutdown()));
});

Deno.test("serve() refuses what cannot be", () => {
  const { connection } = brokerWith();
  const q = server(() => Promise.resolve(1));
  assert.throws(() => serve(connection, {}), TypeError);
  assert.throws(() => serve(connection, { q }, { prefetch: 0 }), RangeError);
  assert.throws(() => serve(connection, { q }, { prefetch: 65_536 }), RangeError);
  assert.throws(() => serve(connection, { q }, { drainMs: -1 }), RangeError);
  assert.throws(() => serve(connection, { q }, { requeueDelayMs: -1 }), RangeError);
});
