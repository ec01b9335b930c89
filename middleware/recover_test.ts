import assert from "node:assert/strict";
import { background, type Endpoint, KitError } from "@kit/endpoint";
import { recover } from "./recover.ts";

Deno.test("recover() turns a synchronous throw into an internal error that tells nothing", async () => {
  const thrown = new TypeError("password=hunter2");
  const seen: unknown[] = [];
  const call = recover({ onPanic: (panic) => void seen.push(panic) })(() => {
    throw thrown;
  });
  await assert.rejects(call({}, background()), {
    code: "internal",
    message: "Internal error",
    cause: thrown,
  });
  assert.deepEqual(seen, [thrown]);
});

Deno.test("recover() turns a rejection with what is no error into one", async () => {
  for (const thrown of ["text", undefined, null, 7, { code: "internal" }]) {
    const seen: unknown[] = [];
    const call = recover({ onPanic: (panic) => void seen.push(panic) })(() =>
      Promise.reject(thrown)
    );
    await assert.rejects(call({}, background()), (error) => {
      assert(error instanceof KitError);
      assert.deepEqual([error.code, error.cause], ["internal", thrown]);
      return true;
    });
    assert.deepEqual(seen, [thrown]);
  }
});

Deno.test("recover() passes responses, errors and a KitError that is thrown", async () => {
  const onPanic = () => assert.fail("no panic");
  const error = new Error("down");
  const known = new KitError("not_found", "Cannot find it");
  const call = recover({ onPanic })((how: string) => {
    if (how === "throw") throw known;
    return how === "reject" ? Promise.reject(error) : Promise.resolve(how);
  });
  assert.equal(await call("answer", background()), "answer");
  await assert.rejects(call("reject", background()), (thrown) => thrown === error);
  await assert.rejects(call("throw", background()), (thrown) => thrown === known);
});

Deno.test("recover() mends the steps of a stream", async () => {
  const count: Endpoint<string, AsyncIterable<number>> = (how) =>
    Promise.resolve((async function* () {
      yield 1;
      if (how === "bad") throw "text";
      yield 2;
    })());
  const call = recover()(count);
  assert.deepEqual(await Array.fromAsync(await call("good", background())), [1, 2]);
  await assert.rejects(Array.fromAsync(await call("bad", background())), {
    code: "internal",
    cause: "text",
  });
});
