import assert from "node:assert/strict";
import {
  background,
  type Context,
  contextKey,
  delay,
  KitError,
  whenDone,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { settled } from "@kit/endpoint/testing";
import { answer, type ServerSteps } from "./_server_call.ts";

type Steps = ServerSteps<string, unknown, string, string[], string>;

const step = contextKey<string>("step");

/** Steps that each leave a note with the step before theirs. */
function noting(notes: string[], own: Partial<Steps> = {}): Steps {
  const note = (ctx: Context, text: string) => {
    notes.push(`${text}(${ctx.value(step) ?? ""})`);
    return withValue(ctx, step, text);
  };
  return {
    before: [(ctx, incoming) => note(ctx, `before ${incoming}`), (ctx) => note(ctx, "before2")],
    decode: (incoming, ctx) => {
      note(ctx, "decode");
      return incoming;
    },
    endpoint: (request, ctx) => {
      note(ctx, "endpoint");
      return Promise.resolve(request.toUpperCase());
    },
    after: [(ctx) => note(ctx, "after1"), (ctx, outgoing) => {
      outgoing.push("sent");
      return note(ctx, "after2");
    }],
    encode: (response, ctx) => {
      note(ctx, "encode");
      return `well: ${response}`;
    },
    encodeError: (error, ctx) => {
      note(ctx, "encodeError");
      return `failed: ${(error as Error).message}`;
    },
    defaultError: (error, ctx) => {
      note(ctx, "defaultError");
      return `default: ${error.code} ${error.message}`;
    },
    finalizer: [
      (ctx, error) => void note(ctx, `end1 ${error === undefined ? "well" : "failed"} `),
      (ctx) => void note(ctx, "end2"),
    ],
    onError: (error, ctx) => void note(ctx, `onError ${(error as Error).message} `),
    ...own,
  };
}

/** What a step may do to fail. */
const boom = () => {
  throw new Error("boom");
};

const BEFORE = ["before in()", "before2(before in)"];
const DECODED = [...BEFORE, "decode(before2)"];
const CALLED = [...DECODED, "endpoint(before2)"];

// HS2, HS4, HS5, HS9
Deno.test("answer() runs the steps in Go kit's order and threads the context", async () => {
  const notes: string[] = [];
  const outgoing: string[] = [];
  assert.equal(await answer(noting(notes), background(), "in", outgoing), "well: IN");
  assert.deepEqual(outgoing, ["sent"]);
  assert.deepEqual(notes, [
    ...CALLED,
    "after1(before2)",
    "after2(after1)",
    "encode(after2)",
    "end1 well (after2)",
    "end2(after2)",
  ]);
});

// HS3, TR5, JS7
const failures: [string, Partial<Steps>, string[], string][] = [
  ["the first before", { before: [boom] }, [], ""],
  ["a later before", { before: [(ctx) => withValue(ctx, step, "x"), boom] }, [], "x"],
  ["decode", { decode: boom }, BEFORE, "before2"],
  ["decode, later", { decode: () => Promise.reject(new Error("boom")) }, BEFORE, "before2"],
  ["the endpoint", { endpoint: boom }, DECODED, "before2"],
  [
    "the endpoint, later",
    { endpoint: () => Promise.reject(new Error("boom")) },
    DECODED,
    "before2",
  ],
  ["after", { after: [boom] }, CALLED, "before2"],
  ["encode", { encode: boom }, [...CALLED, "after1(before2)", "after2(after1)"], "after2"],
  [
    "encode, later",
    { encode: () => Promise.reject(new Error("boom")) },
    [...CALLED, "after1(before2)", "after2(after1)"],
    "after2",
  ],
];
for (const [name, own, before, last] of failures) {
  Deno.test(`answer() tells onError, then encodeError, then finalizers when ${name} fails`, async () => {
    const notes: string[] = [];
    assert.equal(await answer(noting(notes, own), background(), "in", []), "failed: boom");
    assert.deepEqual(notes, [
      ...before,
      `onError boom (${last})`,
      `encodeError(${last})`,
      `end1 failed (${last})`,
      `end2(${last})`,
    ]);
  });
}

Deno.test("answer() takes an error that is undefined for a failure", async () => {
  for (const nothing of [undefined, null]) {
    const notes: string[] = [];
    const steps = noting(notes, { endpoint: () => Promise.reject(nothing) });
    const reply = await answer(steps, background(), "in", []);
    assert.equal(reply, "failed: Call failed without an error");
    assert(notes.includes("end1 failed (before2)"));
  }
});

Deno.test("answer() gives the default error when encodeError fails, and tells of both", async () => {
  for (const encodeError of [boom, () => Promise.reject(new Error("boom"))]) {
    const told: unknown[] = [];
    const secret = new Error("password=hunter2");
    const steps = noting([], {
      endpoint: () => Promise.reject(secret),
      encodeError,
      onError: (error) => void told.push(error),
    });
    assert.equal(await answer(steps, background(), "in", []), "default: unknown Unknown error");
    assert.equal(told[0], secret);
    assert.equal((told[1] as Error).message, "boom");
    const known = { ...steps, endpoint: () => Promise.reject(new KitError("aborted", "Again")) };
    assert.equal(await answer(known, background(), "in", []), "default: aborted Again");
  }
});

Deno.test("answer() goes on when onError throws", async () => {
  const notes: string[] = [];
  const steps = noting(notes, { decode: boom, onError: boom });
  assert.equal(await answer(steps, background(), "in", []), "failed: boom");
  assert(notes.includes("end2(before2)"));
});

Deno.test("answer() runs every finalizer, and tells onError of those that throw", async () => {
  const notes: string[] = [];
  const steps = noting(notes, { finalizer: [boom, () => void notes.push("end2")] });
  assert.equal(await answer(steps, background(), "in", []), "well: IN");
  assert.deepEqual(notes.slice(-2), ["onError boom (after2)", "end2"]);
  assert.equal(await answer({ ...steps, onError: boom }, background(), "in", []), "well: IN");
  assert.equal(await answer({ ...steps, onError: undefined }, background(), "in", []), "well: IN");
});

// O5, P3
Deno.test("answer() begins no work whose deadline has passed", async () => {
  const passed = withTimeout(background(), -1);
  const late = noting([], {
    decode: async () => {
      await delay(10);
      return "in";
    },
  });
  using short = withTimeout(background(), 2);
  const hooked = noting([], { before: [(ctx) => withTimeout(ctx, -1)] });
  for (
    const [steps, ctx] of [[noting([]), passed], [late, short], [hooked, background()]] as const
  ) {
    let isCalled = false;
    const endpoint = () => {
      isCalled = true;
      return Promise.resolve("");
    };
    const reply = await answer({ ...steps, endpoint }, ctx, "in", []);
    assert.equal(reply, "failed: Deadline exceeded");
    assert(!isCalled);
  }
});

async function* count(notes: string[], end?: Error): AsyncGenerator<number> {
  try {
    yield 1;
    yield 2;
    if (end !== undefined) throw end;
  } finally {
    notes.push("stream over");
  }
}

/** Writes a streamed response item by item. */
async function writeAll(response: unknown): Promise<string> {
  let all = "";
  for await (const item of response as AsyncIterable<number>) all += item;
  return all;
}

// HC4
Deno.test("answer() runs finalizers when a streamed response is over", async () => {
  const notes: string[] = [];
  const steps = noting(notes, { endpoint: () => Promise.resolve(count(notes)), encode: writeAll });
  assert.equal(await answer(steps, background(), "in", []), "12");
  assert.deepEqual(notes.slice(-3), ["stream over", "end1 well (after2)", "end2(after2)"]);
});

Deno.test("answer() tells of a streamed response that fails", async () => {
  const notes: string[] = [];
  const steps = noting(notes, {
    endpoint: () => Promise.resolve(count(notes, new Error("boom"))),
    encode: writeAll,
  });
  assert.equal(await answer(steps, background(), "in", []), "failed: boom");
  assert.deepEqual(notes.slice(-5), [
    "stream over",
    "onError boom (after2)",
    "encodeError(after2)",
    "end1 failed (after2)",
    "end2(after2)",
  ]);
});

Deno.test("answer() ends a streamed response that it does not come to write", async () => {
  for (const own of [{ after: [boom] }, { encode: boom }]) {
    let isOver = false;
    const stuck = new KitError("aborted", "x");
    const streams: (() => AsyncIterable<number>)[] = [
      () => count([]),
      () => ({ [Symbol.asyncIterator]: () => count([]) }),
      () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.reject(stuck),
          return: () => Promise.reject(stuck),
        }),
      }),
    ];
    for (const stream of streams) {
      const endpoint = () => whenDone(Promise.resolve(stream()), () => isOver = true);
      const steps = noting([], { endpoint, ...own });
      assert.equal(await answer(steps, background(), "in", []), "failed: boom");
      await settled();
      assert(isOver);
      isOver = false;
    }
  }
});

Deno.test("answer() rejects only if the default error fails, and runs finalizers then too", async () => {
  const notes: string[] = [];
  const steps = noting(notes, { decode: boom, encodeError: boom, defaultError: boom });
  await assert.rejects(answer(steps, background(), "in", []), { message: "boom" });
  assert.equal(notes.at(-1), "end2(before2)");
});
