import { background } from "@kit/endpoint";
import { endpointer, fixed } from "@kit/sd";
import { manual } from "@kit/sd/testing";
import assert from "node:assert/strict";
import { balanced } from "./balanced.ts";
import { sharedFactory } from "./shared_factory.ts";

const ctx = background();

/** Connections that say what becomes of them. */
function connections() {
  const log: string[] = [];
  const shared = sharedFactory(({ address }) => {
    log.push(`open ${address}`);
    return {
      ask: (what: string) => Promise.resolve(`${address} ${what}`),
      close: () => void log.push(`close ${address}`),
    };
  });
  return { log, shared };
}

Deno.test("sharedFactory() opens one connection for all methods, and closes it with the last", async () => { // A21
  const { log, shared } = connections();
  const instancer = manual(["a:80", "b:80"]);
  const get = balanced(instancer, shared((to) => (id: number) => to.ask(`get ${id}`)));
  const put = balanced(instancer, shared((to) => (text: string) => to.ask(`put ${text}`)));
  assert.match(await get(1, ctx), /get 1/);
  assert.match(await put("x", ctx), /put x/);
  assert.deepEqual(log.splice(0), ["open a:80", "open b:80"]);
  instancer.set(["a:80"]);
  assert.deepEqual(log.splice(0), ["close b:80"]);
  await get[Symbol.asyncDispose]();
  assert.deepEqual(log, []);
  await put[Symbol.asyncDispose]();
  assert.deepEqual(log, ["close a:80"]);
});

Deno.test("sharedFactory() opens a new connection for an instance that returns", async () => {
  const { log, shared } = connections();
  const instancer = manual(["a:80"]);
  const method = balanced(instancer, shared((to) => () => to.ask("get")));
  instancer.set([]);
  instancer.set(["a:80"]);
  assert.deepEqual(log, ["open a:80", "close a:80", "open a:80"]);
  assert.equal(await method(undefined, ctx), "a:80 get");
  await method[Symbol.asyncDispose]();
  assert.equal(log.length, 4);
});

Deno.test("sharedFactory() closes in whatever way the connection can be closed", async () => {
  for (const way of [Symbol.asyncDispose, Symbol.dispose] as const) {
    let closed = 0;
    const shared = sharedFactory(() => ({ [way]: () => Promise.resolve(closed++) }));
    const entries = endpointer(fixed(["a:80"]), shared(() => () => Promise.resolve(1)));
    await entries[Symbol.asyncDispose]();
    assert.equal(closed, 1);
  }
  const plain = sharedFactory(() => ({}));
  await endpointer(fixed(["a:80"]), plain(() => () => Promise.resolve(1)))[Symbol.asyncDispose]();
});

Deno.test("sharedFactory() holds nothing when a connection or a method cannot be made", async () => {
  const { log, shared } = connections();
  const errors: unknown[] = [];
  const options = {
    onError: ({ error }: { error: unknown }) => errors.push(error),
    factoryRetryMs: Infinity,
  };
  const bad = shared(() => {
    throw new Error("no such method");
  });
  await endpointer(fixed(["a:80"]), bad, options)[Symbol.asyncDispose]();
  assert.deepEqual(log, ["open a:80", "close a:80"]);
  let tries = 0;
  const failing = sharedFactory((): object => {
    throw new Error(`refused ${++tries}`);
  });
  const factory = failing(() => () => Promise.resolve(1));
  for (let i = 0; i < 2; i++) {
    await endpointer(fixed(["a:80"]), factory, options)[Symbol.asyncDispose]();
  }
  assert.deepEqual(errors.map(String), [
    "Error: no such method",
    "Error: refused 1",
    "Error: refused 2",
  ]);
});

Deno.test("sharedFactory() tells that a connection failed to close", async () => {
  const shared = sharedFactory(() => ({ close: () => Promise.reject(new Error("stuck")) }));
  const errors: unknown[] = [];
  const entries = endpointer(fixed(["a:80"]), shared(() => () => Promise.resolve(1)), {
    onError: ({ error, during }) => errors.push([during, String(error)]),
  });
  await entries[Symbol.asyncDispose]();
  assert.deepEqual(errors, [["close", "Error: stuck"]]);
});
