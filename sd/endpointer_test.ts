import { background, type Endpoint, type KitError, withSignal } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  endpointer,
  type EndpointerFailure,
  type EndpointerOptions,
  type Entry,
  type LiveEndpointer,
} from "./endpointer.ts";
import type { Factory } from "./factory.ts";
import type { Instance } from "./instance.ts";
import type { Instancer } from "./instancer.ts";
import { manual, type ManualInstancer } from "./testing.ts";

interface Rig {
  readonly clock: FakeClock;
  readonly instancer: ManualInstancer;
  readonly live: LiveEndpointer<string, string>;
  /** Addresses for which an endpoint was made, in order. */
  readonly made: string[];
  /** Addresses whose endpoint was closed, in order. */
  readonly closed: string[];
  readonly failures: EndpointerFailure[];
  /** Addresses for which the factory throws. */
  readonly broken: Set<string>;
  /** Lets the calls under way, on the endpoints of `hang:80` and others, come back. */
  readonly finish: () => void;
  readonly addresses: () => string[];
  readonly call: (address: string) => Promise<string>;
}

/** An endpointer over a manual instancer whose endpoints wait for `finish()`, in virtual time. */
function rig(addresses?: readonly string[], options: EndpointerOptions = {}): Rig {
  const clock = new FakeClock();
  const instancer = manual(addresses);
  const made: string[] = [];
  const closed: string[] = [];
  const failures: EndpointerFailure[] = [];
  const broken = new Set<string>();
  const waiting: (() => void)[] = [];
  const live = endpointer<string, string>(instancer, ({ address }) => {
    if (broken.has(address)) throw new Error(`cannot dial ${address}`);
    made.push(address);
    return {
      endpoint: (s) => new Promise((resolve) => waiting.push(() => resolve(`${address} ${s}`))),
      close: () => void closed.push(address),
    };
  }, { clock, onError: (failure) => failures.push(failure), ...options });
  return {
    clock,
    instancer,
    live,
    made,
    closed,
    failures,
    broken,
    finish: () => waiting.splice(0).forEach((finish) => finish()),
    addresses: () => live.endpoints().map(({ instance }) => instance.address),
    call: (address) =>
      live.endpoints().find(({ instance }) => instance.address === address)!
        .endpoint("hello", background()),
  };
}

Deno.test("endpointer() tells the endpoints in the order of their addresses at once", async () => { // SE2, SE7
  await using live = endpointer(
    manual(["b:80", "a:80", "[::1]:80"]),
    ({ address }) => () => Promise.resolve(address),
  );
  const names = await Promise.all(
    live.endpoints().map(({ endpoint }) => endpoint(undefined, background())),
  );
  assert.deepEqual(names, ["[::1]:80", "a:80", "b:80"]);
});

Deno.test("endpointer() closes what left and leaves the others alone", () => { // SE1
  const { instancer, made, closed, addresses } = rig(["a:80", "b:80"]);
  instancer.set(["b:80", "a:80"]);
  assert.deepEqual([made, closed], [["a:80", "b:80"], []]);
  instancer.set(["b:80", "c:80"]);
  assert.deepEqual([made, closed], [["a:80", "b:80", "c:80"], ["a:80"]]);
  assert.deepEqual(addresses(), ["b:80", "c:80"]);
  instancer.set([]);
  assert.deepEqual(closed, ["a:80", "b:80", "c:80"]);
  assert.deepEqual(addresses(), []);
});

Deno.test("endpointer() keeps the entry and the endpoint of a survivor", () => { // SE2, S8
  const { instancer, live } = rig(["a:80", "b:80"]);
  const [, before] = live.endpoints();
  const endpoint = before?.endpoint;
  instancer.set(["b:80", "c:80"]);
  const [after] = live.endpoints();
  assert.equal(after, before);
  assert.equal(after?.endpoint, endpoint);
});

