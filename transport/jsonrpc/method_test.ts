import assert from "node:assert/strict";
import { background, type Context } from "@kit/endpoint";
import type { Schema } from "../schema.ts";
import { ask } from "./_support_test.ts";
import { method } from "./method.ts";
import { server } from "./server.ts";

interface Pair {
  a: number;
  b: number;
}

const sum = ({ a, b }: Pair) => Promise.resolve({ v: a + b });

const pair: Schema<Pair> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const { a, b } = Object(value);
      return typeof a === "number" && typeof b === "number"
        ? { value: { a, b } }
        : { issues: [{ message: "must be a number", path: ["a"] }] };
    },
  },
};

const call = (params?: unknown) => ({ jsonrpc: "2.0", method: "sum", params, id: 1 });

Deno.test("method() passes parameters on by name and by position", async () => {
  const handler = server({
    sum: method(sum),
    list: method((list: number[]) => Promise.resolve(list.length)),
  });
  assert.equal(
    await ask(handler, call({ a: 1, b: 2 })),
    `{"jsonrpc":"2.0","result":{"v":3},"id":1}`,
  );
  assert.match(await ask(handler, { ...call([1, 2, 3]), method: "list" }), /"result":3/);
});

Deno.test("method() gives parameters by position the names that it knows", async () => {
  const handler = server({ sum: method(sum, { names: ["a", "b"], schema: pair }) });
  for (const params of [[1, 2], { b: 2, a: 1 }]) {
    assert.match(await ask(handler, call(params)), /"result":\{"v":3\}/);
  }
  const { error } = JSON.parse(await ask(handler, call([1, 2, 3])));
  assert.equal(error.code, -32602);
  assert.equal(error.message, "Cannot decode params as there must be at most 2: there are 3");
  assert.equal(JSON.parse(await ask(handler, call([1]))).error.code, -32602);
});

Deno.test("method() refuses what its schema refuses, and names the fields", async () => {
  const handler = server({ sum: method(sum, { schema: pair }) });
  for (const params of [{ a: "1", b: 2 }, {}, undefined, null]) {
    const { error, id } = JSON.parse(await ask(handler, call(params)));
    assert.equal(id, 1);
    assert.deepEqual(error, {
      code: -32602,
      message: "Cannot decode params: /a must be a number",
      data: { code: "invalid_argument", details: [{ pointer: "/a", detail: "must be a number" }] },
    });
  }
});

// JS1
Deno.test("method() uses its own codec", async () => {
  const handler = server({
    sum: method(sum, {
      decode: (params, ctx) => {
        assert(ctx.metadata.get("content-type") === "application/json");
        return Promise.resolve({ a: Object(params).x, b: 1 });
      },
      encode: ({ v }) => Promise.resolve(`${v}!`),
    }),
  });
  assert.match(await ask(handler, call({ x: 1 })), /"result":"2!"/);
  const named = server({
    sum: method(sum, { names: ["x"], decode: (params) => ({ a: Object(params).x, b: 1 }) }),
  });
  assert.match(await ask(named, call([4])), /"result":\{"v":5\}/);
});

Deno.test("method() writes undefined as null", async () => {
  const handler = server({ sum: method(() => Promise.resolve()) });
  assert.equal(await ask(handler, call()), `{"jsonrpc":"2.0","result":null,"id":1}`);
});

Deno.test("method() answers -32603 for a result that is no JSON, and ends a stream", async () => {
  let isEnded = false;
  async function* stream() {
    try {
      yield 1;
    } finally {
      isEnded = true;
    }
  }
  const started = async () => {
    const items = stream();
    await items.next();
    return items;
  };
  for (const endpoint of [() => Promise.resolve(1n), () => Promise.resolve(() => 1), started]) {
    const handler = server({ sum: method<unknown, unknown>(endpoint) });
    assert.match(await ask(handler, call()), /"code":-32603,"message":"Unknown error"/);
  }
  assert(isEnded);
});

Deno.test("method() is typed from end to end", async () => {
  method(sum, { schema: pair, encode: ({ v }) => v.toFixed() });
  // @ts-expect-error: the schema lets something else through
  method((s: string) => Promise.resolve(s), { schema: pair });
  // @ts-expect-error: the response has no such member
  method(sum, { encode: (response) => response.w });
  // @ts-expect-error: decode makes something else
  method(sum, { decode: () => "a" });
  // @ts-expect-error: an endpoint is no method
  assert.throws(() => server({ sum }), {
    name: "TypeError",
    message: 'Cannot serve "sum" as it must be made by method()',
  });
  const { endpoint }: { endpoint: (request: unknown, ctx: Context) => Promise<unknown> } = method(
    sum,
  );
  assert.deepEqual(await endpoint({ a: 1, b: 1 }, background()), { v: 2 });
});
