// Kit's JSON-RPC and that of Python's jsonrpclib-pelix, each as client and as server.
import assert from "node:assert/strict";
import { background, type KitError } from "@kit/endpoint";
import { answersOf, kit, urlOf, withPeer } from "./_peers_test.ts";
import { batch } from "./batch.ts";
import { client } from "./client.ts";

const PEER = Deno.env.get("KIT_JSONRPC_PYTHON");

function test(name: string, fn: () => Promise<void>): void {
  const isThere = PEER !== undefined;
  Deno.test({ name: isThere ? name : `${name} (no KIT_JSONRPC_PYTHON)`, ignore: !isThere, fn });
}

function python(...args: string[]): Deno.Command {
  const script = new URL("testdata/jsonrpclib/peer.py", import.meta.url).pathname;
  return new Deno.Command("python3", {
    args: [script, ...args],
    env: { PYTHONPATH: PEER!, PYTHONDONTWRITEBYTECODE: "1" },
    stdin: "null",
    stdout: "piped",
  });
}

interface Answers {
  readonly garbage: { readonly id: unknown; readonly error: { readonly code: number } };
  readonly "empty batch": Answers["garbage"];
  readonly [name: string]: unknown;
}

test("server() answers Python's client: calls, notifications, batches, ids", async () => {
  await using running = kit();
  const { garbage, "empty batch": empty, ...answers } = await answersOf<Answers>(
    python("client", urlOf(running.addr.port)),
  );
  assert.deepEqual(answers, {
    "by name": { v: 3 },
    "by position": { v: 7 },
    "wrong type": { error: [-32602, "Cannot add what is no number"] },
    gone: { error: [-32601, 'Cannot find method "gone"'] },
    inherited: [-32601, -32601, -32601],
    "not found": { error: [-32085, 'Cannot find "7"'] },
    secret: { error: [-32603, "Unknown error"] },
    own: { error: [1001, "Full", { seats: 0 }] },
    // This client takes no status but 200; the notification has arrived all the same.
    notification: { status: 204 },
    batch: [{ v: 2 }, { error: [-32601, 'Cannot find method "gone"'] }, { v: 4 }],
    ids: true,
    "batch of ids": true,
    notes: ["alone", "in a batch"],
  });
  assert.deepEqual([garbage.id, garbage.error.code], [null, -32700]);
  assert.deepEqual([empty.id, empty.error.code], [null, -32600]);
});

test("client() and batch() call Python's server", async () => {
  await withPeer(python("server"), async (url) => {
    const ctx = background();
    const sum = client<unknown, { v: number }>(url, "sum");
    assert.deepEqual(await sum({ a: 1, b: 2 }, ctx), { v: 3 });
    assert.deepEqual(await sum([3, 4], ctx), { v: 7 });
    // JSON.parse rounds beyond 2^53.
    assert.equal(await client(url, "big")([], ctx), 2 ** 53);
    await assert.rejects(sum({ a: 1, c: 2 }, ctx), { code: "invalid_argument", rpcCode: -32602 });
    await assert.rejects(client(url, "gone")([], ctx), { code: "unimplemented" });
    await assert.rejects(client(url, "fail")(["x"], ctx), { code: "internal", rpcCode: -32603 });
    for (const nextId of [() => "an id", () => 1.5]) {
      assert.deepEqual(await client(url, "sum", { nextId })([1, 1], ctx), { v: 2 });
    }

    assert.equal(await client(url, "note", { notify: true })(["alone"], ctx), undefined);
    const results = await batch(url)([
      { method: "sum", params: [1, 1] },
      { method: "note", params: ["in a batch"], notify: true },
      { method: "gone" },
      { method: "sum", params: { a: 2, b: 2 } },
    ], ctx);
    const shown = results.map((result) =>
      result.status === "fulfilled" ? result.value : (result.reason as KitError).code
    );
    assert.deepEqual(shown, [{ v: 2 }, undefined, "unimplemented", { v: 4 }]);
    await batch(url)([{ method: "note", params: ["alone in a batch"], notify: true }], ctx);
    assert.deepEqual(await client(url, "notes")([], ctx), [
      "alone",
      "in a batch",
      "alone in a batch",
    ]);
  });
});
