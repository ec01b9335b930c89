import assert from "node:assert/strict";
import { failure } from "./failer.ts";

// EP5, S7
Deno.test("failure() tells the business failure of a response and keeps its receiver", () => {
  class Response {
    constructor(readonly error: Error | undefined) {}
    failed(): Error | undefined {
      return this.error;
    }
  }
  const error = new Error("Empty string");
  assert.equal(failure(new Response(error)), error);
  assert.equal(failure(new Response(undefined)), undefined);
});

// EP5
Deno.test("failure() takes null for no failure, as Go kit's users write it", () => {
  assert.equal(failure({ failed: () => null }), undefined);
});

for (
  const response of [
    undefined,
    null,
    0,
    "failed",
    {},
    [],
    { failed: true },
    { failed: "x" },
    nothing,
  ]
) {
  Deno.test(`failure() finds none in ${typeof response} ${JSON.stringify(response)}`, () => {
    assert.equal(failure(response), undefined);
  });
}

function nothing(): void {}
