import assert from "node:assert/strict";
import fc from "fast-check";
import { type Equals, pin } from "./_support_test.ts";
import { settled } from "./testing.ts";
import { whenDone } from "./when_done.ts";

/** Keeps what `done` was called with. */
function recorder<Res>(): {
  done(error: unknown, response: Res | undefined): void;
  calls: unknown[];
} {
  const calls: unknown[] = [];
  return { calls, done: (error, response) => void calls.push([error, response]) };
}

async function* count(to: number, log: string[] = []): AsyncGenerator<number, string> {
  try {
    for (let i = 1; i <= to; i++) yield await Promise.resolve(i);
    return "end";
  } finally {
    log.push("closed");
  }
}

/** A stream that can be iterated only, and has just the methods given. */
function bare(methods: Partial<AsyncIterator<number>>): AsyncIterable<number> {
  return { [Symbol.asyncIterator]: () => methods as AsyncIterator<number> };
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([promise]);
  assert(result?.status === "rejected", "It did not reject");
  return result.reason;
}

for (const value of [1, undefined, null, "text", { a: 1 }, [1], function response(): void {}]) {
  Deno.test(`whenDone() tells a response of ${typeof value} and passes it on`, async () => {
    const { done, calls } = recorder();
    assert.equal(await whenDone(Promise.resolve(value), done), value);
    assert.deepEqual(calls, [[undefined, value]]);
  });
}

Deno.test("whenDone() tells the error and rejects with the very same", async () => {
  const { done, calls } = recorder();
  const error = new Error("down");
  assert.equal(await rejection(whenDone(Promise.reject(error), done)), error);
  assert.deepEqual(calls, [[error, undefined]]);
});

for (const nothing of [undefined, null]) {
  Deno.test(`whenDone() tells an error even of a rejection with ${nothing}`, async () => {
    for (const response of [Promise.reject(nothing), Promise.resolve(failing(nothing))]) {
      const { done, calls } = recorder();
      const call = whenDone<unknown>(response, done)
        .then(async (stream) => await (stream as AsyncGenerator).next());
      assert.equal(await rejection(call), nothing);
      assert.equal(calls.length, 1);
      assert((calls as [[unknown]])[0][0] instanceof Error);
    }
  });
}

// deno-lint-ignore require-yield
async function* failing(error: unknown): AsyncGenerator<number> {
  await Promise.resolve();
  throw error;
}

Deno.test("whenDone() keeps the type of the response", async () => {
  const call = whenDone(Promise.resolve(count(1)), () => {});
  pin<Equals<typeof call, Promise<AsyncGenerator<number, string>>>>();
  whenDone(Promise.resolve(1), (error, response) => {
    pin<Equals<typeof error, unknown>>();
    pin<Equals<typeof response, number | undefined>>();
  });
  await (await call).return("");
});

Deno.test("whenDone() tells the end of a stream when its last item was taken", async () => {
  const { done, calls } = recorder();
  const source = count(2);
  const stream = await whenDone(Promise.resolve(source), done);
  const seen: number[] = [];
  for await (const n of stream) {
    seen.push(n);
    assert.equal(calls.length, 0);
  }
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(calls, [[undefined, source]]);
});

Deno.test("whenDone() tells the failure of a stream", async () => {
  const { done, calls } = recorder();
  const error = new Error("broken");
  const stream = await whenDone(Promise.resolve(failing(error)), done);
  assert.equal(await rejection(stream.next()), error);
  assert.deepEqual(calls, [[error, undefined]]);
});

for (const end of ["break", "throw"]) {
  Deno.test(`whenDone() tells that a stream was given up by ${end}, once it is closed`, async () => {
    const log: string[] = [];
    const call = whenDone(Promise.resolve(count(9, log)), (error) => log.push(`done ${error}`));
    const loop = async (): Promise<void> => {
      for await (const n of await call) {
        log.push(`${n}`);
        if (end === "throw") throw new Error("consumer");
        break;
      }
    };
    if (end === "throw") await assert.rejects(loop(), { message: "consumer" });
    else await loop();
    assert.deepEqual(log, ["1", "closed", "done undefined"]);
  });
}

Deno.test("whenDone() tells that a stream was given up that yields once more on its way out", async () => {
  async function* stubborn(): AsyncGenerator<number> {
    try {
      yield 1;
    } finally {
      yield await Promise.resolve(2);
    }
  }
  const { done, calls } = recorder();
  for await (const n of await whenDone(Promise.resolve(stubborn()), done)) {
    assert.equal(n, 1);
    break;
  }
  assert.equal(calls.length, 1);
});