Deno.test("endpointer() tells the same array until something changes", () => {
  const { instancer, live } = rig(["a:80"]);
  const first = live.endpoints();
  instancer.fail(new Error("refused"));
  instancer.set(["a:80"]);
  assert.equal(live.endpoints(), first);
  instancer.set([{ address: "a:80", weight: 2 }]);
  assert.notEqual(live.endpoints(), first);
  assert.throws(() => (live.endpoints() as unknown[]).pop(), TypeError);
});

Deno.test("endpointer() takes a new weight in without making the endpoint anew", () => {
  const { instancer, live, made } = rig(["a:80"]);
  const [entry] = live.endpoints();
  instancer.set([{ address: "a:80", weight: 5 }]);
  assert.equal(live.endpoints()[0], entry);
  assert.equal(entry?.instance.weight, 5);
  assert.deepEqual(made, ["a:80"]);
});

Deno.test("endpointer() leaves out what the factory fails for, and tries again", () => { // SE3
  const { instancer, broken, failures, addresses, clock } = rig([], { factoryRetryMs: Infinity });
  broken.add("bad:80");
  instancer.set(["bad:80", "good:80"]);
  assert.deepEqual(addresses(), ["good:80"]);
  assert.equal(failures.length, 1);
  assert.equal(failures[0]?.during, "factory");
  assert.equal(failures[0]?.instance?.address, "bad:80");
  assert.equal((failures[0]?.error as Error).message, "cannot dial bad:80");
  broken.clear();
  instancer.set(["bad:80", "good:80"]);
  assert.deepEqual(addresses(), ["good:80"], "an identical event is none");
  instancer.set(["bad:80", "good:80", "new:80"]);
  assert.deepEqual(addresses(), ["bad:80", "good:80", "new:80"]);
  assert.equal(clock.pending, 0);
});

Deno.test("endpointer() tries the factory again by itself, less and less often", async () => { // SE3
  const { instancer, broken, failures, addresses, clock } = rig([]);
  broken.add("bad:80");
  instancer.set(["bad:80", "good:80"]);
  const startedAt = clock.now();
  const seen: number[] = [];
  for (let second = 1; second <= 250; second++) {
    const before = failures.length;
    await clock.advance(1000);
    if (failures.length > before) seen.push((clock.now() - startedAt) / 1000);
  }
  assert.deepEqual(seen, [1, 3, 7, 15, 31, 63, 123, 183, 243]);
  broken.clear();
  await clock.advance(60_000);
  assert.deepEqual(addresses(), ["bad:80", "good:80"]);
  assert.equal(clock.pending, 0);
  broken.add("worse:80");
  instancer.set(["worse:80"]);
  broken.clear();
  await clock.advance(1000);
  assert.deepEqual(addresses(), ["worse:80"]);
});

Deno.test("endpointer() treats a factory that makes no endpoint as failed", async () => {
  const failures: EndpointerFailure[] = [];
  const factory = (() => ({})) as unknown as Factory<string, string>;
  await using live = endpointer(manual(["a:80"]), factory, {
    onError: (failure) => failures.push(failure),
  });
  assert.deepEqual(live.endpoints(), []);
  assert(failures[0]?.error instanceof TypeError);
});

Deno.test("endpointer() keeps its endpoints through an error for ever, by default", async () => { // SE4, P9
  const { instancer, failures, addresses, closed, clock } = rig(["a:80"]);
  const error = new Error("refused");
  instancer.fail(error);
  await clock.advance(365 * 86_400_000);
  assert.deepEqual(addresses(), ["a:80"]);
  assert.deepEqual(closed, []);
  assert.deepEqual(failures, [{ error, during: "discovery", source: "manual" }]);
});

