/** What a stream owes its reader and its writer, on each wire. */
import {
  background,
  codeOf,
  type Context,
  delay,
  KitError,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import assert from "node:assert/strict";
import { eventually } from "../../sd/testdata/server_process.ts";
import { firehose, ITEM_KIB, serving, type Wire, WIRES } from "./_wires_testing.ts";
import { type Order, type Position, type Quote, tickerService } from "./service.ts";
import type { TickerService } from "./service.ts";

const LARGE = "x".repeat(ITEM_KIB * 1024);
const METHODS = ["watch", "trade"] as const;

/** Large orders without end, as fast as they are taken or one a millisecond or so. */
async function* orders(pauseMs = 0): AsyncGenerator<Order> {
  for (let n = 1;; n++) {
    if (pauseMs > 0) await delay(pauseMs);
    yield { symbol: LARGE, units: n };
  }
}

/** Begins one of the two streams. */
function begin(
  client: TickerService,
  method: typeof METHODS[number],
  ctx: Context = background(),
  source: AsyncIterable<Order> = orders(1),
): Promise<AsyncIterable<Quote | Position>> {
  return method === "watch" ? client.watch({ symbol: "ACME" }, ctx) : client.trade(source, ctx);
}

/** Waits until a number no longer grows, and tells it. */
async function settledAt(count: () => number): Promise<number> {
  let last = -1;
  await eventually(() => last === (last = count()), { withinMs: 5000, everyMs: 150 });
  return last;
}

for (const wire of WIRES) {
  Deno.test(`all items arrive in order by ${wire}`, async () => {
    await using there = await serving(tickerService());
    const client = there.client(wire);
    const seen: number[] = [];
    const watch = { symbol: "ACME", everyMs: 0, count: 1000 };
    for await (const { seq } of await client.watch(watch, background())) seen.push(seq);
    assert.deepEqual(seen, Array.from({ length: 1000 }, (_, i) => i + 1));
    const held: number[] = [];
    const buying = (async function* () {
      for (let n = 0; n < 1000; n++) yield { symbol: "ACME", units: 1 };
    })();
    for await (const { units } of await client.trade(buying, background())) held.push(units);
    assert.deepEqual(held, seen);
    assert.equal((await client.quote("ACME", background())).seq, 1001);
  });

  Deno.test(`both directions run at once by ${wire}`, async () => {
    await using there = await serving(tickerService());
    const answered: PromiseWithResolvers<void>[] = [];
    const asked: number[] = [];
    async function* oneByOne(): AsyncGenerator<Order> {
      for (let n = 1; n <= 5; n++) {
        asked.push(n);
        yield { symbol: "ACME", units: n };
        await (answered[n] = Promise.withResolvers()).promise; // the order's own answer
      }
    }
    let held = 0;
    let n = 0;
    for await (const { units } of await there.client(wire).trade(oneByOne(), background())) {
      assert.equal(units, held += ++n);
      assert.equal(asked.at(-1), n);
      await eventually(() => answered[n] !== undefined, { everyMs: 1 });
      answered[n]!.resolve();
    }
    assert.equal(n, 5);
  });

  Deno.test(`what goes wrong in mid-stream comes after the items before it by ${wire}`, async () => {
    await using there = await serving(tickerService());
    async function* selling(): AsyncGenerator<Order> {
      for (const units of [10, -4, -7, 1]) {
        yield await Promise.resolve({ symbol: "ACME", units });
      }
    }
    const held: number[] = [];
    await assert.rejects(async () => {
      for await (const { units } of await there.client(wire).trade(selling(), background())) {
        held.push(units);
      }
    }, { code: "failed_precondition", message: "Nobody can sell what is not held" });
    assert.deepEqual(held, [10, 6]);
    for (const call of ["watch", "quote"] as const) {
      const stream = call === "quote"
        ? there.client(wire).quote("NOPE", background())
        : there.client(wire).watch({ symbol: "NOPE" }, background()).then(first);
      await assert.rejects(stream, { code: "not_found", message: "Unknown symbol" });
    }
    assert.deepEqual(there.events.map(({ method, code }) => [method, code]), [
      ["trade", "failed_precondition"],
      ["watch", "not_found"],
      ["quote", "not_found"],
    ]);
  });

  for (const method of METHODS) {
    Deno.test(`a slow reader slows the writer of ${method} by ${wire}`, async () => {
      const service = firehose();
      await using there = await serving(service);
      const stream = await begin(there.client(wire), method, background(), orders());
      const items = stream[Symbol.asyncIterator]();
      for (let i = 0; i < 3; i++) assert(!(await items.next()).done);
      const made = await settledAt(() => service.made);
      const mostMade = BOUND[method][wire];
      assert(made <= mostMade, `made ${made}, and at most ${mostMade} fit in between`);
      for (let i = 0; i < 2 * made; i++) await items.next();
      assert(service.made >= 2 * made + 3, "goes on as it is read");
      await items.return!();
      await eventually(() => service.ended === 1);
    });

    for (const way of ["leaves", "aborts"] as const) {
      Deno.test(`a reader that ${way} stops the writer of ${method} by ${wire}`, async () => {
        const service = firehose(() => delay(10));
        await using there = await serving(service);
        const abort = new AbortController();
        using ctx = withSignal(background(), abort.signal);
        let leftAt = 0;
        let isTold = false;
        async function* given(): AsyncGenerator<Order> {
          try {
            yield* orders();
          } finally {
            isTold = true;
          }
        }
        const read = async () => {
          let n = 0;
          for await (const _ of await begin(there.client(wire), method, ctx, given())) {
            if (++n < 5) continue;
            leftAt = performance.now();
            if (way === "leaves") break;
            abort.abort(new KitError("cancelled", "Had enough"));
          }
        };
        if (way === "leaves") await read();
        else await assert.rejects(read, { code: "cancelled", message: "Had enough" });
        await eventually(() => service.ended === 1, { everyMs: 1 });
        const tookMs = performance.now() - leftAt;
        assert(tookMs < 200, `took ${tookMs} ms`);
        await eventually(() => there.events.length === 1);
        if (method === "trade") await eventually(() => isTold);
      });
    }

    Deno.test(`a reader that stalls and goes stops the writer of ${method} by ${wire}`, async () => {
      const service = firehose();
      await using there = await serving(service);
      const abort = new AbortController();
      using ctx = withSignal(background(), abort.signal);
      const stream = await begin(there.client(wire), method, ctx);
      const items = stream[Symbol.asyncIterator]();
      await items.next();
      await delay(50);
      assert.equal(service.ended, 0);
      const leftAt = performance.now();
      abort.abort(new KitError("cancelled", "Had enough"));
      await eventually(() => service.ended === 1, { everyMs: 1 });
      const tookMs = performance.now() - leftAt;
      assert(tookMs < 200, `took ${tookMs} ms`);
      await eventually(() => there.events.length === 1);
      await items.return!();
    });

    Deno.test(`the deadline of the service ends ${method} on both sides by ${wire}`, async () => {
      const service = firehose(() => delay(10));
      await using there = await serving(service, { timeoutMs: 150 });
      const begunAt = performance.now();
      using ctx = withTimeout(background(), 2000); // lest a service without one hangs the test
      await assert.rejects(async () => {
        for await (const _ of await begin(there.client(wire), method, ctx));
      }, { code: "deadline_exceeded" });
      const tookMs = performance.now() - begunAt;
      assert(tookMs > 140 && tookMs < 400, `took ${tookMs} ms`);
      await eventually(() => service.ended === 1, { everyMs: 1, withinMs: 200 });
      assert.deepEqual(there.events.map(({ method, code }) => [method, code]), [
        [method, "deadline_exceeded"],
      ]);
    });

    Deno.test(`the deadline of the caller ends ${method} on both sides by ${wire}`, async () => {
      const service = firehose(() => delay(10));
      await using there = await serving(service);
      using ctx = withTimeout(background(), 150);
      await assert.rejects(async () => {
        for await (const _ of await begin(there.client(wire), method, ctx));
      }, { code: "deadline_exceeded" });
      await eventually(() => service.ended === 1, { everyMs: 1, withinMs: 200 });
      await eventually(() => there.events.length === 1);
      // By HTTP a caller that gives up may be seen to go a moment before its deadline.
      const code = there.events[0]!.code as string;
      assert(code === "deadline_exceeded" || wire !== "gRPC" && code === "cancelled", code);
    });

    Deno.test(`the limits of calls refuse a second ${method} by ${wire}`, async () => {
      for (
        const [limit, message] of [
          [{ rate: 1 }, /rate/i],
          [{ running: 1 }, /1 already run/],
        ] as const
      ) {
        const service = firehose(() => delay(10));
        await using there = await serving(service, limit);
        const running = (await begin(there.client(wire), method))[Symbol.asyncIterator]();
        await running.next();
        await assert.rejects(
          begin(there.client(wire), method).then(first),
          (error: KitError) =>
            codeOf(error) === "resource_exhausted" && message.test(error.message),
        );
        assert(!(await running.next()).done, "the first goes on");
        await running.return!();
        await eventually(() => there.events.length === 2);
        if ("running" in limit) {
          const next = (await begin(there.client(wire), method))[Symbol.asyncIterator]();
          assert(!(await next.next()).done, "its place is free again");
          await next.return!();
        }
        await eventually(() => service.ended === ("running" in limit ? 2 : 1));
      }
    });
  }

  Deno.test(`a stream is logged and counted when it ends by ${wire}`, async () => {
    await using there = await serving(tickerService());
    const client = there.client(wire);
    const watch = { symbol: "ACME", everyMs: 30, count: 4 };
    const counted = (method: string) =>
      there.metrics.value("requests_total", { method, code: "ok" }) ?? 0;
    let n = 0;
    for await (const _ of await client.watch(watch, background())) {
      if (++n < 4) assert.deepEqual([there.events.length, counted("watch")], [0, 0]);
    }
    await eventually(() => there.events.length === 1);
    const { took, ...rest } = there.events[0]!;
    assert.deepEqual(rest, { method: "watch", err: null });
    assert(Number.parseFloat(String(took)) >= 88 && String(took).endsWith("ms"), String(took));
    assert.equal(counted("watch"), 1);
    await client.quote("ACME", background());
    const none = (async function* (): AsyncGenerator<Order> {})();
    for await (const _ of await client.trade(none, background()));
    await eventually(() => there.events.length === 3);
    assert.deepEqual([counted("quote"), counted("trade")], [1, 1]);
  });
}

/** How many items of 16 KiB fit between a writer and a reader: the most of it in the kernel. */
const BOUND: Record<typeof METHODS[number], Record<Wire, number>> = {
  watch: { "gRPC": 40, "NDJSON and WebSocket": 800, "SSE and NDJSON": 800 },
  trade: { "gRPC": 40, "NDJSON and WebSocket": 200, "SSE and NDJSON": 800 },
};

async function first<T>(stream: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of stream) return item;
}
