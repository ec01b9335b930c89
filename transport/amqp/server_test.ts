import assert from "node:assert/strict";
import {
  type Context,
  contextKey,
  delay,
  type Endpoint,
  KitError,
  systemClock,
  withValue,
} from "@kit/endpoint";
import fc from "fast-check";
import { bytes, request, textOf } from "./_support_testing.ts";
import { setExchange, setHeader, setKey } from "./functions.ts";
import { amqpDelivery } from "./keys.ts";
import { server, type ServerOptions } from "./server.ts";

const echo: Endpoint<unknown, unknown> = (value) => Promise.resolve(value);

/** Options whose every step leaves a note. */
function noting(notes: string[]): ServerOptions<string, string> {
  const step = contextKey<string>("step");
  const note = (ctx: Context, text: string) => {
    notes.push(`${text}(${ctx.value(step) ?? ""})`);
    return withValue(ctx, step, text);
  };
  return {
    before: [(ctx) => note(ctx, "before1"), (ctx) => note(ctx, "before2")],
    decode: (delivery, ctx) => {
      note(ctx, "decode");
      return textOf(delivery);
    },
    after: [(ctx) => note(ctx, "after1"), (ctx) => note(ctx, "after2")],
    encode: (response, reply, ctx) => {
      note(ctx, "encode");
      reply.body = bytes(response);
    },
    onError: (error, ctx) => void note(ctx, `onError ${(error as Error).message} `),
    encodeError: (_error, reply, ctx) => {
      note(ctx, "encodeError");
      reply.body = bytes("failed");
    },
    finalizer: [(ctx) => void note(ctx, "finalizer1"), (ctx) => void note(ctx, "finalizer2")],
  };
}

// AS1, S2
Deno.test("server() runs its steps in Go kit's order and threads the context", async () => {
  const notes: string[] = [];
  const handle = server((s: string) => {
    notes.push("endpoint");
    return Promise.resolve(s);
  }, noting(notes));
  const { reply, error } = await handle(request("hi"));
  assert.equal(textOf(reply), "hi");
  assert.equal(error, undefined);
  assert.deepEqual(notes, [
    "before1()",
    "before2(before1)",
    "decode(before2)",
    "endpoint",
    "after1(before2)",
    "after2(after1)",
    "encode(after2)",
    "finalizer1(after2)",
    "finalizer2(after2)",
  ]);
});

// AS1, TR5
const failing: [
  string,
  Partial<ServerOptions<string, string>>,
  Endpoint<string, string>,
  string,
][] = [
  [
    "decode",
    { decode: () => Promise.reject(new Error("x")) },
    (s) => Promise.resolve(s),
    "before2",
  ],
  ["the endpoint", {}, () => Promise.reject(new Error("x")), "before2"],
  ["encode", { encode: () => Promise.reject(new Error("x")) }, (s) => Promise.resolve(s), "after2"],
];
for (const [what, options, endpoint, last] of failing) {
  Deno.test(`server() tells onError, then encodes the error, when ${what} rejects`, async () => {
    const notes: string[] = [];
    const { reply, error } = await server(endpoint, { ...noting(notes), ...options })(
      request("hi"),
    );
    assert.equal(textOf(reply), "failed");
    assert.equal((error as Error).message, "x");
    assert.deepEqual(notes.slice(-4), [
      `onError x (${last})`,
      `encodeError(${last})`,
      `finalizer1(${last})`,
      `finalizer2(${last})`,
    ]);
    assert.equal(notes.some((note) => note.startsWith("after")), last === "after2");
  });

  // AS3
  Deno.test(`server() replies {"err":"err!"} when ${what} fails so`, async () => {
    const fail = () => Promise.reject(new KitError("aborted", "err!"));
    const own = what === "decode"
      ? { decode: fail }
      : what === "encode"
      ? { encode: fail }
      : { decode: () => "" };
    const { reply } = await server(what === "the endpoint" ? fail : endpoint, own)(request(`"a"`));
    assert.equal(textOf(reply), `{"err":"err!"}`);
    assert.equal(reply?.headers["kit-error-code"], "aborted");
  });
}

