import assert from "node:assert/strict";
import { KitError } from "@kit/endpoint";
import { scripted, settled } from "@kit/endpoint/testing";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { ask, call, echo, fail, notification, noting, post } from "./_support_test.ts";
import { requestId } from "./keys.ts";
import { method } from "./method.ts";
import { server } from "./server.ts";

// JS11: fixed, no id is rounded or emptied
const ids = [
  "0",
  "-1",
  "1.5",
  "1e2",
  "9007199254740993",
  "123456789012345678901234567890",
  "0.1000000000000000055511151231257827",
  "1e400",
  `""`,
  `"a\\"b"`,
  `"\\ud800"`,
  `"7"`,
  "null",
];
for (const id of ids) {
  Deno.test(`server() gives id ${id} back as it came`, async () => {
    const body = (name: string) => `{"id":${id},"jsonrpc":"2.0","method":"${name}"}`;
    const shown = id === "1e2" ? "100" : id;
    const handler = server({ echo, fail });
    assert.equal(await ask(handler, body("echo")), `{"jsonrpc":"2.0","result":null,"id":${shown}}`);
    assert((await ask(handler, body("fail"))).endsWith(`,"id":${shown}}`));
    assert((await ask(handler, body("gone"))).endsWith(`,"id":${shown}}`));
    const batch = await ask(handler, `[1,${body("echo")}]`);
    assert(batch.endsWith(`{"jsonrpc":"2.0","result":null,"id":${shown}}]`));
  });
}

// JS11, JS13
for (const id of [true, {}, [], [1], { a: 1 }]) {
  Deno.test(`server() answers -32600 for id ${JSON.stringify(id)}`, async () => {
    const { error, id: answered } = JSON.parse(await ask(server({ echo }), call(id)));
    assert.deepEqual([error.code, answered], [-32600, null]);
  });
}

// JS13: fixed, what is no request is refused
const invalid: [unknown, unknown][] = [
  [{ method: "echo", id: 1 }, 1],
  [{ jsonrpc: "1.0", method: "echo", id: 1 }, 1],
  [{ jsonrpc: 2, method: "echo", id: "a" }, "a"],
  [{ jsonrpc: "2.0", id: 1 }, 1],
  [{ jsonrpc: "2.0", method: 1, params: "bar" }, null],
  [{ jsonrpc: "2.0", method: "echo", params: "bar", id: 1 }, 1],
  [{ jsonrpc: "2.0", method: "echo", params: 5, id: 1 }, 1],
  [{ jsonrpc: "2.0", method: "echo", params: false, id: 1 }, 1],
  [{ foo: "boo" }, null],
  [{}, null],
  [null, null],
  [1, null],
  ["a", null],
  [[], null],
];
for (const [body, id] of invalid) {
  Deno.test(`server() answers -32600 for ${JSON.stringify(body)}`, async () => {
    const answer = JSON.parse(await ask(server({ echo }), JSON.stringify(body)));
    assert.deepEqual([answer.error.code, answer.id], [-32600, id]);
    assert.equal(answer.jsonrpc, "2.0");
    assert(!("result" in answer));
  });
}

Deno.test("server() with lenient takes calls that name no version, and no others", async () => {
  const handler = server({ echo }, { lenient: true });
  for (const version of ["", `"jsonrpc":"",`, `"jsonrpc":"2.0",`]) {
    const answer = JSON.parse(
      await ask(handler, `{${version}"method":"echo","params":[7],"id":1}`),
    );
    assert.deepEqual(answer, { jsonrpc: "2.0", result: [7], id: 1 });
  }
  for (const version of ["1.0", 2, null, "__proto__"]) {
    const body = { jsonrpc: version, method: "echo", id: 1 };
    assert.equal(JSON.parse(await ask(handler, JSON.stringify(body))).error.code, -32600);
  }
});

Deno.test("server() takes params null, as Go writes it, for none", async () => {
  const seen: unknown[] = [];
  const handler = server({ a: method((params: unknown) => Promise.resolve(seen.push(params))) });
  await ask(handler, call(1, "a", null));
  await ask(handler, { jsonrpc: "2.0", method: "a", id: 1 });
  assert.deepEqual(seen, [undefined, undefined]);
});

