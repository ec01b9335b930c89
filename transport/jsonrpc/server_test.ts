import assert from "node:assert/strict";
import {
  type Context,
  contextKey,
  delay,
  KitError,
  remainingMs,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { scripted, settled } from "@kit/endpoint/testing";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { setHeader } from "../http/functions.ts";
import { HttpError } from "../http/http_error.ts";
import { httpRequest } from "../http/keys.ts";
import { ask, post } from "./_support_test.ts";
import { JsonRpcError } from "./json_rpc_error.ts";
import { requestId, requestMethod } from "./keys.ts";
import { method } from "./method.ts";
import { server, type ServerOptions } from "./server.ts";

const echo = method((params: unknown) => Promise.resolve(params));
const fail = method((): Promise<never> => Promise.reject(new Error("password=hunter2")));

const call = (id: unknown, name = "echo", params: unknown = [1]) => ({
  jsonrpc: "2.0",
  method: name,
  params,
  id,
});
const notification = (name = "echo", params: unknown = [1]) => ({
  jsonrpc: "2.0",
  method: name,
  params,
});

// JS1, JS9
Deno.test("server() answers a call with its result and id", async () => {
  const response = await server({ echo })(post(JSON.stringify(call(1, "echo", { a: [1] }))));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(await response.text(), `{"jsonrpc":"2.0","result":{"a":[1]},"id":1}`);
});

// JS1
Deno.test("server() takes its methods as a record or a Map", async () => {
  for (const methods of [{ echo }, new Map([["echo", echo]])]) {
    assert.match(await ask(server(methods), call(1)), /"result":\[1\]/);
  }
});

// JS2
for (const verb of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
  Deno.test(`server() answers ${verb} with 405 before any hook`, async () => {
    const notes: string[] = [];
    const handler = server({ echo }, noting(notes));
    const response = await handler(new Request("http://localhost/", { method: verb }));
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "POST");
    const { error, id } = await response.json();
    assert.deepEqual([error.code, error.data.code, id], [-32600, "unimplemented", null]);
    assert.deepEqual(notes, []);
  });
}

const step = contextKey<string>("step");

/** Options whose every hook leaves a note and threads the context. */
function noting(notes: string[]): ServerOptions {
  const note = (ctx: Context, text: string) => {
    const name = ctx.value(requestMethod);
    const of = name === undefined ? "" : ` ${name} ${ctx.value(requestId)}`;
    notes.push(`${text}(${ctx.value(step) ?? ""})${of}`);
    return withValue(ctx, step, text);
  };
  return {
    before: [(ctx) => note(ctx, "before1"), (ctx, request) => {
      assert.equal(request.method, "POST");
      return note(ctx, "before2");
    }],
    beforeCodec: [(ctx) => note(ctx, "codec1"), (ctx, { method, id }) => {
      assert.deepEqual([method, id], [ctx.value(requestMethod), ctx.value(requestId)]);
      return note(ctx, "codec2");
    }],
    after: [(ctx) => note(ctx, "after1"), (ctx) => note(ctx, "after2")],
    onError: (error, ctx) => void note(ctx, `onError ${(error as Error).message} `),
    finalizer: [
      (ctx, error) => void note(ctx, `end1 ${error === undefined ? "well " : ""}`),
      (ctx) => void note(ctx, "end2"),
    ],
  };
}

// JS3, JS4, JC6
Deno.test("server() runs its hooks in Go kit's order and threads the context", async () => {
  const notes: string[] = [];
  const noted = method((_: unknown, ctx) => {
    notes.push(`endpoint(${ctx.value(step)}) ${ctx.value(requestMethod)} ${ctx.value(requestId)}`);
    return Promise.resolve(1);
  }, {
    decode: (_, ctx) => void notes.push(`decode(${ctx.value(step)})`),
    encode: (response, ctx) => {
      notes.push(`encode(${ctx.value(step)})`);
      return response;
    },
  });
  await ask(server({ a: noted }, noting(notes)), call(7, "a"));
  assert.deepEqual(notes, [
    "before1()",
    "before2(before1)",
    "codec1(before2) a 7",
    "codec2(codec1) a 7",
    "decode(codec2)",
    "endpoint(codec2) a 7",
    "after1(codec2) a 7",
    "after2(after1) a 7",
    "encode(after2)",
    "end1 well (after2) a 7",
    "end2(after2) a 7",
  ]);
});

// JS6, S12: beforeCodec has run, the method is looked up after it
Deno.test("server() answers -32601 for a method that there is not", async () => {
  const notes: string[] = [];
  const { error, id } = JSON.parse(await ask(server({ echo }, noting(notes)), call("x", "gone")));
  assert.deepEqual([error.code, id], [-32601, "x"]);
  assert.equal(error.message, 'Cannot find method "gone"');
  assert.equal(error.data.code, "unimplemented");
  assert.deepEqual(notes.slice(2), [
    "codec1(before2) gone x",
    "codec2(codec1) gone x",
    'onError Cannot find method "gone" (codec2) gone x',
    "end1 (codec2) gone x",
    "end2(codec2) gone x",
  ]);
});