Deno.test("server() shows nothing of an error that is no KitError", async () => {
  const handle = server(() => Promise.reject(new Error("password=hunter2")));
  const { reply, error } = await handle(request("1"));
  assert.equal(textOf(reply), `{"err":"Unknown error"}`);
  assert(!JSON.stringify(reply).includes("hunter2"));
  assert.equal((error as Error).message, "password=hunter2");
});

Deno.test("server() replies with the error itself when encodeError throws", async () => {
  const told: string[] = [];
  const handle = server(() => Promise.reject(new KitError("not_found", "gone")), {
    encodeError: () => {
      throw new Error("encoder");
    },
    onError: (error) => {
      told.push((error as Error).message);
      throw new Error("told");
    },
  });
  const { reply } = await handle(request("1"));
  assert.equal(textOf(reply), `{"err":"gone"}`);
  assert.deepEqual(told, ["gone", "encoder"]);
});

// AS2
Deno.test("server() replies to replyTo with the correlation id of the request", async () => {
  const { reply } = await server(echo)(request(`"a"`));
  assert.deepEqual([reply?.exchange, reply?.key], ["", "answers"]);
  assert.equal(reply?.properties.correlationId, "c1");
  assert(reply?.mandatory === false);
});

// AS2
Deno.test("server() replies to where after says", async () => {
  const after = [setExchange("events"), setKey("done"), setHeader("x-served-by", "kit")];
  const { reply } = await server(echo, { after })(request(`"a"`));
  assert.deepEqual([reply?.exchange, reply?.key], ["events", "done"]);
  assert.deepEqual({ ...reply?.headers }, { "x-served-by": "kit" });
});

// AS2 (NopResponsePublisher), S13
Deno.test("server() makes no reply and no error reply when nobody waits for one", async () => {
  const properties = {};
  let encoded = 0;
  const options = { encode: () => void encoded++, encodeError: () => void encoded++ };
  assert.equal((await server(echo, options)(request("1", { properties }))).reply, undefined);
  const failed = await server(() => Promise.reject(new KitError("aborted", "x")), options)(
    request("1", { properties }),
  );
  assert.equal(failed.reply, undefined);
  assert.equal((failed.error as KitError).code, "aborted");
  assert.equal(encoded, 0);
});

// AS7, W1
const values: [unknown, string][] = [
  [null, "null"],
  [undefined, "null"],
  [12, "12"],
  [{ foo: "<a>" }, `{"foo":"<a>"}`],
  [{}, "{}"],
];
for (const [value, body] of values) {
  Deno.test(`server() encodes ${body} without a newline`, async () => {
    const { reply } = await server(() => Promise.resolve(value))(request("1"));
    assert.equal(textOf(reply), body);
    assert.equal(reply?.properties.contentType, "application/json");
  });
}

// AP7
Deno.test("server() sets no content type and no encoding for an encode of its own", async () => {
  const encode = () => {}; // EncodeNopResponse
  const { reply } = await server(echo, { encode })(request("1"));
  assert.deepEqual(reply?.properties, { correlationId: "c1" });
  assert.equal(reply?.body.length, 0);
});

for (
  const [what, body, more, code] of [
    ["is no JSON", "{", {}, "invalid_argument"],
    ["is empty", "", {}, "invalid_argument"],
    ["is compressed", "1", { contentEncoding: "gzip" }, "invalid_argument"],
    ["is too large", JSON.stringify("a".repeat(100)), {}, "resource_exhausted"],
  ] as const
) {
  Deno.test(`server() answers ${code} when the body ${what}`, async () => {
    const properties = { replyTo: "answers", ...more };
    const { reply } = await server(echo, { maxBytes: 50 })(request(body, { properties }));
    assert.equal(reply?.headers["kit-error-code"], code);
  });
}

Deno.test("server() answers invalid_argument when the body is not UTF-8", async () => {
  const { error } = await server(echo)(request("", { body: Uint8Array.of(0x22, 0xff, 0x22) }));
  assert.equal((error as KitError).message, "Cannot decode body as it is not UTF-8");
});

Deno.test("server() answers invalid_argument when the headers could not be read", async () => {
  const handle = server(echo, { deadlineHeader: false });
  const { error } = await handle(request("1", { headers: { "x-kit-unreadable": true } }));
  assert.equal((error as KitError).code, "invalid_argument");
});