Deno.test("endpointer() gives its endpoints up after invalidateOnErrorMs, when asked", async () => { // SE5, SE6
  const { instancer, addresses, closed, made, clock } = rig(["a:80", "b:80"], {
    invalidateOnErrorMs: 1000,
  });
  const first = new Error("first");
  instancer.fail(first);
  await clock.advance(600);
  instancer.fail(new Error("second"));
  await clock.advance(399);
  assert.deepEqual(addresses(), ["a:80", "b:80"]);
  await clock.advance(1);
  assert.deepEqual(closed, [], "it is done when asked only, without a timer");
  assert.equal(clock.pending, 0);
  for (let i = 0; i < 2; i++) {
    assert.throws(addresses, { code: "unavailable", cause: first });
    assert.deepEqual(closed, ["a:80", "b:80"]);
  }
  instancer.set(["a:80", "b:80"]);
  assert.deepEqual(addresses(), ["a:80", "b:80"]);
  assert.deepEqual(made, ["a:80", "b:80", "a:80", "b:80"]);
});

Deno.test("endpointer() starts the time anew after a good event", async () => { // SE5
  const { instancer, addresses, clock } = rig(["a:80"], { invalidateOnErrorMs: 1000 });
  instancer.fail(new Error("first"));
  await clock.advance(999);
  instancer.set(["a:80"]);
  instancer.fail(new Error("second"));
  await clock.advance(999);
  assert.deepEqual(addresses(), ["a:80"]);
  await clock.advance(1);
  assert.throws(addresses, { message: 'No endpoints available as "manual" failed' });
});

Deno.test("endpointer() says which registry failed when it never told anything", () => { // issue 3: bad input
  const { instancer, live, addresses } = rig();
  assert.deepEqual(live.endpoints(), []);
  const cause = new Error("connect refused");
  instancer.fail(cause);
  assert.throws(addresses, {
    name: "KitError",
    code: "unavailable",
    message: 'No endpoints available as "manual" failed',
    cause,
  });
  instancer.set(["a:80"]);
  assert.deepEqual(addresses(), ["a:80"]);
});

Deno.test("endpointer() sorts and counts once what any instancer tells", () => { // SE9
  const made: string[] = [];
  const mine: Instancer = {
    subscribe(listener) {
      listener({ instances: ["b:80", "a:80", "b:80"].map((address) => ({ address })) });
      return { [Symbol.dispose]() {} };
    },
  };
  const live = endpointer(mine, ({ address }) => (made.push(address), () => Promise.resolve()));
  assert.deepEqual(live.endpoints().map(({ instance }) => instance.address), ["a:80", "b:80"]);
  assert.deepEqual(made, ["a:80", "b:80"]);
});

Deno.test("endpointer() closes all when disposed of, once", async () => { // SE8
  const { instancer, live, closed, addresses } = rig(["a:80", "b:80"]);
  assert.equal(instancer.subscribers, 1);
  await live[Symbol.asyncDispose]();
  await live[Symbol.asyncDispose]();
  assert.deepEqual(closed, ["a:80", "b:80"]);
  assert.equal(instancer.subscribers, 0);
  assert.throws(addresses, { code: "unavailable" });
  await assert.rejects(live.ready(background()), { code: "unavailable" });
});

Deno.test("endpointer() closes an endpoint after the calls under way on it", async () => {
  const { instancer, closed, call, finish, clock } = rig(["a:80"]);
  const calls = [call("a:80"), call("a:80")];
  instancer.set([]);
  assert.deepEqual(closed, []);
  finish();
  assert.deepEqual(await Promise.all(calls), ["a:80 hello", "a:80 hello"]);
  assert.deepEqual(closed, ["a:80"]);
  assert.equal(clock.pending, 0);
});

Deno.test("endpointer() counts calls that fail, also those that throw, as over", async () => {
  const closed: string[] = [];
  const instancer = manual(["a:80"]);
  const endpoint: Endpoint<string, string> = (s) => {
    if (s === "throw") throw new Error("thrown");
    return Promise.reject(new Error("rejected"));
  };
  const live = endpointer(
    instancer,
    ({ address }) => ({ endpoint, close: () => void closed.push(address) }),
  );
  const [entry] = live.endpoints();
  await assert.rejects(entry!.endpoint("throw", background()), { message: "thrown" });
  await assert.rejects(entry!.endpoint("reject", background()), { message: "rejected" });
  instancer.set([]);
  assert.deepEqual(closed, ["a:80"]);
});

