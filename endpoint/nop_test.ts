import assert from "node:assert/strict";
import { background } from "./background.ts";
import type { Endpoint } from "./endpoint.ts";
import { nop } from "./nop.ts";

// EP4
Deno.test("nop() answers with an empty object of its own each time", async () => {
  const endpoint: Endpoint<unknown, object> = nop;
  const first = await endpoint("anything", background());
  assert.deepEqual(first, {});
  assert.notEqual(await endpoint("anything", background()), first);
});