Deno.test("server() validates the request by the schema", async () => {
  const handle = server(echo, {
    schema: {
      "~standard": {
        version: 1,
        vendor: "me",
        validate: () => ({ issues: [{ message: "must be text", path: ["s"] }] }),
      },
    },
  });
  const { reply } = await handle(request(`{"s":1}`));
  assert.equal(reply?.headers["kit-error-code"], "invalid_argument");
  assert.equal(
    reply?.headers["kit-error-details"],
    `[{"pointer":"/s","detail":"must be text"}]`,
  );
});

Deno.test("server() tells the endpoint metadata, delivery and deadline", async () => {
  let seen: unknown;
  const handle = server((_, ctx: Context) => {
    seen = [
      ctx.metadata.get("X-Request-Id"),
      ctx.metadata.getAll("list"),
      ctx.metadata.get("n"),
      ctx.metadata.get("table"),
      ctx.value(amqpDelivery)?.key,
      ctx.deadline! > systemClock.now() && ctx.deadline! <= systemClock.now() + 5000,
      ctx.canAbort,
    ];
    return Promise.resolve(null);
  });
  await handle(request("1", {
    headers: {
      "x-request-id": "7",
      list: ["a", "b"],
      n: 1,
      table: {},
      "x-request-timeout-ms": 5000,
    },
  }));
  assert.deepEqual(seen, ["7", ["a", "b"], "1", undefined, "q", true, true]);
});

Deno.test("server() aborts the signal at the deadline and leaves no timer", async () => {
  const handle = server((_, ctx: Context) => delay(10_000, { signal: ctx.signal }));
  const { error } = await handle(request("1", { headers: { "x-request-timeout-ms": "5" } }));
  assert.equal((error as KitError).code, "deadline_exceeded");
});

for (
  const [what, headers, receivedAt, code] of [
    ["nothing is left", { "x-request-timeout-ms": "0" }, 0, "deadline_exceeded"],
    ["it has waited too long", { "x-request-timeout-ms": "50" }, -60, "deadline_exceeded"],
    ["the time left is no number", { "x-request-timeout-ms": "soon" }, 0, "invalid_argument"],
  ] as const
) {
  Deno.test(`server() does not begin a call and answers ${code} when ${what}`, async () => {
    let begun = 0;
    const handle = server(() => Promise.resolve(begun++));
    const { reply } = await handle(request("1", { headers }), {
      receivedAt: systemClock.now() + receivedAt,
    });
    assert.equal(reply?.headers["kit-error-code"], code);
    assert.equal(begun, 0);
  });
}

Deno.test("server() lets its host abort a call", async () => {
  const controller = new AbortController();
  const handle = server((_, ctx: Context) => delay(10_000, { signal: ctx.signal }));
  const headers = { "x-request-timeout-ms": "10000" };
  const result = handle(request("1", { headers }), { signal: controller.signal });
  controller.abort(new KitError("unavailable", "stop"));
  assert.equal(((await result).error as KitError).message, "stop");
});

Deno.test("server() never rejects, whatever the bytes and headers", async () => {
  const handle = server(echo);
  await fc.assert(fc.asyncProperty(
    fc.uint8Array({ maxLength: 64 }),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "x-request-timeout-ms")),
      fc.anything(),
      { noNullPrototype: false },
    ),
    async (body, headers) => {
      const { reply } = await handle(request("", { body, headers }));
      assert.equal(reply?.key, "answers");
    },
  ));
});

Deno.test("server() refuses options that cannot be", () => {
  assert.throws(() => server(echo, { maxBytes: 0 }), RangeError);
  assert.throws(() => server(echo, { deadlineHeader: "a b" }), TypeError);
});

Deno.test("server() infers request and response", () => {
  const length = (r: { s: string }): Promise<number> => Promise.resolve(r.s.length);
  server(length, {
    decode: () => ({ s: "" }),
    encode(response, reply) {
      const n: number = response;
      reply.body = bytes(String(n));
    },
  });
  // @ts-expect-error: the request has text
  server(length, { decode: () => ({ s: 1 }) });
});