Deno.test("endpointer() counts a streamed call until its end", async () => {
  const closed: string[] = [];
  const instancer = manual(["a:80"]);
  async function* count() {
    yield 1;
    yield 2;
  }
  const live = endpointer(instancer, ({ address }) => ({
    endpoint: (_: string) => Promise.resolve(count()),
    close: () => void closed.push(address),
  }), { clock: new FakeClock() });
  const stream = await live.endpoints()[0]!.endpoint("", background());
  instancer.set([]);
  for await (const n of stream) assert.deepEqual([n, closed.length], [n, 0]);
  assert.deepEqual(closed, ["a:80"]);
});

Deno.test("endpointer() waits for calls no longer than drainMs", async () => {
  const { instancer, closed, call, clock, live } = rig(["a:80", "b:80"], { drainMs: 1000 });
  call("a:80");
  call("b:80");
  instancer.set(["b:80"]);
  await clock.advance(999);
  assert.deepEqual(closed, []);
  await clock.advance(1);
  assert.deepEqual(closed, ["a:80"]);
  let isDisposed = false;
  live[Symbol.asyncDispose]().then(() => isDisposed = true);
  await clock.advance(999);
  assert(!isDisposed);
  await clock.advance(1);
  assert(isDisposed);
  assert.deepEqual(closed, ["a:80", "b:80"]);
});

Deno.test("endpointer() does not wait anew for what drains when it is disposed of", async () => {
  const { instancer, closed, call, clock, live } = rig(["a:80"], { drainMs: 1000 });
  call("a:80");
  instancer.set([]);
  await clock.advance(600);
  live[Symbol.asyncDispose]();
  await clock.advance(400);
  assert.deepEqual(closed, ["a:80"]);
});

Deno.test("endpointer() does not wait for calls when drainMs is zero", () => {
  const { instancer, closed, call, clock } = rig(["a:80"], { drainMs: 0 });
  call("a:80");
  instancer.set([]);
  assert.deepEqual(closed, ["a:80"]);
  assert.equal(clock.pending, 0);
});

Deno.test("endpointer() keeps the endpoint of a host that leaves and returns in time", async () => { // D10
  const { instancer, live, made, closed, addresses, clock } = rig(["a:80", "b:80"], {
    closeDelayMs: 1000,
  });
  const [entry] = live.endpoints();
  instancer.set(["b:80"]);
  assert.deepEqual(addresses(), ["b:80"]);
  await clock.advance(999);
  instancer.set([{ address: "a:80", weight: 2 }, "b:80"]);
  assert.equal(live.endpoints()[0], entry);
  assert.equal(entry?.instance.weight, 2);
  assert.equal(clock.pending, 0);
  assert.deepEqual([made, closed], [["a:80", "b:80"], []]);
  instancer.set(["b:80"]);
  await clock.advance(1000);
  assert.deepEqual(closed, ["a:80"]);
  instancer.set(["a:80", "b:80"]);
  assert.notEqual(live.endpoints()[0], entry);
  assert.deepEqual(made, ["a:80", "b:80", "a:80"]);
});

Deno.test("endpointer() keeps an endpoint for a host that returns while calls drain", async () => { // D10
  const { instancer, closed, made, call, finish, clock } = rig(["a:80"]);
  const slow = call("a:80");
  instancer.set([]);
  instancer.set(["a:80"]);
  finish();
  await slow;
  assert.equal(clock.pending, 0);
  assert.deepEqual([made, closed], [["a:80"], []]);
});

