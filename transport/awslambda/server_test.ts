import assert from "node:assert/strict";
import type { Context as AwsContext, Handler as AwsHandler } from "aws-lambda";
import { codeOf, type Context, contextKey, delay, KitError, withValue } from "@kit/endpoint";
import { FakeClock } from "@kit/endpoint/testing";
import type { Schema } from "../schema.ts";
import { functionError, parseFunctionError } from "./function_error.ts";
import type { LambdaContext } from "./handler.ts";
import { lambdaContext, requestId } from "./keys.ts";
import { server, type ServerOptions } from "./server.ts";

interface Text {
  readonly s: string;
}

const uppercase = ({ s }: Text) => Promise.resolve({ v: s.toUpperCase() });

// LA1, LA4
Deno.test("server() runs its steps in Go kit's order", async () => {
  const seen: string[] = [];
  const note = (what: string) => (ctx: Context) => {
    seen.push(what);
    return ctx;
  };
  const handler = server((request: string) => {
    seen.push("endpoint");
    return Promise.resolve(`${request}!`);
  }, {
    before: [note("before 1"), note("before 2")],
    decode: (payload) => (seen.push("decode"), (payload as Text).s),
    after: [note("after 1"), note("after 2")],
    encode: (response) => (seen.push("encode"), { v: response }),
    finalizer: [() => seen.push("finalizer 1"), () => seen.push("finalizer 2")],
  });
  assert.deepEqual(await handler({ s: "hello" }), { v: "hello!" });
  assert.equal(
    seen.join(),
    "before 1,before 2,decode,endpoint,after 1,after 2,encode,finalizer 1,finalizer 2",
  );
});

// LA2
Deno.test("server() threads the context through, and shows finalizers the result", async () => {
  const key = contextKey<string>("order");
  const add = (what: string) => (ctx: Context) =>
    withValue(ctx, key, `${ctx.value(key) ?? ""}${what}`);
  let told: unknown[] = [];
  const handler = server(uppercase, {
    before: [
      add("a"),
      (ctx, payload) => (assert.deepEqual(payload, { s: "x" }), add("b")(ctx)),
    ],
    after: [
      add("c"),
      (ctx, response) => (assert.deepEqual(response, { v: "X" }), add("d")(ctx)),
    ],
    finalizer: [(ctx, invocation) => told = [ctx.value(key), invocation]],
  });
  await handler({ s: "x" });
  assert.deepEqual(told, ["abcd", { result: { v: "X" }, error: undefined }]);
});

// LA3, three times
const failure = new KitError("failed_precondition", "Not now");
const fail = () => {
  throw failure;
};
const failures: [where: string, options: ServerOptions<Text, unknown>, endpoint?: () => never][] = [
  ["decode", { decode: fail }],
  ["the endpoint", {}, fail],
  ["encode", { encode: fail }],
];
for (const [where, options, endpoint = uppercase] of failures) {
  Deno.test(`server() answers an error of ${where} by encodeError, or throws it`, async () => {
    const told: unknown[] = [];
    const steps: string[] = [];
    const shared: ServerOptions<Text, unknown> = {
      ...options,
      onError: (error) => told.push(error),
      after: [(ctx) => (steps.push("after"), ctx)],
      finalizer: [(_, { error }) => steps.push(codeOf(error))],
    };
    await assert.rejects(server(endpoint, shared)({ s: "x" }), {
      name: "failed_precondition",
      message: "Not now",
    });
    assert.deepEqual(told, [failure]);
    assert.equal(steps.at(-1), "failed_precondition");
    const encoded = server(endpoint, {
      ...shared,
      encodeError: (error) => ({ error: codeOf(error) }),
    });
    assert.deepEqual(await encoded({ s: "x" }), { error: "failed_precondition" });
    const own = new Error("mine");
    const throwing = server(endpoint, { ...shared, encodeError: () => Promise.reject(own) });
    await assert.rejects(throwing({ s: "x" }), own);
  });
}

// S12: Lambda shows the caller the name, the message and the stack of what is thrown
Deno.test("server() throws nothing of an unknown error", async () => {
  const handler = server(() => Promise.reject(new Error("password=hunter2")));
  await assert.rejects(handler({}), (error: Error) => {
    assert.equal(error.name, "unknown");
    assert.equal(error.message, "Unknown error");
    assert.equal(error.stack, "unknown: Unknown error");
    assert.equal(error.cause, undefined);
    return true;
  });
});

const text: Schema<Text> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof (value as Text)?.s === "string"
        ? { value: value as Text }
        : { issues: [{ message: "must be text", path: ["s"] }] },
  },
};

