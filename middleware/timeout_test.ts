import assert from "node:assert/strict";
import { background, type Context, type Endpoint, withDeadline, withSignal } from "@kit/endpoint";
import { FakeClock, scripted, settled } from "@kit/endpoint/testing";
import { timeout } from "./timeout.ts";

const never: Endpoint<string, string> = () => new Promise(() => {});

Deno.test("timeout() refuses what is no time", () => {
  for (const ms of [0, -1, NaN]) assert.throws(() => timeout(ms), RangeError);
});

Deno.test("timeout() passes a response or an error in time and leaves no timer", async () => {
  const clock = new FakeClock();
  const call = timeout(100, { clock })(scripted<string, number>(1, new Error("down")));
  assert.equal(await call("a", background()), 1);
  await assert.rejects(call("b", background()), { message: "down" });
  assert.equal(clock.pending, 0);
});

Deno.test("timeout() rejects at the deadline even if the endpoint is deaf", async () => {
  const clock = new FakeClock();
  let outcome = "pending";
  timeout(100, { clock })(never)("a", background()).catch((error) => outcome = error.code);
  assert.equal(clock.pending, 1, "one timer");
  await clock.advance(99);
  assert.equal(outcome, "pending");
  await clock.advance(1);
  assert.equal(outcome, "deadline_exceeded");
  assert.equal(clock.pending, 0);
});

Deno.test("timeout() tells the endpoint, if that asks", async () => {
  const clock = new FakeClock();
  let seen: Context | undefined;
  const call = timeout(100, { clock })((_: string, ctx) => {
    seen = ctx;
    return new Promise((_, reject) =>
      ctx.signal.addEventListener("abort", () => reject(new Error("aborted")))
    );
  });
  const outcome = assert.rejects(call("a", background()), { code: "deadline_exceeded" });
  assert.equal(seen!.deadline, clock.now() + 100);
  await clock.advance(100);
  await outcome;
  assert(seen!.signal.aborted);
  assert.equal(clock.pending, 0);
});

for (const how of ["resolve", "reject"] as const) {
  Deno.test(`timeout() drops what a deaf endpoint comes to late: ${how}`, async () => {
    const clock = new FakeClock();
    const work = Promise.withResolvers<string>();
    const call = timeout(100, { clock })((_: string) => work.promise);
    const outcome = assert.rejects(call("a", background()), { code: "deadline_exceeded" });
    await clock.advance(100);
    await outcome;
    if (how === "resolve") work.resolve("late");
    else work.reject(new Error("late")); // unhandled, it would fail the test
    await settled();
  });
}

Deno.test("timeout() keeps an earlier deadline of the caller (S5)", async () => {
  const clock = new FakeClock();
  using ctx = withDeadline(background(), clock.now() + 50, { clock });
  let deadline: number | undefined;
  const call = timeout(100, { clock })((_: string, inner) => {
    deadline = inner.deadline;
    return new Promise(() => {});
  });
  const outcome = assert.rejects(call("a", ctx), { code: "deadline_exceeded" });
  assert.equal(deadline, ctx.deadline);
  await clock.advance(50);
  await outcome;
  assert.equal(clock.pending, 0);
});

Deno.test("timeout() lets the endpoint hear a caller that aborts", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const call = timeout(100, { clock })((_: string, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  );
  const outcome = assert.rejects(call("a", ctx), { message: "left" });
  controller.abort(new Error("left"));
  await outcome;
  assert.equal(clock.pending, 0);
});

Deno.test("timeout() does not read the signal of the caller by itself", async () => {
  const ctx: Context = Object.create(background(), {
    canAbort: { value: true },
    signal: { get: () => assert.fail("read") },
  });
  assert.equal(await timeout(1000)(scripted<string, number>(1))("a", ctx), 1);
});

Deno.test("timeout() does not begin a call whose deadline has passed (P3)", async () => {
  const clock = new FakeClock();
  const endpoint = scripted<string, number>(1);
  const call = timeout(100, { clock })(endpoint);
  using late = withDeadline(background(), clock.now(), { clock });
  await assert.rejects(call("a", late), { code: "deadline_exceeded" });
  assert.equal(endpoint.calls.length, 0);
});

Deno.test("timeout() turns a synchronous throw into a rejection and leaves no timer", async () => {
  const clock = new FakeClock();
  const call = timeout(100, { clock })(() => {
    throw new Error("down");
  });
  await assert.rejects(call({}, background()), { message: "down" });
  assert.equal(clock.pending, 0);
});

