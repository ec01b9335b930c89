import assert from "node:assert/strict";
import fc from "fast-check";
import {
  background,
  type Context,
  contextKey,
  delay,
  type Endpoint,
  KitError,
  withValue,
} from "@kit/endpoint";
import {
  type HandlerInfo,
  type MessageHeaders,
  natsMessage,
  server,
  type ServerOptions,
  setHeader,
} from "./mod.ts";
import { bytesOf, incoming, type Replied, soon, textOf } from "./_support_test.ts";
import type { Schema } from "../schema.ts";

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly reply?: string;
  readonly info?: HandlerInfo;
}

/** Sends a message to an endpoint; tells all that is replied. */
async function send<Res>(
  endpoint: Endpoint<never, Res>,
  body: string | Uint8Array,
  { info, ...sent }: Sent = {},
  options: ServerOptions<never, Res> = {},
): Promise<Replied[]> {
  const { message, replies } = incoming(body, sent);
  await server(endpoint, options)(message, info);
  return replies;
}

/** The one reply, as text, with its headers. */
function only(replies: readonly Replied[]): { body: string; headers: Record<string, string> } {
  assert.equal(replies.length, 1);
  const [{ data, headers }] = replies as [Replied];
  return {
    body: textOf(data),
    headers: Object.fromEntries([...headers ?? []].map(([name, values]) => [name, values[0]!])),
  };
}

const echo: Endpoint<unknown, unknown> = (request) => Promise.resolve(request);
const fail = (error: unknown): Endpoint<unknown, unknown> => () => Promise.reject(error);

// NS5, W1
for (
  const [body, text] of [
    [`{"a":1}`, `{"a":1}`],
    [" [] ", "[]"],
    ["{}", "{}"],
    ["null", "null"],
    [`{"s":"<&>"}`, `{"s":"<&>"}`],
    [`{"__proto__":{"a":1}}`, `{"__proto__":{"a":1}}`],
  ] as const
) {
  Deno.test(`server() answers ${text} for ${body}, without headers or a newline`, async () => { // NS1
    const replies = await send(echo, body);
    assert.deepEqual(only(replies), { body: text, headers: {} });
    assert.equal(replies[0]!.headers, undefined);
  });
}

Deno.test("server() answers null for no response, and takes no request with a decoder", async () => { // NS5
  const seen: unknown[] = [];
  const endpoint = (request: unknown) => Promise.resolve(void seen.push(request));
  const replies = await send(endpoint, "no JSON", {}, { decode: () => undefined as never });
  assert.equal(only(replies).body, "null");
  assert.deepEqual(seen, [undefined]);
});

const step = contextKey<string>("step");
const plus = (ctx: Context, text: string) => withValue(ctx, step, (ctx.value(step) ?? "") + text);

Deno.test("server() runs its hooks in Go kit's order, each with the context of the one before", async () => { // NS2, NS4
  const seen: string[] = [];
  const note = (name: string) => (ctx: Context) => {
    seen.push(`${name} ${ctx.value(step) ?? ""}`);
    return plus(ctx, name[0]!);
  };
  const { message, replies } = incoming("1");
  const handler = server((request: unknown, ctx) => {
    note("endpoint")(ctx);
    return Promise.resolve(request);
  }, {
    before: [note("a"), note("b")],
    decode(_, ctx) {
      note("decode")(ctx);
      return 2;
    },
    after: [note("c"), note("d"), setHeader("X-After", "1")],
    encode(response, ctx, headers) {
      note("encode")(ctx);
      headers.set("X-Encode", "2");
      return bytesOf(`<${response}>`);
    },
    finalizer: [
      (ctx, error) => seen.push(`first ${ctx.value(step)} ${error} ${replies.length}`),
      () => seen.push("second"), // NS4 D: every finalizer runs
    ],
    onError: () => assert.fail(),
  });
  await handler(message);
  assert.deepEqual(seen, [
    "a ",
    "b a",
    "decode ab",
    "endpoint ab",
    "c ab",
    "d abc",
    "encode abcd",
    "first abcd undefined 1",
    "second",
  ]);
  assert.deepEqual(only(replies), { body: "<2>", headers: { "X-After": "1", "X-Encode": "2" } });
});