Deno.test("endpointer() skips the delay when disposed of", async () => {
  const { instancer, live, closed, clock } = rig(["a:80"], { closeDelayMs: 1000 });
  instancer.set([]);
  await live[Symbol.asyncDispose]();
  assert.deepEqual(closed, ["a:80"]);
  assert.equal(clock.pending, 0);
});

Deno.test("endpointer() tells when closing fails, and closes the others", async () => {
  const failures: EndpointerFailure[] = [];
  const live = endpointer(manual(["a:80", "b:80", "c:80"]), ({ address }) => ({
    endpoint: () => Promise.resolve(),
    close(): Promise<void> | void {
      if (address === "a:80") throw new Error("thrown");
      if (address === "b:80") return Promise.reject(new Error("rejected"));
    },
  }), { onError: (failure) => failures.push(failure) });
  await live[Symbol.asyncDispose]();
  assert.deepEqual(
    failures.map(({ during, instance, error }) =>
      `${during} ${instance?.address} ${(error as Error).message}`
    ),
    ["close a:80 thrown", "close b:80 rejected"],
  );
});

Deno.test("endpointer() closes in whichever way the factory offers", async () => { // SD4
  const closed: string[] = [];
  const endpoint = () => Promise.resolve(1);
  const ways: Record<string, ReturnType<Factory<undefined, number>>> = {
    "a:80": { endpoint, close: () => void closed.push("close") },
    "b:80": { endpoint, [Symbol.dispose]: () => void closed.push("dispose") },
    "c:80": {
      endpoint,
      [Symbol.dispose]: () => void closed.push("wrong"),
      async [Symbol.asyncDispose]() {
        await settled();
        closed.push("asyncDispose");
      },
    },
    "d:80": Object.assign(() => Promise.resolve(4), {
      [Symbol.dispose]: () => void closed.push("function"),
    }),
    "e:80": () => Promise.resolve(5),
  };
  {
    await using live = endpointer(manual(Object.keys(ways)), ({ address }) => ways[address]!);
    const results = live.endpoints().map(({ endpoint }) => endpoint(undefined, background()));
    assert.deepEqual(await Promise.all(results), [1, 1, 1, 4, 5]);
  }
  assert.deepEqual(closed.sort(), ["asyncDispose", "close", "dispose", "function"]);
});

Deno.test("endpointer() hands an endpoint without anything to close out as it is", () => {
  const endpoint = () => Promise.resolve(1);
  assert.equal(endpointer(manual(["a:80"]), () => endpoint).endpoints()[0]?.endpoint, endpoint);
});

Deno.test("endpointer() can be disposed of by the factory", async () => {
  const closed: string[] = [];
  const instancer = manual([]);
  const live: LiveEndpointer<undefined, void> = endpointer(instancer, ({ address }) => {
    if (address === "b:80") live[Symbol.asyncDispose]();
    return { endpoint: () => Promise.resolve(), close: () => void closed.push(address) };
  });
  instancer.set(["a:80", "b:80", "c:80"]);
  await live[Symbol.asyncDispose]();
  assert.deepEqual(closed.sort(), ["a:80", "b:80", "c:80"]);
});

Deno.test("ready() waits for the first endpoint", async () => { // SE7
  const { instancer, live } = rig();
  const ready = live.ready(background());
  let isReady = false;
  ready.then(() => isReady = true);
  instancer.fail(new Error("refused"));
  instancer.set([]);
  await settled();
  assert(!isReady);
  instancer.set(["a:80"]);
  assert.equal(await ready, live.endpoints());
  assert.equal(await live.ready(background()), live.endpoints());
});

Deno.test("ready() gives up with the context, and with the endpointer", async () => {
  const { live } = rig();
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const [aborted, disposed] = [live.ready(ctx), live.ready(background())];
  const reason = new Error("Stopped");
  controller.abort(reason);
  await assert.rejects(aborted, reason);
  await assert.rejects(live.ready(ctx), reason);
  live[Symbol.asyncDispose]();
  await assert.rejects(disposed, { code: "unavailable" });
});

