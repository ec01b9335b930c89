import assert from "node:assert/strict";
import { background } from "@kit/endpoint";
import {
  setContentEncoding,
  setContentType,
  setCorrelationId,
  setDeliveryMode,
  setExchange,
  setHeader,
  setKey,
  setPriority,
} from "./functions.ts";
import type { OutgoingMessage } from "./message.ts";

// AS5
Deno.test("the functions set address, properties and headers, and keep the context", () => {
  const message: OutgoingMessage = {
    exchange: "",
    key: "",
    mandatory: true,
    headers: {},
    properties: {},
    body: new Uint8Array(),
  };
  const ctx = background();
  const functions = [
    setExchange("ex"),
    setKey("k"),
    setDeliveryMode(2),
    setContentType("text/plain"),
    setContentEncoding("gzip"),
    setCorrelationId("c"),
    setPriority(3),
    setHeader("x-a", ["1", "2"]),
  ];
  for (const each of functions) assert.equal(each(ctx, message), ctx);
  assert.deepEqual(message, {
    exchange: "ex",
    key: "k",
    mandatory: true,
    headers: { "x-a": ["1", "2"] },
    properties: {
      deliveryMode: 2,
      contentType: "text/plain",
      contentEncoding: "gzip",
      correlationId: "c",
      priority: 3,
    },
    body: new Uint8Array(),
  });
});
