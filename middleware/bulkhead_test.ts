import assert from "node:assert/strict";
import { background, type Endpoint, withDeadline, withSignal } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import { bulkhead } from "./bulkhead.ts";

/** An endpoint whose calls end when told. */
function manual(): { endpoint: Endpoint<number, number>; begun: number[]; end: () => void } {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  return {
    begun,
    endpoint: (n) => {
      begun.push(n);
      return new Promise((resolve) => ends.push(() => resolve(n)));
    },
    end: () => ends.shift()!(),
  };
}

Deno.test("bulkhead() refuses what are no limits", () => {
  assert.throws(() => bulkhead({ max: 0 }), RangeError);
  assert.throws(() => bulkhead({ maxQueue: -1 }), RangeError);
});

Deno.test("bulkhead() refuses one call too many, and none after one has ended", async () => {
  const { endpoint, begun, end } = manual();
  const call = bulkhead({ max: 2 })(endpoint);
  const calls = [call(1, background()), call(2, background())];
  await assert.rejects(call(3, background()), {
    name: "BulkheadFullError",
    code: "resource_exhausted",
    message: "Cannot start call as 2 already run",
  });
  end();
  await calls[0];
  calls.push(call(4, background()));
  assert.deepEqual(begun, [1, 2, 4]);
});

Deno.test("bulkhead() frees its slot when the call rejects or throws", async () => {
  const rejecting = bulkhead({ max: 1 })(() => Promise.reject(new Error("down")));
  for (let i = 0; i < 2; i++) {
    await assert.rejects(rejecting({}, background()), { message: "down" });
  }
  const throwing = bulkhead({ max: 1 })(() => {
    throw new Error("down");
  });
  for (let i = 0; i < 2; i++) await assert.rejects(throwing({}, background()), { message: "down" });
});

Deno.test("bulkhead() counts over all the endpoints wrapped", async () => {
  const limited = bulkhead({ max: 1 });
  const { endpoint } = manual();
  limited(endpoint)(1, background());
  await assert.rejects(limited(endpoint)(2, background()), { code: "resource_exhausted" });
});

Deno.test("bulkhead() queues in order, as many as it may", async () => {
  const { endpoint, begun, end } = manual();
  const call = bulkhead({ max: 1, maxQueue: 2 })(endpoint);
  const calls = [1, 2, 3].map((n) => call(n, background()));
  await assert.rejects(call(4, background()), { code: "resource_exhausted" });
  for (let i = 0; i < 3; i++) {
    await settled();
    end();
  }
  assert.deepEqual(await Promise.all(calls), [1, 2, 3]);
  assert.deepEqual(begun, [1, 2, 3]);
});

Deno.test("bulkhead() frees the place of a queued call that is aborted", async () => {
  const { endpoint, begun, end } = manual();
  const call = bulkhead({ max: 1, maxQueue: 1 })(endpoint);
  const first = call(1, background());
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const second = assert.rejects(call(2, ctx), { message: "left" });
  controller.abort(new Error("left"));
  await second;
  const third = call(3, background());
  await assert.rejects(call(4, ctx), { code: "resource_exhausted" });
  end();
  await first;
  await settled();
  end();
  await third;
  assert.deepEqual(begun, [1, 3]);
  using gone = withSignal(background(), AbortSignal.abort(new Error("gone")));
  const fifth = call(5, background());
  await assert.rejects(call(6, gone), { message: "gone" });
  end();
  await fifth;
});

Deno.test("bulkhead() begins none of 1,000 calls after their deadline (P3, O5)", async () => {
  const clock = new FakeClock();
  const { endpoint, begun, end } = manual();
  const call = bulkhead({ max: 1, maxQueue: 1000, clock })(endpoint);
  const first = call(0, background());
  const codes: string[] = [];
  for (let i = 1; i <= 1000; i++) {
    const ctx = withDeadline(background(), clock.now() + 100, { clock });
    call(i, ctx).catch((error) => codes.push(error.code));
  }
  await clock.advance(1000);
  end();
  await first;
  await settled();
  assert.deepEqual(begun, [0]);
  assert.deepEqual([codes.length, new Set(codes)], [1000, new Set(["deadline_exceeded"])]);
  assert.equal(clock.pending, 0);
  const next = call(1001, background());
  end();
  assert.equal(await next, 1001);
});

Deno.test("bulkhead() begins no expired call, queued or not, by the clock alone (P3, O5)", async () => {
  const clock = new FakeClock();
  const { endpoint, begun, end } = manual();
  const call = bulkhead({ max: 1, maxQueue: 2, clock })(endpoint);
  using ctx = withDeadline(background(), clock.now() + 100, { clock });
  const first = call(1, background());
  const second = assert.rejects(call(2, ctx), { code: "deadline_exceeded" });
  const third = call(3, background());
  clock.set(clock.now() + 200); // the timer of the deadline is late
  end();
  await first;
  await second;
  end();
  await third;
  await assert.rejects(call(4, ctx), { code: "deadline_exceeded" });
  assert.deepEqual(begun, [1, 3]);
});

Deno.test("bulkhead() holds the slot of a stream until its end", async () => {
  const call = bulkhead({ max: 1 })((n: number) =>
    Promise.resolve(ReadableStream.from(Array(n).keys()) as AsyncIterable<number>)
  );
  const stream = await call(3, background());
  await settled();
  await assert.rejects(call(3, background()), { code: "resource_exhausted" });
  assert.deepEqual(await Array.fromAsync(stream), [0, 1, 2]);
  for await (const _ of await call(3, background())) break;
  assert.deepEqual(await Array.fromAsync(await call(1, background())), [0]);
});

Deno.test("bulkhead() listens to the signal of a queued call only until it begins", async () => {
  const { endpoint, end } = manual();
  const call = bulkhead({ max: 1, maxQueue: 1 })(endpoint);
  const controller = new AbortController();
  const ctx = withSignal(background(), controller.signal);
  const first = call(1, background());
  const second = call(2, ctx);
  end();
  await first;
  controller.abort(); // too late to leave the queue
  const third = call(3, background());
  await assert.rejects(call(4, background()), { code: "resource_exhausted" });
  end();
  assert.equal(await second, 2);
  end();
  assert.equal(await third, 3);
});