// S9
for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "", "rpc.x"]) {
  Deno.test(`server() has no method "${name}" unless it was given one`, async () => {
    for (const methods of [{ echo }, new Map([["echo", echo]])]) {
      const { error } = JSON.parse(await ask(server(methods), call(1, name)));
      assert.equal(error.code, -32601);
    }
    const handler = server(new Map([[name, echo]]));
    assert.match(await ask(handler, call(1, name)), /"result":\[1\]/);
  });
}

Deno.test("server() tells a long name in part only", async () => {
  const text = await ask(server({ echo }), call(1, "a".repeat(100_000)));
  assert(text.length < 300);
});

// JS7, S12
const failures: [string, ReturnType<typeof method>][] = [
  [
    "decode",
    method(() => Promise.resolve(1), { decode: () => Promise.reject(new Error("hunter2")) }),
  ],
  ["the endpoint", fail],
  [
    "a throwing endpoint",
    method(() => {
      throw new Error("hunter2");
    }),
  ],
  [
    "encode",
    method(() => Promise.resolve(1), {
      encode: () => {
        throw new Error("hunter2");
      },
    }),
  ],
];
for (const [name, failing] of failures) {
  Deno.test(`server() answers -32603 and none of the text when ${name} fails`, async () => {
    const notes: string[] = [];
    const response = await server({ failing }, noting(notes))(
      post(JSON.stringify(call(3, "failing"))),
    );
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/json");
    const text = await response.text();
    assert.deepEqual(JSON.parse(text), {
      jsonrpc: "2.0",
      error: { code: -32603, message: "Unknown error", data: { code: "unknown" } },
      id: 3,
    });
    assert.equal(notes.filter((note) => note.startsWith("onError")).length, 1);
    assert.equal(notes.filter((note) => note.startsWith("end")).length, 2);
    assert.equal(notes.some((note) => note.startsWith("after")), name === "encode");
  });
}

// JS7
Deno.test("server() answers with the code of the error", async () => {
  const errors: [Error, number][] = [
    [new KitError("not_found", "a"), -32085],
    [new KitError("invalid_argument", "a"), -32602],
    [new JsonRpcError(1001, "a"), 1001],
    [Object.assign(new Error("a"), { errorCode: () => -32000 }), -32000],
  ];
  for (const [error, code] of errors) {
    const handler = server({ f: method(scripted<unknown, never>(error)) });
    assert.equal(JSON.parse(await ask(handler, call(1, "f"))).error.code, code);
  }
});

// JS8
Deno.test("server() answers with the error object of encodeError, and the headers it sets", async () => {
  const handler = server({ fail }, {
    encodeError: (error, ctx, headers) => {
      headers.set("x-enhanced", ctx.value(requestMethod)!);
      return { code: 418, message: (error as Error).message };
    },
  });
  const response = await handler(post(JSON.stringify(call(1, "fail"))));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-enhanced"), "fail");
  assert.deepEqual((await response.json()).error, { code: 418, message: "password=hunter2" });
});

Deno.test("server() answers even when encodeError fails, or makes what is no JSON", async () => {
  const encoders: ServerOptions["encodeError"][] = [
    () => {
      throw new Error("hunter2");
    },
    () => ({ code: 1, message: "x", data: 1n }),
  ];
  for (const encodeError of encoders) {
    const told: unknown[] = [];
    const failing = method(scripted<unknown, never>(new KitError("aborted", "Again")));
    const handler = server({ failing }, {
      encodeError: encodeError!,
      onError: (error) => void told.push(error),
    });
    const { error } = JSON.parse(await ask(handler, call(1, "failing")));
    assert.deepEqual([error.code, error.message], [-32090, "Again"]);
    assert.equal(told.length, 2);
  }
});

// JS10, R11, S4: all values, not only the first
Deno.test("server() adds the headers of an error", async () => {
  const error = Object.assign(new KitError("aborted", "x"), {
    headers: () => [["Vary", "a"], ["Vary", "b"]],
  });
  const handler = server({ f: method(scripted<unknown, never>(error)) });
  const response = await handler(post(JSON.stringify(call(1, "f"))));
  assert.equal(response.headers.get("vary"), "a, b");
  const broken = Object.assign(new KitError("aborted", "x"), { headers: () => [["a b", "\n"]] });
  const other = server({ f: method(scripted<unknown, never>(broken)) });
  assert.match(await ask(other, call(1, "f")), /"code":-32090/);
});

