import { background, failure, KitError } from "@kit/endpoint";
import assert from "node:assert/strict";
import { countEndpoint, uppercaseEndpoint } from "./endpoints.ts";
import { type StringService, stringService } from "./service.ts";

function failing(error: unknown): StringService {
  return { uppercase: () => Promise.reject(error), count: () => Promise.reject(error) };
}

Deno.test("uppercaseEndpoint() answers with the string and no failure", async () => {
  const response = await uppercaseEndpoint(stringService())({ s: "hello" }, background());
  assert.equal(JSON.stringify(response), `{"v":"HELLO","err":null}`);
  assert.equal(failure(response), undefined);
});

Deno.test("uppercaseEndpoint() carries a failure inside its response", async () => {
  const response = await uppercaseEndpoint(stringService())({ s: "" }, background());
  assert.equal(JSON.stringify(response), `{"v":"","err":"Empty string"}`);
  assert.equal(failure(response)?.message, "Empty string");
});

Deno.test("uppercaseEndpoint() tells nothing of an error that was not meant for the caller", async () => { // P19
  const secret = new Error("password=hunter2");
  const response = await uppercaseEndpoint(failing(secret))({ s: "a" }, background());
  assert.equal(JSON.stringify(response), `{"v":"","err":"Unknown error"}`);
});

Deno.test("countEndpoint() rejects when the service does", async () => {
  assert.deepEqual(await countEndpoint(stringService())({ s: "a" }, background()), { v: 1 });
  const error = new KitError("unavailable", "Cannot count today");
  await assert.rejects(countEndpoint(failing(error))({ s: "a" }, background()), error);
});