Deno.test("whenDone() tells nothing of a stream nobody iterates, until it is returned", async () => {
  const { done, calls } = recorder();
  const stream = await whenDone(Promise.resolve(count(2)), done);
  await settled();
  assert.equal(calls.length, 0);
  assert.deepEqual(await stream[Symbol.asyncIterator]().return!("given up"), {
    done: true,
    value: "given up",
  });
  assert.equal(calls.length, 1);
});

Deno.test("whenDone() gives a generator back for a generator", async () => {
  const { done, calls } = recorder();
  const log: string[] = [];
  {
    await using stream = await whenDone(Promise.resolve(count(3, log)), done);
    assert.equal(stream[Symbol.asyncIterator](), stream);
    assert.deepEqual(await stream.next(), { done: false, value: 1 });
  }
  assert.deepEqual(log, ["closed"]);
  assert.equal(calls.length, 1);
});

Deno.test("whenDone() passes what a generator is sent, and lets it catch", async () => {
  async function* echo(): AsyncGenerator<unknown, string, unknown> {
    let got: unknown = "ready";
    for (;;) {
      try {
        got = yield await Promise.resolve(got);
      } catch (error) {
        got = `caught ${error}`;
      }
    }
  }
  const { done, calls } = recorder();
  const stream = await whenDone(Promise.resolve(echo()), done);
  assert.equal((await stream.next()).value, "ready");
  assert.equal((await stream.next("a")).value, "a");
  assert.equal((await stream.throw("b")).value, "caught b");
  assert.equal(calls.length, 0);
  assert.deepEqual(await stream.return("c"), { done: true, value: "c" });
  assert.equal(calls.length, 1);
});

Deno.test("whenDone() does without return and throw where the iterator has none", async () => {
  for (const method of ["return", "throw"] as const) {
    const { done, calls } = recorder();
    const source = bare({ next: () => Promise.resolve({ done: false, value: 1 }) });
    const iterator = (await whenDone(Promise.resolve(source), done))[Symbol.asyncIterator]();
    await iterator.next();
    if (method === "throw") {
      const error = new Error("stop");
      assert.equal(await rejection(iterator.throw!(error)), error);
      assert.deepEqual(calls, [[error, undefined]]);
    } else {
      assert.deepEqual(await iterator.return!(7), { done: true, value: 7 });
      assert.deepEqual(calls, [[undefined, source]]);
    }
  }
});

Deno.test("whenDone() closes an iterator that has return but no throw", async () => {
  const log: string[] = [];
  const source = bare({
    next: () => Promise.resolve({ done: false, value: 1 }),
    return: () => (log.push("closed"), Promise.resolve({ done: true, value: undefined })),
  });
  const call = whenDone(Promise.resolve(source), (error) => log.push(`done ${error}`));
  const iterator = (await call)[Symbol.asyncIterator]();
  assert.equal(await rejection(iterator.throw!("stop")), "stop");
  assert.deepEqual(log, ["closed", "done stop"]);
});

for (const method of ["next", "return", "throw"] as const) {
  Deno.test(`whenDone() rejects when ${method} of the iterator throws at once`, async () => {
    const { done, calls } = recorder();
    const error = new Error("at once");
    const source = bare({
      next: () => Promise.resolve({ done: false, value: 1 }),
      [method]: () => {
        throw error;
      },
    });
    const iterator = (await whenDone(Promise.resolve(source), done))[Symbol.asyncIterator]();
    assert.equal(await rejection(iterator[method]!()), error);
    assert.deepEqual(calls, [[error, undefined]]);
  });
}

Deno.test("whenDone() tells the failure of a stream that cannot even be opened", async () => {
  const { done, calls } = recorder();
  const error = new Error("locked");
  const source: AsyncIterable<number> = {
    [Symbol.asyncIterator]() {
      throw error;
    },
  };
  const stream = await whenDone(Promise.resolve(source), done);
  assert.throws(() => stream[Symbol.asyncIterator](), error);
  assert.deepEqual(calls, [[error, undefined]]);
});

Deno.test("whenDone() tells the failure of an iterator that answers with no result", async () => {
  const { done, calls } = recorder();
  const source = bare({ next: () => Promise.resolve(undefined as never) });
  const stream = await whenDone(Promise.resolve(source), done);
  assert(await rejection(stream[Symbol.asyncIterator]().next()) instanceof TypeError);
  assert.equal(calls.length, 1);
});

Deno.test("whenDone() tells the end once for concurrent calls of next", async () => {
  const { done, calls } = recorder();
  const stream = await whenDone(Promise.resolve(count(2)), done);
  const results = await Promise.all([1, 2, 3, 4, 5].map(() => stream.next()));
  assert.deepEqual(results.map((result) => result.value), [1, 2, "end", undefined, undefined]);
  assert.equal(calls.length, 1);
});

