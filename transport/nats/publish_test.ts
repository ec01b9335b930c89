import assert from "node:assert/strict";
import {
  background,
  type Endpoint,
  KitError,
  metadata,
  withOutgoing,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import { settled } from "@kit/endpoint/testing";
import type { Message } from "./connection.ts";
import { bytesOf, responder } from "./_support_test.ts";
import { publish } from "./publish.ts";
import { memoryBroker } from "./testing.ts";

const ctx = background();

Deno.test("publish() sends a message with its headers and waits for nothing", async () => { // NP5, A16
  await using connection = memoryBroker().connect();
  const seen: Message[] = [];
  responder(connection, "user.created", (message) => seen.push(message));
  const created: Endpoint<{ id: number }, void> = publish(connection, "user.created");
  using timed = withTimeout(withOutgoing(ctx, metadata({ traceparent: "00-1" })), 1000);
  assert.equal(await created({ id: 7 }, timed), undefined);
  await created({ id: 8 }, ctx);
  await settled();
  assert.deepEqual(seen.map((message) => message.string()), [`{"id":7}`, `{"id":8}`]);
  assert.deepEqual([...seen[0]!.headers!], [["traceparent", ["00-1"]]]);
  assert.deepEqual([seen[1]!.reply, seen[1]!.headers], ["", undefined]);
});

Deno.test("publish() runs its hooks in order, which may change all of a message", async () => {
  await using connection = memoryBroker().connect();
  const seen: string[] = [];
  responder(connection, "b", (m) => seen.push(`${m.string()} ${m.headers?.get("X-a")}`));
  const send = publish<string>(connection, "a", {
    encode(request, outgoing) {
      outgoing.data = bytesOf(request);
    },
    before: [(ctx, outgoing) => {
      outgoing.subject = "b";
      outgoing.headers.set("X-a", "1");
      return ctx;
    }],
    finalizer: [(_, error) => seen.push(`done ${error}`)],
  });
  await send("x", ctx);
  await settled();
  assert.deepEqual(seen.toSorted(), ["done undefined", "x 1"]);
});

Deno.test("publish() resolves though nobody listens", async () => {
  await using connection = memoryBroker().connect();
  await publish(connection, "a")("x", ctx);
});

Deno.test("publish() rejects when the message cannot be sent", async () => {
  const connection = memoryBroker({ maxPayload: 10 }).connect();
  const send = publish(connection, "a");
  await assert.rejects(send("x".repeat(10), ctx), { code: "resource_exhausted" });
  const reason = new KitError("cancelled", "Enough");
  using cancelled = withSignal(ctx, AbortSignal.abort(reason));
  await assert.rejects(send("x", cancelled), (error) => error === reason);
  connection.lose();
  await settled();
  await assert.rejects(send("x", ctx), { code: "unavailable" });
  connection.restore();
  await settled();
  await send("x", ctx);
  await connection.close();
  await assert.rejects(send("x", ctx), { code: "unavailable" });
});

Deno.test("publish() refuses misuse", async () => {
  await using connection = memoryBroker().connect();
  for (const subject of ["", "a b", "a.*"]) {
    assert.throws(() => publish(connection, subject), TypeError);
  }
});