Deno.test("server() refuses what the schema refuses", async () => {
  const handler = server(uppercase, { schema: text });
  assert.deepEqual(await handler({ s: "x" }), { v: "X" });
  for (const payload of [{}, null, { s: 1 }, "x"]) {
    await assert.rejects(handler(payload), {
      name: "invalid_argument",
      message: "Cannot decode request: /s must be text",
    });
  }
});

Deno.test("server() answers null for undefined", async () => {
  assert.equal(await server(() => Promise.resolve(undefined))({}), null);
});

Deno.test("server() tells what Lambda told in the context of the call", async () => {
  const context: LambdaContext = {
    awsRequestId: "r1",
    clientContext: { custom: { "X-User": "ada", n: 1 }, env: {} },
  };
  const handler = server((_: unknown, ctx) =>
    Promise.resolve([
      ctx.value(requestId),
      ctx.value(lambdaContext) === context,
      ctx.metadata.get("x-user"),
      ctx.metadata.get("n"),
      ctx.deadline,
    ])
  );
  assert.deepEqual(await handler({}, context), ["r1", true, "ada", undefined, undefined]);
  for (const clientContext of [null, 1, { custom: null }, { Custom: { a: "b" } }]) {
    assert((await handler({}, { clientContext }) as unknown[]).length === 5);
  }
});

// P4
Deno.test("server() cancels the call before Lambda gives up, whoever heeds it", async () => {
  for (const isHeeded of [true, false]) {
    const clock = new FakeClock(Date.now());
    let reason: unknown;
    const handler = server((_: unknown, ctx) => {
      ctx.signal.addEventListener("abort", () => reason = ctx.signal.reason);
      return isHeeded ? delay(60_000, { signal: ctx.signal, clock }) : new Promise(() => {});
    }, { clock, marginMs: 200 });
    const outcome = assert.rejects(handler({}, { getRemainingTimeInMillis: () => 1000 }), {
      name: "deadline_exceeded",
    });
    await clock.advance(799);
    assert.equal(reason, undefined);
    await clock.advance(1);
    await outcome;
    assert.equal(codeOf(reason), "deadline_exceeded");
    assert.equal(clock.pending, 0);
  }
});

Deno.test("server() does not begin what nobody waits for", async () => {
  const handler = server(() => Promise.reject(new Error("begun")));
  await assert.rejects(handler({}, { getRemainingTimeInMillis: () => 50 }), {
    name: "deadline_exceeded",
  });
});

Deno.test("server() goes on when hooks throw that must not", async () => {
  const told: string[] = [];
  const handler = server(uppercase, {
    finalizer: [() => {
      throw new Error("finalizer");
    }, () => told.push("second")],
    onError: (error) => {
      told.push((error as Error).message);
      throw new Error("hook");
    },
  });
  assert.deepEqual(await handler({ s: "x" }), { v: "X" });
  assert.deepEqual(told, ["finalizer", "second"]);
});

Deno.test("functionError() and parseFunctionError() keep each code", () => {
  for (const code of ["not_found", "unavailable", "cancelled", "unknown"] as const) {
    const { name, message } = functionError(new KitError(code, "Text"));
    const parsed = parseFunctionError({ errorType: name, errorMessage: message });
    assert.deepEqual([parsed.code, parsed.message], [code, "Text"]);
  }
});

const payloads: [payload: string, code: string, message: string][] = [
  [
    `{"errorMessage":"2026-01-01T00:00:00Z r1 Task timed out after 3.00 seconds"}`,
    ...[
      "deadline_exceeded",
      "2026-01-01T00:00:00Z r1 Task timed out after 3.00 seconds",
    ] as const,
  ],
  [`{"errorType":"TypeError","errorMessage":"x is undefined"}`, "unknown", "x is undefined"],
  [`{"errorType":"constructor"}`, "unknown", "Function failed"],
  ["null", "unknown", "Function failed"],
  ["{", "unknown", "Function failed"],
];
for (const [payload, code, message] of payloads) {
  Deno.test(`parseFunctionError() reads ${payload}`, () => {
    const error = parseFunctionError(payload);
    assert.deepEqual([error.code, error.message], [code, message]);
  });
}

Deno.test("server() refuses a margin that is negative", () => {
  assert.throws(() => server(uppercase, { marginMs: -1 }), RangeError);
});

Deno.test("server() has the type of a handler of AWS", () => {
  const handler: AwsHandler<unknown, unknown> = server(uppercase);
  const context = {} as AwsContext satisfies LambdaContext;
  assert(handler.length <= 2 && typeof context === "object");
});