Deno.test("server() sends no headers where a hook has set none", async () => {
  const after = [(ctx: Context, headers: MessageHeaders) => (headers.get("a"), ctx)];
  const [reply] = await send(echo, "1", {}, { after });
  assert.equal(reply!.headers, undefined);
});

Deno.test("server() waits for an encoder that takes its time", async () => {
  const encode = () => Promise.resolve(bytesOf("later"));
  assert.equal(only(await send(echo, "1", {}, { encode })).body, "later");
});

// NS3
for (
  const [name, endpoint, options] of [
    ["decode", echo, { decode: () => Promise.reject(new KitError("aborted", "oh")) }],
    ["the endpoint", fail(new KitError("aborted", "oh")), {}],
    ["a hook", echo, {
      after: [() => {
        throw new KitError("aborted", "oh");
      }],
    }],
    ["encode", echo, {
      encode: () => {
        throw new KitError("aborted", "oh");
      },
    }],
  ] satisfies [string, Endpoint<unknown, unknown>, ServerOptions<never, unknown>][]
) {
  Deno.test(`server() answers an error of ${name} as Go kit does, with its code in headers`, async () => {
    const seen: unknown[] = [];
    const replies = await send(endpoint, "1", {}, {
      ...options,
      onError: (error) => seen.push(error),
      finalizer: [(_, error) => seen.push(error)],
    });
    assert.deepEqual(only(replies), {
      body: `{"err":"oh"}`,
      headers: {
        "Nats-Service-Error": "oh",
        "Nats-Service-Error-Code": "409",
        "kit-error-code": "aborted",
      },
    });
    assert.equal(seen.length, 2);
    assert.equal(seen[0], seen[1]);
  });

  Deno.test(`server() replies nothing to a message that asks for none when ${name} fails`, async () => { // NS2, S13
    let told = 0;
    const replies = await send(endpoint, "1", { reply: "" }, {
      ...options,
      onError: () => told++,
      encodeError: () => assert.fail(),
    });
    assert.deepEqual(replies, []);
    assert.equal(told, name === "encode" ? 0 : 1);
  });
}

Deno.test("server() does not encode where nobody waits for a reply", async () => { // NS2, S13
  const seen: string[] = [];
  const replies = await send(echo, "1", { reply: "" }, {
    after: [(ctx) => (seen.push("after"), ctx)],
    encode: () => assert.fail(),
    finalizer: [(_, error) => seen.push(`finalizer ${error}`)],
  });
  assert.deepEqual([replies, seen], [[], ["after", "finalizer undefined"]]);
});

Deno.test("server() shows nothing of an error that is no KitError", async () => {
  for (const error of [new Error("password=hunter2"), "hunter2", undefined]) {
    assert.deepEqual(only(await send(fail(error), "1")), {
      body: `{"err":"Unknown error"}`,
      headers: {
        "Nats-Service-Error": "Unknown error",
        "Nats-Service-Error-Code": "500",
        "kit-error-code": "unknown",
      },
    });
  }
});

Deno.test("server() answers with what encodeError makes", async () => { // NS4
  const replies = await send(fail(new Error("boom")), "1", {}, {
    encodeError(error, headers, ctx) {
      headers.set("X-Error", String(ctx.metadata.get("a")));
      return bytesOf(String(error));
    },
  });
  assert.deepEqual(only(replies), { body: "Error: boom", headers: { "X-Error": "undefined" } });
});

Deno.test("server() answers by itself when encodeError fails", async () => {
  const told: unknown[] = [];
  const replies = await send(fail(new KitError("aborted", "oh")), "1", {}, {
    encodeError() {
      throw new Error("worse");
    },
    onError(error) {
      told.push(error);
      throw new Error("worst");
    },
  });
  assert.equal(only(replies).headers["kit-error-code"], "aborted");
  assert.equal(told.length, 2);
});

// W2
for (
  const [body, why] of [
    ["", "it is empty"],
    ["{", "it is not JSON"],
    [`{"a":`, "it is not JSON"],
    [`{"a":1} x`, "it is not JSON"],
    ["secret", "it is not JSON"],
    [new Uint8Array([0xff, 0xfe]), "it is not JSON"],
  ] as const
) {
  Deno.test(`server() answers invalid_argument for the body ${JSON.stringify(body)}`, async () => {
    const { body: text, headers } = only(await send(() => assert.fail(), body));
    assert.equal(headers["Nats-Service-Error-Code"], "400");
    assert.equal(headers["kit-error-code"], "invalid_argument");
    assert(JSON.parse(text).err.startsWith(`Cannot decode body as ${why}`), text);
    assert(!text.includes("secret"));
  });
}