Deno.test("whenDone() lets a stream be iterated twice and tells the first end", async () => {
  const { done, calls } = recorder();
  let opened = 0;
  const source: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => (opened++, count(2)),
  };
  const stream = await whenDone(Promise.resolve(source), done);
  for (let round = 1; round <= 2; round++) {
    const seen: number[] = [];
    for await (const n of stream) seen.push(n);
    assert.deepEqual(seen, [1, 2]);
    assert.deepEqual([opened, calls.length], [round, 1]);
  }

  const once = await whenDone(Promise.resolve(count(1)), done);
  for await (const n of once) assert.equal(n, 1);
  for await (const n of once) assert.fail(`${n}`);
  assert.equal(calls.length, 2);
});

Deno.test("whenDone() opens the stream no earlier than it is iterated", async () => {
  let opened = 0;
  const source: AsyncIterable<number> = { [Symbol.asyncIterator]: () => (opened++, count(1)) };
  const stream = await whenDone(Promise.resolve(source), () => {});
  assert.equal(opened, 0);
  for await (const n of stream) assert.equal(n, 1);
  assert.equal(opened, 1);
});

Deno.test("whenDone() takes a ReadableStream and frees it when it is given up", async () => {
  const { done, calls } = recorder();
  let cancelled = false;
  const source = new ReadableStream<number>({
    pull: (controller) => controller.enqueue(1),
    cancel: () => void (cancelled = true),
  });
  for await (const n of await whenDone(Promise.resolve(source), done)) {
    assert.equal(n, 1);
    break;
  }
  assert(cancelled);
  assert.equal(calls.length, 1);
});

Deno.test("whenDone() calls a done that throws once, and rejects with what it throws", async () => {
  const outcomes: (() => Promise<unknown>)[] = [
    () => Promise.resolve(1),
    () => Promise.reject(new Error("call")),
    () => Promise.resolve(count(0)),
    () => Promise.resolve(failing("stream")),
  ];
  for (const outcome of outcomes) {
    let calls = 0;
    const call = whenDone(outcome(), () => {
      calls++;
      throw new Error("done");
    }).then(async (response) => {
      for await (const item of response as AsyncIterable<unknown>) assert.fail(`${item}`);
    });
    await assert.rejects(call, { message: "done" });
    assert.equal(calls, 1);
  }
});

type Method = "next" | "return" | "throw";

Deno.test("whenDone() changes nothing of a stream and tells its end exactly once", async () => {
  const step = fc.record({
    method: fc.constantFrom<Method>("next", "next", "next", "return", "throw"),
    waits: fc.boolean(),
  });
  const source = fc.record({
    items: fc.nat(4),
    fails: fc.boolean(),
    catches: fc.boolean(),
    stubborn: fc.boolean(),
    isGenerator: fc.boolean(),
  });

  async function* script(made: typeof source extends fc.Arbitrary<infer T> ? T : never) {
    for (let i = 0; i < made.items; i++) {
      try {
        yield i;
      } catch (error) {
        if (!made.catches) throw error;
      } finally {
        if (made.stubborn) await Promise.resolve();
      }
    }
    if (made.fails) throw new Error("failed");
    return "end";
  }
  const play = async (
    iterator: AsyncIterator<unknown>,
    steps: readonly { method: Method; waits: boolean }[],
  ): Promise<string[]> => {
    const outcomes: Promise<string>[] = [];
    for (const { method, waits } of steps) {
      const outcome = iterator[method]!(method === "throw" ? new Error("thrown") : 7).then(
        (result) => JSON.stringify(result),
        (error) => `${error}`,
      );
      outcomes.push(outcome);
      if (waits) await outcome;
    }
    return await Promise.all(outcomes);
  };

  await fc.assert(
    fc.asyncProperty(source, fc.array(step, { maxLength: 8 }), async (made, steps) => {
      const expected = await play(script(made), steps);
      let calls = 0;
      const generator = script(made);
      const response: AsyncIterable<unknown> = made.isGenerator
        ? generator
        : { [Symbol.asyncIterator]: () => generator };
      const stream = await whenDone(Promise.resolve(response), () => void calls++);
      const iterator = stream[Symbol.asyncIterator]();
      assert.deepEqual(await play(iterator, steps), expected);

      const isOver = steps.some(({ method }) => method === "return") ||
        expected.some((outcome) => /"done":true|Error/.test(outcome));
      assert.equal(calls, isOver ? 1 : 0);
      await iterator.return!(undefined);
      assert.equal(calls, 1);
    }),
  );
});
