import assert from "node:assert/strict";
import { CODES, type ErrorCode, KitError } from "@kit/endpoint";
import { request } from "./_support_testing.ts";
import { acknowledge } from "./acknowledge.ts";

const event = request("1", { properties: {} });

// AS4, AS6
Deno.test("acknowledge() acks what succeeded, and what its caller was told of", () => {
  assert.equal(acknowledge(undefined, event), "ack");
  assert.equal(acknowledge(new KitError("unavailable", "x"), request("1")), "ack");
  assert.equal(acknowledge(new Error("x"), request("1")), "ack");
});

for (const code of CODES.filter((code): code is ErrorCode => code !== "ok")) {
  const isPassing = ["unavailable", "resource_exhausted", "aborted"].includes(code);
  Deno.test(`acknowledge() ${isPassing ? "puts back once" : "rejects"} what failed with ${code}`, () => {
    const error = new KitError(code, "x");
    assert.equal(acknowledge(error, event), isPassing ? "requeue" : "reject");
    assert.equal(acknowledge(error, { ...event, redelivered: true }), "reject");
    const headers = { "x-delivery-count": 1 };
    assert.equal(acknowledge(error, { ...event, headers }), "reject");
  });
}

Deno.test("acknowledge() rejects what failed by a bug", () => {
  assert.equal(acknowledge(new TypeError("x"), event), "reject");
});