// JS5, P15
const unparsable = [
  "",
  "{",
  `{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]`,
  `[{"jsonrpc":"2.0","method":"echo","id":1},{"jsonrpc":"2.0","method"]`,
  `{"jsonrpc":"2.0","method":"echo","id":1} x`,
  "[".repeat(100_000),
  `{"id":01}`,
  "\u0000",
  `{"id":1e}`,
];
for (const body of unparsable) {
  Deno.test(`server() answers -32700 for ${body.slice(0, 40)}`, async () => {
    const notes: string[] = [];
    const response = await server({ echo }, noting(notes))(post(body));
    assert.equal(response.status, 200);
    const { error, id } = await response.json();
    assert.deepEqual([error.code, error.data.code, id], [-32700, "invalid_argument", null]);
    assert.match(error.message, /^Cannot decode body as /);
    // No call, so no hook of one, but the finalizers.
    assert.deepEqual(notes.map((note) => note.split(/[( ]/)[0]), [
      "before1",
      "before2",
      "onError",
      "end1",
      "end2",
    ]);
  });
}

Deno.test("server() quotes nothing of a body that is no JSON", async () => {
  assert(!(await ask(server({ echo }), `{"a": hunter2}`)).includes("hunter"));
});

// P15: the parser of the platform is not recursive
Deno.test("server() takes deep nesting as any other parameter", async () => {
  for (const [open, close] of [["[", "]"], [`{"a":`, "}"]]) {
    const deep = open!.repeat(50_000) + "1" + close!.repeat(50_000);
    const text = await ask(
      server({ a: method(() => Promise.resolve("ok")) }),
      `{"jsonrpc":"2.0","method":"a","params":${deep},"id":0.5}`,
    );
    assert.equal(text, `{"jsonrpc":"2.0","result":"ok","id":0.5}`);
  }
});

// A15
Deno.test("server() answers a batch in its order, and each entry by itself", async () => {
  const answers = JSON.parse(
    await ask(server({ echo, fail }), [
      call(1),
      notification(),
      { foo: "boo" },
      call("2", "gone"),
      1,
      [call(9)],
      call(null, "fail"),
      call("9", "echo", { a: 1 }),
    ]),
  );
  assert.deepEqual(
    answers.map((answer: { id: unknown; result?: unknown; error?: { code: number } }) => [
      answer.id,
      answer.error?.code ?? answer.result,
    ]),
    [
      [1, [1]],
      [null, -32600],
      ["2", -32601],
      [null, -32600],
      [null, -32600],
      [null, -32603],
      ["9", { a: 1 }],
    ],
  );
});

Deno.test("server() answers a batch of one with an array", async () => {
  assert.equal(await ask(server({ echo }), [call(1)]), `[{"jsonrpc":"2.0","result":[1],"id":1}]`);
});

// JS13, A15
for (const body of [notification(), [notification()], [notification(), notification("gone")]]) {
  Deno.test(`server() answers ${JSON.stringify(body)} with 204 and no body`, async () => {
    const response = await server({ echo })(post(JSON.stringify(body)));
    assert.equal(response.status, 204);
    assert.equal(response.body, null);
  });
}

Deno.test("server() runs a notification to its end, and tells its errors to onError only", async () => {
  const told: unknown[] = [];
  const over: unknown[] = [];
  const busy = new KitError("unavailable", "Busy");
  const slow = method(async () => {
    await settled();
    throw busy;
  });
  const handler = server({ slow }, {
    onError: (error, ctx) => told.push([error, ctx.value(requestId)]),
    finalizer: [(_, error) => over.push(error)],
  });
  const response = await handler(post(JSON.stringify(notification("slow"))));
  assert.equal(response.status, 204);
  assert.deepEqual(told, [[busy, undefined]]);
  assert.deepEqual(over, [busy]);
});

Deno.test("server() refuses a batch of more than maxBatch calls, and runs none of them", async () => {
  const counted = scripted<unknown, number>(1);
  const handler = server({ counted: method(counted) }, { maxBatch: 3 });
  const batch = (n: number) => Array.from({ length: n }, (_, i) => call(i, "counted"));
  assert.equal(JSON.parse(await ask(handler, batch(3))).length, 3);
  const { error, id } = JSON.parse(await ask(handler, batch(4)));
  assert.deepEqual([error.code, id], [-32600, null]);
  assert.match(error.message, /the batch has more than 3 calls/);
  assert.equal(counted.calls.length, 3);
  const huge = `[${"1,".repeat(1_000_000)}1]`;
  const start = performance.now();
  assert.equal(JSON.parse(await ask(server({ echo }), huge)).error.code, -32600);
  assert(performance.now() - start < 2000);
});

Deno.test("server() runs so many calls of a batch at once", async () => {
  for (const [options, most] of [[{}, 16], [{ batchConcurrency: 3 }, 3]] as const) {
    let running = 0;
    let peak = 0;
    const slow = method(async (params: number[]) => {
      peak = Math.max(peak, ++running);
      await settled();
      running--;
      return params[0];
    });
    const batch = Array.from({ length: 40 }, (_, i) => call(i, "slow", [i]));
    const answers = JSON.parse(await ask(server({ slow }, options), batch));
    assert.equal(peak, most);
    answers.forEach((answer: unknown, i: number) =>
      assert.deepEqual(answer, { jsonrpc: "2.0", result: i, id: i })
    );
  }
});

// P12
Deno.test("server() refuses a body over maxBytes with 413 and an error object", async () => {
  const handler = server({ echo }, { maxBytes: 100 });
  const long = JSON.stringify(call(1, "echo", ["a".repeat(100)]));
  const requests = [
    post(long),
    new Request("http://localhost/", { method: "POST", body: long }),
  ];
  for (const request of requests) {
    const response = await handler(request);
    assert.equal(response.status, 413);
    const { error, id } = await response.json();
    assert.deepEqual([error.data.code, id], ["resource_exhausted", null]);
  }
});

Deno.test("server() takes a compressed body only if it is told to", async () => {
  const body = new Uint8Array(gzipSync(JSON.stringify(call(1))));
  const request = () => post(body, { "content-encoding": "gzip" });
  const response = await server({ echo })(request());
  assert.equal(response.status, 415);
  assert.equal(response.headers.get("accept-encoding"), "identity");
  const text = await (await server({ echo }, { decompress: true })(request())).text();
  assert.match(text, /"result":\[1\]/);
});

Deno.test("server() refuses keys that occur twice and bytes that are not UTF-8 if it is strict", async () => {
  const twice = `{"jsonrpc":"2.0","method":"echo","method":"fail","id":1}`;
  const bytes = new Uint8Array([...new TextEncoder().encode('{"a":"'), 0xff, 0x22, 0x7d]);
  assert.match(await ask(server({ echo, fail }), twice), /-32603/);
  const strict = server({ echo, fail }, { strict: true });
  const { error } = JSON.parse(await ask(strict, twice));
  assert.equal(error.code, -32700);
  assert.equal(error.message, 'Cannot decode body as key "method" occurs twice');
  assert.deepEqual(error.data.details, [
    { pointer: "", detail: 'key "method" occurs twice' },
  ]);
  const refused = await (await strict(post(bytes))).json();
  assert.equal(refused.error.message, "Cannot decode body as it is not UTF-8");
});

interface Answer {
  jsonrpc: string;
  id: unknown;
}

/** Requests as they should be, almost, and anything else. */
const request = fc.oneof(
  fc.record({
    jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant("2.0") }, {
      weight: 1,
      arbitrary: fc.anything(),
    }),
    method: fc.oneof(fc.constantFrom("echo", "fail", "__proto__"), fc.string()),
    params: fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue())),
    id: fc.oneof(fc.string(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
  }, { requiredKeys: ["jsonrpc", "method"] }),
  fc.jsonValue(),
).map((value) => JSON.parse(JSON.stringify(value) ?? "null"));