Deno.test("server() answers something to any bytes, and goes on", async () => {
  const handler = server(echo);
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
    const { message, replies } = incoming(bytes);
    await handler(message);
    assert.equal(replies.length, 1);
  }));
});

Deno.test("server() reads deep JSON", async () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  assert.equal(only(await send(() => Promise.resolve(1), deep)).body, "1");
});

Deno.test("server() refuses a body of more than maxBytes, whatever decodes it", async () => {
  assert.equal(only(await send(echo, "1234", {}, { maxBytes: 4 })).body, "1234");
  for (const decode of [undefined, () => assert.fail()]) {
    const options = { maxBytes: 4, ...(decode && { decode }) };
    const { headers } = only(await send(() => assert.fail(), "12345", {}, options));
    assert.equal(headers["kit-error-code"], "resource_exhausted");
    assert.equal(
      headers["Nats-Service-Error"],
      "Cannot read request as it has more than 4 bytes",
    );
  }
});

Deno.test("server() answers invalid_argument with what is wrong when the schema refuses", async () => {
  const schema: Schema<never> = {
    "~standard": {
      version: 1,
      vendor: "me",
      validate: () => ({ issues: [{ message: "must be text", path: ["s"] }] }),
    },
  };
  const { body, headers } = only(await send(() => assert.fail(), "{}", {}, { schema }));
  assert.equal(body, `{"err":"Cannot decode request: /s must be text"}`);
  assert.equal(headers["kit-error-details"], `[{"pointer":"/s","detail":"must be text"}]`);
});

Deno.test("server() tells the endpoint of headers, message and deadline", async () => { // A16
  let seen: Context | undefined;
  const before = Date.now();
  await send((_, ctx) => Promise.resolve(void (seen = ctx)), "1", {
    headers: { Traceparent: "00-1", ["__proto__"]: "x", "x-request-timeout-ms": "5000" },
  });
  assert.equal(seen?.metadata.get("traceparent"), "00-1");
  assert.equal(seen.metadata.get("__PROTO__"), "x");
  assert.equal(seen.metadata.get("constructor"), undefined);
  assert.equal(seen.value(natsMessage)?.subject, "subject");
  assert.equal(seen.value(step), undefined);
  assert.deepEqual([...seen.outgoing], []);
  assert(seen.canAbort);
  assert(Math.abs(seen.deadline! - before - 5000) < 1000);
});

Deno.test("server() makes a context that nothing aborts when nothing can", async () => {
  let seen: Context | undefined;
  const { message } = incoming("1");
  await server((_, ctx) => Promise.resolve(void (seen = ctx)))({ ...message, headers: undefined });
  assert(!seen!.canAbort);
  assert.equal(seen!.signal, background().signal);
  assert.equal(seen!.deadline, undefined);
  assert.deepEqual([...seen!.metadata], []);
});

Deno.test("server() aborts the signal when the deadline passes", async () => {
  const endpoint = async (_: unknown, ctx: Context) => {
    await delay(5000, { signal: ctx.signal });
  };
  const headers = { "x-request-timeout-ms": "5" };
  const replies = await soon(send(endpoint, "1", { headers }));
  assert.equal(only(replies).headers["kit-error-code"], "deadline_exceeded");
});

Deno.test("server() leaves no timer when the signal is read after the call", async () => {
  let seen: Context | undefined;
  const headers = { "x-request-timeout-ms": "50" };
  await send((_, ctx) => Promise.resolve(void (seen = ctx)), "1", { headers });
  assert(!seen!.signal.aborted);
});

Deno.test("server() begins no work that nobody waits for", async () => {
  for (
    const [value, code] of [
      ["0", "deadline_exceeded"],
      ["-1", "invalid_argument"],
      ["1e3", "invalid_argument"],
      ["99999999999", "invalid_argument"],
    ] as const
  ) {
    const headers = { "x-request-timeout-ms": value };
    const replies = await send(() => assert.fail(), "1", { headers });
    assert.equal(only(replies).headers["kit-error-code"], code);
  }
  const info = { receivedAt: Date.now() - 1000 };
  const headers = { "x-request-timeout-ms": "900" };
  const replies = await send(() => assert.fail(), "1", { headers, info });
  assert.equal(only(replies).headers["kit-error-code"], "deadline_exceeded");
});

