import assert from "node:assert/strict";
import { background, metadata, withOutgoing, withTimeout } from "@kit/endpoint";
import { settled } from "@kit/endpoint/testing";
import { brokerWith, soon } from "./_support_testing.ts";
import type { MemoryChannel } from "./_memory_channel.ts";
import { setDeliveryMode } from "./functions.ts";
import { publish } from "./publish.ts";

// AP6
Deno.test("publish() resolves when the broker has the message, and waits for no reply", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  const notes: unknown[] = [];
  const send = publish<{ id: number }>(connection, {
    key: "q",
    finalizer: [(_, error) => void notes.push(error)],
  });
  using timed = withTimeout(background(), 5000);
  assert.equal(await send({ id: 7 }, withOutgoing(timed, metadata({ via: "a" }))), undefined);
  const [message] = broker.queues.get("q")!.messages;
  assert.equal(message?.content.toString(), `{"id":7}`);
  assert.deepEqual(message?.properties.headers, { via: "a" });
  const { replyTo, correlationId, expiration, deliveryMode, contentType } = message!.properties;
  assert.deepEqual([replyTo, correlationId, expiration], [undefined, undefined, undefined]);
  assert.deepEqual([deliveryMode, contentType], [2, "application/json"]);
  assert.deepEqual(notes, [undefined]);
});

Deno.test("publish() lets before choose the delivery mode", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  await publish(connection, { key: "q", before: [setDeliveryMode(1)] })(1, background());
  assert.equal(broker.queues.get("q")!.messages[0]?.properties.deliveryMode, 1);
});

Deno.test("publish() rejects with unavailable when no queue takes the message", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  const send = publish(connection, { key: "nobody" });
  const both = await Promise.allSettled([
    send(1, background()),
    publish(connection, { key: "q" })(1, background()),
  ]);
  assert.deepEqual(both.map(({ status }) => status), ["rejected", "fulfilled"]);
  await assert.rejects(send(1, background()), { code: "unavailable" });
  await publish(connection, { key: "nobody", mandatory: false })(1, background());
});

Deno.test("publish() rejects those of several messages of one id that come back", async () => {
  const { connection } = brokerWith("q");
  await using _connection = connection;
  const named = (key: string) =>
    publish(connection, {
      key,
      before: [(ctx, { properties }) => {
        properties.messageId = "same";
        return ctx;
      }],
    })(1, background());
  const results = await Promise.allSettled([named("q"), named("nobody"), named("nobody")]);
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "rejected"]);
});

Deno.test("publish() rejects with resource_exhausted when the broker refuses the message", async () => {
  const { broker } = brokerWith();
  await using connection = broker.connect({ topology: { queues: { q: { maxLength: 1 } } } });
  const send = publish(connection, { key: "q" });
  await send(1, background());
  await assert.rejects(send(2, background()), { code: "resource_exhausted" });
});

Deno.test("publish() rejects with unavailable when the connection is lost before the confirm", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  const send = publish(connection, { key: "q" });
  await send(0, background());
  const result = send(1, background());
  const [channel] = [...broker.channels.values()];
  const put = channel!.publish;
  channel!.publish = function (...args): boolean {
    const hasRoom = put.apply(this, args);
    broker.cut();
    return hasRoom;
  };
  await assert.rejects(result, { code: "unavailable" });
});

Deno.test("publish() waits while the channel is full", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  const send = publish(connection, { key: "q" });
  await send(0, background());
  const [channel] = [...broker.channels.values()] as [MemoryChannel];
  channel.hasRoom = false;
  await send(1, background());
  const third = send(2, background());
  await settled();
  assert.equal(broker.queues.get("q")!.messages.length, 2);
  using ctx = withTimeout(background(), 5);
  await assert.rejects(soon(send(3, ctx)), { code: "deadline_exceeded" });
  channel.hasRoom = true;
  channel.emit("drain");
  await soon(third);
  await send(4, background());
  const bodies = broker.queues.get("q")!.messages.map(({ content }) => content.toString());
  assert.deepEqual(bodies, ["0", "1", "2", "4"]);
});

Deno.test("publish() waits while the broker is blocked, and fails when it goes away", async () => {
  const { connection, broker } = brokerWith("q");
  await using _connection = connection;
  const send = publish(connection, { key: "q" });
  await send(0, background());
  const [link] = [...broker.links];
  link!.block("blocked");
  const second = send(1, background());
  await settled();
  assert.equal(broker.queues.get("q")!.messages.length, 1);
  link!.block("free");
  await soon(second);
  link!.block("blocked");
  const third = send(2, background());
  await settled();
  broker.isDown = true;
  broker.cut();
  await assert.rejects(soon(third), { code: "unavailable" });
});