const isCall = (value: unknown): value is { id?: string | number } => {
  const { jsonrpc, method } = Object(value);
  return jsonrpc === "2.0" && typeof method === "string" && !Array.isArray(value);
};

Deno.test("server() answers each call of anything once, with its id, and notifications never", async () => {
  const handler = server({ echo, fail }, { maxBatch: 1000 });
  await fc.assert(fc.asyncProperty(fc.array(request, { minLength: 1 }), async (batch) => {
    const text = await ask(handler, batch);
    const answers: Answer[] = text === "" ? [] : JSON.parse(text);
    const asked = batch.filter((one) => !isCall(one) || Object.hasOwn(one, "id"));
    assert.equal(answers.length, asked.length);
    answers.forEach((answer, i) => {
      assert.equal(answer.jsonrpc, "2.0");
      assert.notEqual("result" in answer, "error" in answer);
      if (isCall(asked[i])) assert.deepEqual(answer.id, JSON.parse(JSON.stringify(asked[i].id)));
    });
  }));
});

Deno.test("server() answers any JSON and any bytes", async () => {
  const handler = server({ echo, fail });
  const check = async (body: string | Uint8Array<ArrayBuffer>) => {
    const response = await handler(post(body));
    assert([200, 204].includes(response.status));
    if (response.status === 200) await response.json();
  };
  await fc.assert(fc.asyncProperty(fc.json(), check));
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), (bytes) => check(new Uint8Array(bytes))),
  );
});