Deno.test("server() reads the deadline from the header that it is told, or none", async () => {
  const headers = { "x-request-timeout-ms": "bad", mine: "5000" };
  let deadline: number | undefined;
  const endpoint = (_: unknown, ctx: Context) => Promise.resolve(void (deadline = ctx.deadline));
  await send(endpoint, "1", { headers }, { deadlineHeader: "mine" });
  assert(deadline! > Date.now());
  await send(endpoint, "1", { headers }, { deadlineHeader: false });
  assert.equal(deadline, undefined);
});

Deno.test("server() links the context to the signal of its host, and keeps silent once that is aborted", async () => {
  const stop = new AbortController();
  const reason = new KitError("unavailable", "Server is stopping");
  for (const timeoutMs of ["", "5000"]) {
    const headers = { "x-request-timeout-ms": timeoutMs };
    const endpoint = (_: unknown, ctx: Context) => {
      if (!stop.signal.aborted) stop.abort(reason);
      return Promise.reject(ctx.signal.reason);
    };
    const told: unknown[] = [];
    const info = { signal: stop.signal };
    const replies = await send(endpoint, "1", { headers, info }, {
      onError: (error) => told.push(error),
    });
    assert.deepEqual([replies, told], [[], [reason]]);
  }
});

/** A message whose reply may have so many bytes. */
function limited(maxBytes: number): ReturnType<typeof incoming> {
  const { message, replies } = incoming("1");
  const { respond } = message;
  message.respond = (payload, options) => {
    const headers = [...options?.headers ?? []].flat(2).join("");
    if (payload!.length + headers.length > maxBytes) {
      throw Object.assign(new Error("'payload' max_payload size exceeded"), {
        name: "InvalidArgumentError",
      });
    }
    return respond.call(message, payload, options);
  };
  return { message, replies };
}

Deno.test("server() answers resource_exhausted when the response is larger than NATS takes", async () => {
  const { message, replies } = limited(300);
  const told: unknown[] = [];
  await server(() => Promise.resolve("x".repeat(300)), { onError: (e) => told.push(e) })(message);
  assert.deepEqual(only(replies).headers["kit-error-code"], "resource_exhausted");
  assert.equal(told.length, 1);
});

Deno.test("server() keeps the code of an error that is larger than NATS takes", async () => {
  const { message, replies } = limited(300);
  await server(fail(new KitError("aborted", "x".repeat(300))))(message);
  assert.deepEqual(only(replies), {
    body: `{"err":"Cannot send error as it is too large"}`,
    headers: {
      "Nats-Service-Error": "Cannot send error as it is too large",
      "Nats-Service-Error-Code": "409",
      "kit-error-code": "aborted",
    },
  });
});

Deno.test("server() does not reject when the connection is closed", async () => {
  const { message } = incoming("1");
  message.respond = () => {
    throw Object.assign(new Error("closed"), { name: "ClosedConnectionError" });
  };
  const told: unknown[] = [];
  await server(echo, { onError: (error) => told.push(error) })(message);
  assert.deepEqual(told.map((error) => (error as KitError).code), ["unavailable", "unavailable"]);
});

Deno.test("server() answers internal JSON trouble as an unknown error", async () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  for (const response of [cycle, 1n, () => {}]) {
    const { body } = only(await send(() => Promise.resolve(response), "1"));
    assert.equal(body, `{"err":"Unknown error"}`);
  }
});

Deno.test("server() refuses misuse", () => {
  for (const maxBytes of [0, -1, NaN]) assert.throws(() => server(echo, { maxBytes }), RangeError);
  assert.throws(() => server(echo, { deadlineHeader: "a b" }), TypeError);
  assert.throws(() => setHeader("a b", "1"));
  assert.throws(() => setHeader("a", "1\r\n2"));
});

Deno.test("server() is typed from end to end", () => {
  server(({ s }: { s: string }) => Promise.resolve({ v: s.length }), {
    decode: () => ({ s: "" }),
    encode: ({ v }) => bytesOf(v.toFixed()),
  });
  server(({ s }: { s: string }) => Promise.resolve(s), {
    // @ts-expect-error: the decoder makes the request
    decode: () => ({ t: "" }),
  });
});
