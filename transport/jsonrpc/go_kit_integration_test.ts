// Kit's JSON-RPC and Go kit's, each as client and as server.
import assert from "node:assert/strict";
import { background, metadata, withOutgoing } from "@kit/endpoint";
import { answersOf, kit, urlOf, withPeer } from "./_peers_test.ts";
import { batch } from "./batch.ts";
import { client } from "./client.ts";

const PEER = Deno.env.get("KIT_JSONRPC_GOKIT");

function test(name: string, fn: () => Promise<void>): void {
  const isThere = PEER !== undefined;
  Deno.test({ name: isThere ? name : `${name} (no KIT_JSONRPC_GOKIT)`, ignore: !isThere, fn });
}

function gokit(...args: string[]): Deno.Command {
  return new Deno.Command(PEER!, { args, stdin: "null", stdout: "piped" });
}

interface Answer {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
  readonly err?: string;
}

// JC1, JC2, JS9, JS11
test("server() answers Go kit's client", async () => {
  await using running = kit();
  const answers = await answersOf<Answer[]>(gokit("client", urlOf(running.addr.port)));
  const error = (code: number, message: string, data: object) => ({ code, message, data });
  assert.deepEqual(answers, [
    { id: 0, result: { v: 3 } },
    { id: "a", result: { v: 7 } },
    {
      id: -1,
      error: error(-32602, "Cannot add what is no number", { code: "invalid_argument" }),
    },
    { id: 1.5, error: error(-32601, 'Cannot find method "gone"', { code: "unimplemented" }) },
    {
      // 2 to the power of 60, which Go reads exactly
      id: 1152921504606846976,
      error: error(-32085, 'Cannot find "7"', { code: "not_found", retryAfterMs: 20 }),
    },
    { id: null, error: error(-32603, "Unknown error", { code: "unknown" }) },
    { id: 7, error: error(1001, "Full", { seats: 0 }) },
    { id: 8, result: { id: "a1b2c3d4e5", isTimed: true } },
    { id: null, err: '-32085 Cannot find "7"' },
  ]);
});

test("client() calls Go kit's server", async () => {
  await withPeer(gokit("server"), async (url) => {
    const ctx = background();
    const sum = client<unknown, { v: number }>(url, "sum");
    assert.deepEqual(await sum({ a: 1, b: 2 }, ctx), { v: 3 });
    // W2: Go minds no case
    assert.deepEqual(await sum({ A: 1, B: 2 }, ctx), { v: 3 });
    const echo = client(url, "echo");
    for (const params of [{ s: "<&>\u2028ü" }, [1, null, [2.5]], {}]) {
      // W1
      assert.deepEqual(await echo(params, ctx), params);
    }
    // XA7: params of a wrong type
    await assert.rejects(sum({ a: "1" }, ctx), {
      code: "unknown",
      rpcCode: -32000,
      message: /^couldn't unmarshal body to sum request: /,
    });
    // JS6
    await assert.rejects(client(url, "gone")({}, ctx), {
      code: "unimplemented",
      rpcCode: -32601,
      message: "Method gone was not found.",
    });
    // JS7
    const fail = client<{ code: number; message: string }, never>(url, "fail");
    await assert.rejects(fail({ code: 0, message: "boom" }, ctx), {
      code: "internal",
      rpcCode: -32603,
      message: "boom",
    });
    for (const [code, name] of [[-32085, "not_found"], [-32094, "unavailable"], [7, "unknown"]]) {
      await assert.rejects(fail({ code: code as number, message: "x" }, ctx), {
        code: name,
        rpcCode: code,
      });
    }
  });
});

// JC1
test("client() sends what Go kit's server reads as it was meant", async () => {
  await withPeer(gokit("server"), async (url) => {
    const ctx = withOutgoing(background(), metadata({ "x-request-id": "a1b2", accept: "a/b" }));
    const seen = client(url, "seen", { nextId: () => "an id" });
    assert.deepEqual(await seen({}, ctx), ["seen", "a1b2", "a/b"]);
    // Go kit has no notifications: it answers them like calls.
    assert.equal(await client(url, "echo", { notify: true })([1], ctx), undefined);
  });
});

// JC4, JS11, JS13
test("client() takes no answer of Go kit's for what it is not", async () => {
  await withPeer(gokit("server"), async (url) => {
    const ctx = background();
    assert.deepEqual(await client(url, "nothing")({}, ctx), {});
    // A result of nothing is left out by Go.
    await assert.rejects(client(url, "none")({}, ctx), {
      code: "internal",
      message: /neither result nor error/,
    });
    // Go kit keeps 32 bits of a fraction, so that its id is another.
    await assert.rejects(client(url, "echo", { nextId: () => 0.1 + 0.2 })([], ctx), {
      code: "internal",
      message: /its id/,
    });
    await assert.rejects(batch(url)([{ method: "echo" }], ctx), { rpcCode: -32700 });
    // JS2
    const get = await fetch(url);
    assert.deepEqual([get.status, await get.text()], [405, "405 must POST\n"]);
  });
});
