import { background, KitError, withSignal } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import { type Order, tickerService } from "./service.ts";

const ctx = background();

async function* ordersOf(...units: number[]): AsyncGenerator<Order> {
  for (const n of units) yield await Promise.resolve({ symbol: "ACME", units: n });
}

Deno.test("quote() tells what a stock costs now, and numbers what it tells", async () => {
  const clock = new FakeClock(0);
  const service = tickerService(clock);
  const first = await service.quote("ACME", ctx);
  const second = await service.quote("ACME", ctx);
  assert.deepEqual(second, { ...first, seq: first.seq + 1 });
  assert(Math.abs(first.cents - 10_000) <= 500);
  await clock.advance(10_000);
  assert.notEqual((await service.quote("ACME", ctx)).cents, first.cents);
  await assert.rejects(service.quote("NOPE", ctx), { code: "not_found" });
  await assert.rejects(service.quote("constructor", ctx), { code: "not_found" });
});

Deno.test("watch() makes a quote each time that it should, and no timer more", async () => {
  const clock = new FakeClock(0);
  const watch = { symbol: "ACME", everyMs: 500, count: 3 };
  const stream = await tickerService(clock).watch(watch, ctx);
  const quotes = stream[Symbol.asyncIterator]();
  assert.equal((await quotes.next()).value.seq, 1);
  assert.equal(clock.pending, 0, "a reader that does not ask gets nothing");
  let seq = 0;
  const second = quotes.next().then(({ value }) => seq = value.seq);
  await clock.advance(499);
  assert.equal(seq, 0);
  await clock.advance(1);
  await second;
  assert.equal(seq, 2);
  const third = quotes.next();
  await clock.advance(500);
  await third;
  assert((await quotes.next()).done);
  assert.equal(clock.pending, 0);
});

Deno.test("watch() ends with its context while it waits", async () => {
  const clock = new FakeClock(0);
  const abort = new AbortController();
  using aborted = withSignal(ctx, abort.signal);
  const stream = await tickerService(clock).watch({ symbol: "ACME" }, aborted);
  const quotes = stream[Symbol.asyncIterator]();
  await quotes.next();
  const next = quotes.next();
  await settled();
  abort.abort(new KitError("cancelled", "Enough"));
  await assert.rejects(next, { message: "Enough" });
  assert.equal(clock.pending, 0);
});

for (
  const [watch, code] of [
    [{ symbol: "NOPE" }, "not_found"],
    [{ symbol: "ACME", everyMs: -1 }, "invalid_argument"],
    [{ symbol: "ACME", everyMs: 60_001 }, "invalid_argument"],
    [{ symbol: "ACME", everyMs: 0.5 }, "invalid_argument"],
    [{ symbol: "ACME", count: -1 }, "invalid_argument"],
  ] as const
) {
  Deno.test(`watch() refuses ${JSON.stringify(watch)}`, async () => {
    await assert.rejects(tickerService().watch(watch, ctx), { code });
  });
}

Deno.test("trade() tells after each order what is held and what it costs", async () => {
  const clock = new FakeClock(0);
  const service = tickerService(clock);
  const { cents } = await service.quote("ACME", ctx);
  const seen = await Array.fromAsync(await service.trade(ordersOf(10, -4, 0), ctx));
  assert.deepEqual(
    seen,
    [10, 6, 6].map((units) => ({
      symbol: "ACME",
      units,
      cents: units * cents,
    })),
  );
});

for (
  const [units, code] of [
    [[5, -6], "failed_precondition"],
    [[1_000_000, 1], "out_of_range"],
    [[1_000_001], "out_of_range"],
    [[-1e30], "out_of_range"],
    [[0.5], "out_of_range"],
    [[NaN], "out_of_range"],
  ] as const
) {
  Deno.test(`trade() refuses the last of ${units}`, async () => {
    const stream = (await tickerService().trade(ordersOf(...units), ctx))[Symbol.asyncIterator]();
    for (let i = 1; i < units.length; i++) await stream.next();
    await assert.rejects(stream.next(), { code });
  });
}
