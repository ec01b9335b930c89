import assert from "node:assert/strict";
import {
  background,
  type Context,
  contextKey,
  delay,
  KitError,
  withSignal,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { settled } from "@kit/endpoint/testing";
import { caller, type ClientSteps, untilAborted } from "./_client_call.ts";

type Steps = ClientSteps<string, unknown, string[], string>;

const step = contextKey<string>("step");

/** Steps that each leave a note with the step before theirs. */
function noting(notes: string[], own: Partial<Steps> = {}): Steps {
  const note = (ctx: Context, text: string) => {
    notes.push(`${text}(${ctx.value(step) ?? ""})`);
    return withValue(ctx, step, text);
  };
  return {
    encode: (request, ctx) => {
      note(ctx, "encode");
      return [request];
    },
    before: [(ctx, outgoing) => {
      outgoing.push("hooked");
      return note(ctx, "before1");
    }, (ctx) => note(ctx, "before2")],
    send: (outgoing, ctx) => {
      note(ctx, `send ${outgoing}`);
      return Promise.resolve("answer");
    },
    after: [(ctx, incoming) => note(ctx, `after ${incoming}`), (ctx) => note(ctx, "after2")],
    decode: (incoming, ctx) => {
      note(ctx, "decode");
      return incoming.toUpperCase();
    },
    finalizer: [
      (ctx, error) => void note(ctx, `end1 ${error === undefined ? "well" : "failed"} `),
      (ctx) => void note(ctx, "end2"),
    ],
    timeoutMs: Infinity,
    ...own,
  };
}

const boom = () => {
  throw new Error("boom");
};

const BEFORE = ["encode()", "before1()", "before2(before1)"];
const SENT = [...BEFORE, "send ask,hooked(before2)"];

// HC1, HC2, HC3
Deno.test("caller() runs the steps in Go kit's order and threads the context", async () => {
  const notes: string[] = [];
  assert.equal(await caller(noting(notes))("ask", background()), "ANSWER");
  assert.deepEqual(notes, [
    ...SENT,
    "after answer(before2)",
    "after2(after answer)",
    "decode(after2)",
    "end1 well (after2)",
    "end2(after2)",
  ]);
});

// JC3
const failures: [string, Partial<Steps>, string[], string][] = [
  ["encode", { encode: boom }, [], ""],
  ["encode, later", { encode: () => Promise.reject(new Error("boom")) }, [], ""],
  ["before", { before: [(ctx) => withValue(ctx, step, "x"), boom] }, ["encode()"], "x"],
  ["send", { send: boom }, BEFORE, "before2"],
  ["send, later", { send: () => Promise.reject(new Error("boom")) }, BEFORE, "before2"],
  ["after", { after: [boom] }, SENT, "before2"],
  ["decode", { after: [], decode: boom }, SENT, "before2"],
];
for (const [name, own, before, last] of failures) {
  Deno.test(`caller() rejects and runs the finalizers when ${name} fails`, async () => {
    const notes: string[] = [];
    await assert.rejects(caller(noting(notes, own))("ask", background()), { message: "boom" });
    assert.deepEqual(notes, [...before, `end1 failed (${last})`, `end2(${last})`]);
  });
}

Deno.test("caller() makes an endpoint that never throws", async () => {
  for (const own of [{ encode: boom }, { encode: boom, finalizer: [] }]) {
    const result = caller(noting([], own))("ask", background());
    await assert.rejects(result, { message: "boom" });
  }
});

Deno.test("caller() does nothing for a call that is over already", async () => {
  for (
    const ctx of [withTimeout(background(), -1), withSignal(background(), AbortSignal.abort())]
  ) {
    const notes: string[] = [];
    await assert.rejects(async () => await caller(noting(notes))("ask", ctx));
    assert.deepEqual(notes, ["end1 failed ()", "end2()"]);
  }
});

// P4
Deno.test("caller() gives each call its time, and lets go of the timer", async () => {
  let seen: Context | undefined;
  const steps = noting([], {
    timeoutMs: 5,
    send: (_, ctx) => {
      seen = ctx;
      return untilAborted(Promise.withResolvers<string>().promise, ctx);
    },
  });
  const late = assert.rejects(caller(steps)("ask", background()), { code: "deadline_exceeded" });
  // The timer of a deadline does not keep the process alive.
  await Promise.all([late, delay(20)]);
  assert(seen?.deadline !== undefined);

  const quick = caller(noting([], {
    timeoutMs: 20,
    send: (_, ctx) => {
      void ctx.signal;
      seen = ctx;
      return Promise.resolve("a");
    },
  }));
  assert.equal(await quick("ask", background()), "A");
  await delay(40);
  assert(!seen.signal.aborted);
  // A deadline of the caller that is nearer stays.
  using near = withTimeout(background(), 2);
  await quick("ask", near);
  assert.equal(seen.deadline, near.deadline);
});

Deno.test("caller() rejects with the reason of the signal, whatever the steps reject with", async () => {
  const reason = new KitError("cancelled", "Gone");
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const steps = noting([], {
    send: () => {
      controller.abort(reason);
      return Promise.reject(new Error("socket closed"));
    },
  });
  await assert.rejects(caller(steps)("ask", ctx), reason);
});

Deno.test("caller() heeds the context that a hook derives", async () => {
  const reason = new KitError("cancelled", "By hook");
  const controller = new AbortController();
  const steps = noting([], {
    before: [(ctx) => withSignal(ctx, controller.signal)],
    send: () => {
      controller.abort(reason);
      return Promise.reject(new Error("socket closed"));
    },
  });
  await assert.rejects(caller(steps)("ask", background()), reason);
});

async function* count(): AsyncGenerator<number> {
  yield 1;
  yield 2;
}

// HC4
Deno.test("caller() runs finalizers when a streamed response is over", async () => {
  const ways: [string, (stream: AsyncIterable<number>) => Promise<void>][] = [
    ["read to its end", async (stream) => {
      for await (const _ of stream);
    }],
    ["given up", async (stream) => {
      for await (const _ of stream) break;
    }],
  ];
  for (const [name, read] of ways) {
    const notes: string[] = [];
    const steps = noting(notes, { decode: count, after: [], timeoutMs: 20 });
    const stream = await caller(steps)("ask", background()) as AsyncIterable<number>;
    await settled();
    assert.deepEqual(notes, SENT, name);
    await read(stream);
    assert.deepEqual(notes, [...SENT, "end1 well (before2)", "end2(before2)"], name);
  }
});

/** A signal that counts its listeners. */
function counted(): [AbortController, () => number] {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  return [controller, () => listeners];
}

/** A context with a signal as it is. */
function contextOf(signal: AbortSignal): Context {
  return { ...background(), canAbort: true, signal };
}

Deno.test("untilAborted() gives the outcome of the work", async () => {
  const error = new Error("x");
  for (const ctx of [background(), contextOf(new AbortController().signal)]) {
    assert.equal(await untilAborted(Promise.resolve(1), ctx), 1);
    await assert.rejects(untilAborted(Promise.reject(error), ctx), error);
  }
});

Deno.test("untilAborted() lets go of the work when the signal is first, and drops what comes of it", async () => {
  const reason = new KitError("cancelled", "Gone");
  for (const isBefore of [false, true]) {
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    let abandoned = 0;
    if (isBefore) controller.abort(reason);
    const call = untilAborted(promise, contextOf(controller.signal), () => abandoned++);
    controller.abort(reason);
    await assert.rejects(call, reason);
    assert.equal(abandoned, 1);
    // An unhandled rejection would fail the test.
    reject(new Error("late"));
    await settled();
  }
});

Deno.test("untilAborted() does not abandon work that is done", async () => {
  const controller = new AbortController();
  let abandoned = 0;
  await untilAborted(Promise.resolve(1), contextOf(controller.signal), () => abandoned++);
  await settled();
  controller.abort();
  assert.equal(abandoned, 0);
});

// R4, P18
Deno.test("untilAborted() leaves no listener on a signal of 100,000 calls", async () => {
  const [controller, listeners] = counted();
  const ctx = contextOf(controller.signal);
  const failing = Promise.reject(new Error("x"));
  failing.catch(() => {});
  for (let i = 0; i < 1000; i++) {
    await Promise.allSettled(
      Array.from(
        { length: 100 },
        (_, n) => untilAborted(n % 2 ? Promise.resolve(n) : failing, ctx),
      ),
    );
  }
  await settled();
  assert.equal(listeners(), 0);
});