Deno.test("timeout() with Infinity is no timeout", () => {
  assert.equal(timeout(Infinity)(never), never);
});

Deno.test("timeout() holds for a stream until its end", async () => {
  const clock = new FakeClock();
  let closed = false;
  const count: Endpoint<number, AsyncIterable<number>> = (n) =>
    Promise.resolve((async function* () {
      try {
        for (let i = 0; i < n; i++) {
          await clock.advance(30);
          yield i;
        }
      } finally {
        closed = true;
      }
    })());
  const call = timeout(100, { clock })(count);
  const short = await call(2, background());
  assert.equal(clock.pending, 1);
  assert.deepEqual(await Array.fromAsync(short), [0, 1]);
  assert.equal(clock.pending, 0);
  closed = false;
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const n of await call(5, background())) seen.push(n);
  }, { code: "deadline_exceeded" });
  for (let i = 0; i < 5; i++) await settled(); // the generator first has to wake up
  assert.deepEqual([seen, closed, clock.pending], [[0, 1, 2], true, 0]);
});

Deno.test("timeout() ends a stream that hangs, and every step asked of it", async () => {
  const clock = new FakeClock();
  let returned = 0;
  const hang: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: () => {
        returned++;
        return Promise.reject(new Error("cannot close"));
      },
    }),
  };
  const stream = await timeout(100, { clock })((_: string) => Promise.resolve(hang))(
    "a",
    background(),
  );
  const iterator = stream[Symbol.asyncIterator]();
  const steps = [iterator.next(), iterator.next()];
  const outcome = Promise.allSettled(steps);
  await clock.advance(100);
  assert.deepEqual((await outcome).map(({ status }) => status), ["rejected", "rejected"]);
  await assert.rejects(iterator.next(), { code: "deadline_exceeded" });
  assert(returned > 0);
  assert.equal(clock.pending, 0);
});

for (const taken of [0, 1]) {
  Deno.test(`timeout() closes a stream whose reader has stalled after ${taken} items`, async () => {
    const clock = new FakeClock();
    let returned = 0;
    const endless: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: 1 }),
        return: () => {
          returned++;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const call = timeout(100, { clock })((_: string) => Promise.resolve(endless));
    const stream = await call("a", background());
    const iterator = taken === 0 ? undefined : stream[Symbol.asyncIterator]();
    await iterator?.next();
    await clock.advance(99);
    assert.equal(returned, 0);
    await clock.advance(1);
    assert.equal(returned, 1);
    await assert.rejects((iterator ?? stream[Symbol.asyncIterator]()).next(), {
      code: "deadline_exceeded",
    });
    assert.equal(clock.pending, 0);
  });
}

Deno.test("timeout() survives a stalled stream that cannot be closed", async () => {
  const clock = new FakeClock();
  const throwing = (): never => {
    throw new Error("cannot close");
  };
  const broken = [
    { [Symbol.asyncIterator]: throwing },
    { [Symbol.asyncIterator]: () => ({ next: never, return: throwing }) },
    { [Symbol.asyncIterator]: () => ({ next: never, return: () => undefined }) },
  ] as unknown as AsyncIterable<number>[];
  for (const stream of broken) {
    await timeout(100, { clock })((_: string) => Promise.resolve(stream))("a", background());
    await clock.advance(100);
    assert.equal(clock.pending, 0);
  }
});

Deno.test("timeout() frees its timer when a stream is given up", async () => {
  const clock = new FakeClock();
  const stream = await timeout(100, { clock })((_: string) =>
    Promise.resolve(ReadableStream.from([1, 2, 3]))
  )("a", background()) as AsyncIterable<number>;
  for await (const _ of stream) break;
  assert.equal(clock.pending, 0);
});

Deno.test("timeout() closes a stream that comes late", async () => {
  const clock = new FakeClock();
  const work = Promise.withResolvers<ReadableStream<number>>();
  const call = timeout(100, { clock })((_: string) => work.promise);
  const outcome = assert.rejects(call("a", background()), { code: "deadline_exceeded" });
  await clock.advance(100);
  await outcome;
  let cancelled = false;
  work.resolve(new ReadableStream({ cancel: () => void (cancelled = true) }));
  await settled();
  assert(cancelled);
});

Deno.test("timeout() keeps the process alive until its deadline", async () => {
  // On the clock of the system, with nothing else that would hold the process.
  await assert.rejects(timeout(5)(never)("a", background()), { code: "deadline_exceeded" });
});