Deno.test("ready() leaves no listener on the signal", async () => {
  const { instancer, live } = rig();
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
  signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
  using ctx = withSignal(background(), signal);
  const ready = live.ready(ctx);
  assert.equal(listeners.size, 1);
  instancer.set(["a:80"]);
  await ready;
  assert.equal(listeners.size, 0);
});

for (
  const options of [
    { invalidateOnErrorMs: -1 },
    { closeDelayMs: NaN },
    { drainMs: -1 },
    { factoryRetryMs: 0 },
  ]
) {
  Deno.test(`endpointer() refuses ${Object.entries(options)}`, () => {
    const instancer = manual(["a:80"]);
    assert.throws(() => endpointer(instancer, () => () => Promise.resolve(), options), RangeError);
    assert.equal(instancer.subscribers, 0);
  });
}

Deno.test("endpointer() takes its types from the factory", () => {
  const live = endpointer(
    manual(["a:80"]),
    (_: Instance) => (n: number) => Promise.resolve(`${n}`),
  );
  const entry: Entry<number, string> | undefined = live.endpoints()[0];
  // @ts-expect-error A string is not the request.
  entry?.endpoint("1", background());
});

/** What happens in a run of the property below. */
const STEPS = ["set", "fail", "call", "finish", "tick"] as const;

Deno.test("endpointer() closes each endpoint exactly once over 10,000 random updates", async () => { // P9, D10
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.constantFrom(...STEPS)),
      fc.infiniteStream(fc.subarray(["a:80", "b:80", "c:80", "d:80", "e:80", "f:80"])),
      fc.infiniteStream(fc.nat({ max: 400 })),
      fc.constantFrom({ closeDelayMs: 0 }, { closeDelayMs: 100, drainMs: 150 }, {
        drainMs: 0,
        invalidateOnErrorMs: 200,
      }),
      async (steps, sets, numbers, options) => {
        const clock = new FakeClock();
        const instancer = manual();
        const open = new Set<number>();
        const finishers: (() => void)[] = [];
        let made = 0;
        let closedTwice = 0;
        const live = endpointer<void, void>(instancer, () => {
          if (numbers.next().value! % 10 === 0) throw new Error("cannot dial");
          const id = made++;
          open.add(id);
          return {
            endpoint: () => {
              assert(open.has(id), "a closed endpoint was called");
              return new Promise((resolve) => finishers.push(resolve));
            },
            close: () => {
              if (!open.delete(id)) closedTwice++;
            },
          };
        }, { clock, factoryRetryMs: 50, ...options });
        let last: readonly string[] = [];
        for (let updates = 0; updates < 1000;) {
          const step = steps.next().value!;
          if (step === "set") {
            updates++;
            instancer.set(last = sets.next().value!);
          } else if (step === "fail") instancer.fail(new Error(`${numbers.next().value}`));
          else if (step === "finish") finishers.splice(0).forEach((finish) => finish());
          else if (step === "tick") await clock.advance(numbers.next().value!);
          let entries: readonly Entry<void, void>[] = [];
          try {
            entries = live.endpoints();
          } catch (error) {
            assert.equal((error as KitError).code, "unavailable");
          }
          const addresses = entries.map(({ instance }) => instance.address);
          assert.deepEqual(addresses, [...new Set(addresses)].sort());
          assert(addresses.every((address) => last.includes(address)));
          if (step === "call") {
            for (const { endpoint } of entries) endpoint(undefined, background());
          }
        }
        finishers.splice(0).forEach((finish) => finish());
        await clock.advance(60_000);
        await live[Symbol.asyncDispose]();
        assert.equal(closedTwice, 0, "an endpoint was closed twice");
        assert.equal(open.size, 0, "an endpoint was not closed");
        assert.equal(clock.pending, 0);
      },
    ),
    { numRuns: 10 },
  );
});