Deno.test("server() sends the headers that after sets", async () => {
  const handler = server({ echo }, { after: [setHeader("x-served-by", "kit")] });
  for (const body of [call(1), [call(1), call(2)], notification()]) {
    const response = await handler(post(JSON.stringify(body)));
    assert.equal(response.headers.get("x-served-by"), "kit");
    await response.body?.cancel();
  }
});

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
  const refused = await (await strict(post(bytes))).json();
  assert.equal(refused.error.message, "Cannot decode body as it is not UTF-8");
});

// P4, O5
Deno.test("server() gives its calls the deadline of the header, and begins none that is late", async () => {
  const left = method((_: unknown, ctx) => Promise.resolve(remainingMs(ctx)));
  const handler = server({ left });
  const request = (ms: string) =>
    post(JSON.stringify(call(1, "left")), { "x-request-timeout-ms": ms });
  const { result } = await (await handler(request("5000"))).json();
  assert(result > 4000 && result <= 5000);
  const late = await (await handler(request("0"))).json();
  assert.deepEqual([late.error.code, late.error.data.code], [-32084, "deadline_exceeded"]);
  const garbage = await (await handler(request("soon"))).json();
  assert.equal(garbage.error.data.code, "invalid_argument");

  const slow = scripted<unknown, number>(async () => {
    await delay(60);
    return 1;
  });
  const queued = server({ slow: method(slow) }, { batchConcurrency: 1 });
  const answers = await (await queued(post(
    JSON.stringify([call(1, "slow"), call(2, "slow"), call(3, "slow")]),
    { "x-request-timeout-ms": "30" },
  ))).json();
  assert.equal(slow.calls.length, 1);
  assert.deepEqual(answers[2].error.data.code, "deadline_exceeded");
  assert.equal(answers[2].id, 3);
});

Deno.test("server() counts the time that hooks give, and leaves no timer", async () => {
  const handler = server({
    wait: method((_: unknown, ctx) => delay(10_000, { signal: ctx.signal })),
  }, { before: [(ctx) => withTimeout(ctx, 5)] });
  const { error } = JSON.parse(await ask(handler, call(1, "wait")));
  assert.equal(error.data.code, "deadline_exceeded");
});

// W8
Deno.test("server() cancels its calls when the client goes", async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const wait = method(async (_: unknown, ctx) => {
    setTimeout(() => controller.abort(new Error("gone")), 1);
    await delay(10_000, { signal: ctx.signal }).catch(resolve);
  });
  const request = new Request("http://localhost/", {
    method: "POST",
    body: JSON.stringify(call(1, "wait")),
    signal: controller.signal,
  });
  await server({ wait })(request);
  assert.match(String(await promise), /gone/);
});

Deno.test("server() tells its calls of the request: metadata, the request itself", async () => {
  const who = method((_: unknown, ctx) =>
    Promise.resolve([ctx.metadata.get("X-Tenant"), ctx.value(httpRequest)?.method])
  );
  const request = post(JSON.stringify(call(1, "who")), { "x-tenant": "acme" });
  const { result } = await (await server({ who })(request)).json();
  assert.deepEqual(result, ["acme", "POST"]);
});

Deno.test("server() answers what before throws, with its status and headers", async () => {
  const denied = new HttpError(401, "Cannot call without a token", {
    headers: { "www-authenticate": "Bearer" },
  });
  const handler = server({ echo }, {
    before: [() => {
      throw denied;
    }],
  });
  const response = await handler(post(JSON.stringify(call(1))));
  assert.equal(response.status, 401);
  assert.equal(response.headers.get("www-authenticate"), "Bearer");
  const { error, id } = await response.json();
  assert.deepEqual([error.code, error.message, id], [-32096, "Cannot call without a token", null]);
  const plain = server({ echo }, {
    before: [() => {
      throw new Error("hunter2");
    }],
  });
  assert.match(await ask(plain, call(1)), /"code":-32603,"message":"Unknown error"/);
});

Deno.test("server() tells its host when the body is there", async () => {
  for (const body of [JSON.stringify(call(1)), "{"]) {
    const info = { bodyReceived: true };
    const answer = server({ echo })(post(body), info);
    assert(!info.bodyReceived);
    await answer;
    assert(info.bodyReceived);
  }
});

Deno.test("server() goes on when finalizers and onError throw", async () => {
  let told = 0;
  const handler = server({ echo }, {
    finalizer: [() => {
      throw new Error("x");
    }, () => {}],
    onError: () => {
      told++;
      throw new Error("y");
    },
  });
  assert.match(await ask(handler, call(1)), /"result"/);
  assert.equal(told, 1);
});

Deno.test("server() refuses options that make no sense", () => {
  for (const name of ["maxBytes", "maxBatch", "batchConcurrency"]) {
    for (const value of [0, -1, NaN, "5"]) {
      assert.throws(() => server({ echo }, { [name]: value }), RangeError);
    }
  }
  assert.throws(() => server({ echo }, { maxBatch: 1.5 }), RangeError);
  assert.throws(() => server({ echo }, { deadlineHeader: "a b" }), TypeError);
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
