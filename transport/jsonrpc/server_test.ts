import assert from "node:assert/strict";
import { delay, KitError, remainingMs, withTimeout } from "@kit/endpoint";
import { scripted } from "@kit/endpoint/testing";
import { setHeader } from "../http/functions.ts";
import { HttpError } from "../http/http_error.ts";
import { httpRequest } from "../http/keys.ts";
import { ask, call, echo, fail, notification, noting, post, step } from "./_support_test.ts";
import { JsonRpcError } from "./json_rpc_error.ts";
import { requestId, requestMethod } from "./keys.ts";
import { method } from "./method.ts";
import { server, type ServerOptions } from "./server.ts";

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
  const cookies = Object.assign(new KitError("aborted", "x"), {
    headers: () => [["set-cookie", "a=1"], ["set-cookie", "b=2"]],
  });
  const many = server({ f: method(scripted<unknown, never>(cookies)) });
  const { headers } = await many(post(JSON.stringify(call(1, "f"))));
  assert.deepEqual(headers.getSetCookie(), ["a=1", "b=2"]);
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

Deno.test("server() counts the time that a body takes", async () => {
  const work = scripted<unknown, number>(1);
  const text = JSON.stringify(call(1, "work"));
  const body = new ReadableStream({
    async pull(controller) {
      await delay(40);
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
  const request = new Request("http://localhost/", {
    method: "POST",
    headers: { "x-request-timeout-ms": "20" },
    body,
    duplex: "half",
  } as RequestInit);
  const { error } = await (await server({ work: method(work) })(request)).json();
  assert.equal(error.data.code, "deadline_exceeded");
  assert.equal(work.calls.length, 0);
});

// P18
Deno.test("server() lets go of the deadline when it has answered", async () => {
  let signal: AbortSignal | undefined;
  const look = method((_: unknown, ctx) => Promise.resolve(void (signal = ctx.signal)));
  const request = post(JSON.stringify(call(1, "look")), { "x-request-timeout-ms": "10" });
  await server({ look })(request);
  await delay(30);
  assert(signal !== undefined && !signal.aborted);
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
  for (const status of [42, 101, 204, 302, 999, "x"]) {
    const odd = server({ echo }, {
      before: [() => {
        throw Object.assign(new Error("x"), { statusCode: () => status });
      }],
    });
    assert.equal((await odd(post("{}"))).status, 200);
  }
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
