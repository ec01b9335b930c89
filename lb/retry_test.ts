import {
  background,
  type Context,
  type Endpoint,
  KitError,
  withSignal,
  withTimeout,
} from "@kit/endpoint";
import { FakeClock, scripted, settled } from "@kit/endpoint/testing";
import type { Entry } from "@kit/sd";
import assert from "node:assert/strict";
import type { Balancer } from "./balancer.ts";
import { retry, type RetryEvent, type RetryOptions } from "./retry.ts";
import { RetryError } from "./retry_error.ts";
import { roundRobin } from "./round_robin.ts";

const down = (message = "down", retryAfterMs?: number) =>
  new KitError("unavailable", message, { ...(retryAfterMs !== undefined && { retryAfterMs }) });
const fails = (error: unknown = down()): Endpoint<string, string> => () => Promise.reject(error);
const ok: Endpoint<string, string> = (s) => Promise.resolve(s.toUpperCase());
/** Never settles, as a server that hangs and a client that ignores its signal. */
const hangs: Endpoint<string, string> = () => new Promise(() => {});

const at = (i: number) => `host${i}:80`;

function over(...endpoints: readonly Endpoint<string, string>[]): Balancer<string, string> {
  const entries: readonly Entry<string, string>[] = endpoints.map((endpoint, i) => ({
    instance: { address: at(i) },
    endpoint,
  }));
  return roundRobin({ endpoints: () => entries });
}

/** Settled outcome of a call, while a test moves the clock. */
function outcome<T>(call: Promise<T>): { value?: T; error?: unknown; atMs?: number } {
  const result: { value?: T; error?: unknown } = {};
  call.then((value) => result.value = value, (error) => result.error = error);
  return result;
}

/** Makes a call in virtual time, to its end. */
async function play(
  balancer: Balancer<string, string>,
  options: RetryOptions,
  given: { readonly ctx?: Context; readonly forMs?: number } = {},
): Promise<{ value?: string; error?: unknown; tookMs: number }> {
  const clock = (options.clock ?? new FakeClock()) as FakeClock;
  const call = retry(balancer, { clock, ...options });
  const startedAt = clock.now();
  let tookMs = NaN;
  const settled = call("hello", given.ctx ?? background()).finally(() =>
    tookMs = clock.now() - startedAt
  );
  const result = outcome(settled);
  await clock.advance(given.forMs ?? 60_000);
  assert.equal(clock.pending, 0, "a timer was left");
  return { ...result, tookMs };
}

const unbounded = { budget: false, backoff: () => 0 } as const;

Deno.test("retry() gives up after 2 of [fail, fail, ok] and succeeds with 3", async () => { // LB6
  const two = await play(over(fails(), fails(), ok), { ...unbounded, maxAttempts: 2 });
  assert(two.error instanceof RetryError);
  assert.equal(two.error.attempts.length, 2);
  const three = await play(over(fails(), fails(), ok), { ...unbounded, maxAttempts: 3 });
  assert.equal(three.value, "HELLO");
});

Deno.test("retry() fails when there are no endpoints, each pick being an attempt", async () => { // LB6, LB7
  const { error } = await play(over(), { ...unbounded, maxAttempts: 999 });
  assert(error instanceof RetryError);
  assert.equal(error.code, "unavailable");
  assert.equal(error.attempts.length, 999);
  assert.equal(error.attempts[0]?.instance, undefined);
});

for (const maxAttempts of [0, -1, 1.5, NaN]) {
  Deno.test(`retry() refuses ${maxAttempts} attempts`, () => { // LB6, S5
    assert.throws(() => retry(over(ok), { maxAttempts }), RangeError);
  });
}

for (const name of ["timeoutMs", "perAttemptMs"]) {
  Deno.test(`retry() refuses a ${name} of zero`, () => {
    assert.throws(() => retry(over(ok), { [name]: 0 }), RangeError);
  });
}

Deno.test("retry() makes exactly one attempt when told so", async () => { // LB6
  const endpoint = scripted<string, string>(down("one"));
  const { error } = await play(over(endpoint), { ...unbounded, maxAttempts: 1 });
  assert.equal(endpoint.calls.length, 1);
  assert.equal((error as RetryError).message, "one");
});

Deno.test("retry() refuses to be built without a balancer", () => { // LB12
  assert.throws(() => retry(undefined as unknown as Balancer<string, string>), TypeError);
});

Deno.test("retry() tells every failure in RetryError", async () => { // LB8
  const errors = ["one", "two", "three"].map((text) => down(text));
  const { error } = await play(over(...errors.map(fails)), unbounded);
  assert(error instanceof RetryError);
  assert.equal(error.message, "three (previously: one; two)");
  assert.equal(error.name, "RetryError");
  assert.equal(error.code, "unavailable");
  assert.equal(error.cause, errors[2]);
  assert.deepEqual(error.attempts.map(({ error }) => error), errors);
  assert.deepEqual(error.attempts.map(({ instance }) => instance?.address), [at(0), at(1), at(2)]);
});

Deno.test("retry() rejects with deadline_exceeded and the history when time is over", async () => { // LB9
  const { error, tookMs } = await play(over(fails(down("one")), hangs), {
    ...unbounded,
    timeoutMs: 250,
  });
  assert.equal(tookMs, 250);
  assert(error instanceof KitError);
  assert.equal(error.code, "deadline_exceeded");
  assert.equal(error.message, "Deadline exceeded");
  const history = error.cause as RetryError;
  assert.deepEqual(history.attempts.map(({ instance }) => instance?.address), [at(0), at(1)]);
});

Deno.test("retry() obeys the deadline of the caller too", async () => { // LB9
  const clock = new FakeClock();
  using ctx = withTimeout(background(), 100, { clock });
  const { error, tookMs } = await play(over(hangs), { clock, timeoutMs: 250 }, { ctx });
  assert.equal(tookMs, 100);
  assert.equal((error as KitError).code, "deadline_exceeded");
});

Deno.test("retry() makes no attempt when the deadline has passed already", async () => {
  const clock = new FakeClock();
  using ctx = withTimeout(background(), -1, { clock });
  const endpoint = scripted<string, string>("never");
  const { error } = await play(over(endpoint), { clock }, { ctx });
  assert.equal((error as KitError).code, "deadline_exceeded");
  assert.equal((error as KitError).cause, undefined);
  assert.equal(endpoint.calls.length, 0);
});

Deno.test("retry() makes no attempt after the deadline although its timer is late", async () => {
  const clock = new FakeClock();
  const endpoint = scripted<string, string>(down());
  const call = retry(over(endpoint), { clock, timeoutMs: 100, backoff: () => 50 });
  const result = outcome(call("hello", background()));
  await settled();
  clock.set(clock.now() + 200);
  await clock.advance(50); // The timer of the deadline is 50 ms away still.
  assert.equal((result.error as KitError).code, "deadline_exceeded");
  assert.equal(endpoint.calls.length, 1);
  assert.equal(clock.pending, 0);
});

Deno.test("retry() rejects with the reason of a caller who cancels a hanging attempt", async () => { // LB9
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const clock = new FakeClock();
  const result = outcome(retry(over(hangs), { clock, timeoutMs: 250 })("hello", ctx));
  await settled();
  const reason = new Error("Closed the tab");
  controller.abort(reason);
  await settled();
  assert.equal(result.error, reason);
  assert.equal(clock.pending, 0);
});

Deno.test("retry() rejects at once when the caller cancels during a wait", async () => {
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  const clock = new FakeClock();
  const endpoint = scripted<string, string>(down());
  const result = outcome(retry(over(endpoint), { clock, backoff: () => 1000 })("hello", ctx));
  await clock.advance(500);
  controller.abort(new Error("Closed the tab"));
  await settled();
  assert.equal((result.error as Error).message, "Closed the tab");
  assert.equal(clock.pending, 0);
  await clock.advance(5000);
  assert.equal(endpoint.calls.length, 1);
});

Deno.test("retry() does not retry what failed because the caller cancelled", async () => { // P1
  const controller = new AbortController();
  using ctx = withSignal(background(), controller.signal);
  let asked = 0;
  const endpoint = scripted<string, string>(() => {
    controller.abort();
    throw down("aborted by us");
  });
  const { error } = await play(over(endpoint), { retryable: () => ++asked > 0 }, { ctx });
  assert.equal((error as DOMException).name, "AbortError");
  assert.equal(endpoint.calls.length, 1);
  assert.equal(asked, 0);
});

Deno.test("retry() aborts an abandoned attempt and drops what it comes to", async () => { // LB10
  const late = Promise.withResolvers<string>();
  const signals: AbortSignal[] = [];
  const { error } = await play(
    over((_, ctx) => (signals.push(ctx.signal), late.promise)),
    { ...unbounded, timeoutMs: 250 },
  );
  assert.equal((error as KitError).code, "deadline_exceeded");
  assert(signals[0]?.aborted);
  late.reject(new Error("late")); // Unhandled, it would end the test run.
  await settled();
});

Deno.test("retry() aborts an attempt that is over its time and makes another", async () => {
  const contexts: Context[] = [];
  const keep = (endpoint: Endpoint<string, string>): Endpoint<string, string> => (request, ctx) => {
    contexts.push(ctx);
    return endpoint(request, ctx);
  };
  const events: RetryEvent[] = [];
  const { value, tookMs } = await play(over(keep(hangs), keep(ok)), {
    ...unbounded,
    timeoutMs: 1000,
    perAttemptMs: 100,
    onRetry: (event) => events.push(event),
  });
  assert.equal(value, "HELLO");
  assert.equal(tookMs, 100);
  assert(contexts[0]?.signal.aborted);
  assert(!contexts[1]?.signal.aborted);
  assert.equal(contexts[1]!.deadline! - contexts[0]!.deadline!, 100);
  assert.deepEqual(events.map(({ number, timedOut }) => [number, timedOut]), [[1, true]]);
});

Deno.test("retry() asks about each failure and stops when told so", async () => { // LB11
  const errors = [down("one"), down("two"), down("three")];
  const asked: unknown[] = [];
  const { error } = await play(over(...errors.map(fails)), {
    ...unbounded,
    maxAttempts: Infinity,
    retryable: (error, { number }) => {
      asked.push([number, error]);
      return number < 2;
    },
  });
  assert.deepEqual(asked, [[1, errors[0]], [2, errors[1]]]);
  assert.equal((error as RetryError).message, "two (previously: one)");
  assert.equal((error as RetryError).cause, errors[1]);
});

Deno.test("retry() fails with the error that was given in place, keeping the originals", async () => { // LB11, S6
  const errors = [down("one"), down("two")];
  const replacement = new KitError("failed_precondition", "Replaced");
  const { error } = await play(over(...errors.map(fails)), {
    ...unbounded,
    retryable: (_, { number }) => number < 2 ? true : Promise.resolve(replacement),
  });
  assert(error instanceof RetryError);
  assert.equal(error.code, "failed_precondition");
  assert.equal(error.message, "Replaced (previously: one)");
  assert.equal(error.cause, replacement);
  assert.deepEqual(error.attempts.map(({ error }) => error), errors);
});

Deno.test("retry() does not wait for an answer about a failure beyond the timeout", async () => {
  const { error, tookMs } = await play(over(fails()), {
    ...unbounded,
    timeoutMs: 250,
    retryable: () => new Promise(() => {}),
  });
  assert.equal((error as KitError).code, "deadline_exceeded");
  assert.equal(tookMs, 250);
});

Deno.test("retry() goes on until success or timeout when nothing else stops it", async () => { // LB12
  let calls = 0;
  const flaky: Endpoint<string, string> = (s, ctx) => ++calls < 500 ? fails()(s, ctx) : ok(s, ctx);
  const options = { budget: false, maxAttempts: Infinity } as const;
  const { value } = await play(over(flaky), options, { forMs: 500 * 250 });
  assert.equal(value, "HELLO");
  const { error } = await play(over(fails(new Error("plain"))), {
    budget: false,
    maxAttempts: Infinity,
    timeoutMs: 1000,
    backoff: () => 10,
    retryable: () => true,
  });
  // Another wait would not end in time, so the failure itself is told.
  assert(error instanceof RetryError);
  assert.equal(error.code, "unknown");
  assert.equal(error.attempts.length, 100);
});

Deno.test("retry() does not spin when it may try for ever without a wait", async () => { // LB13, A24
  const endpoint = scripted<string, string>(down("busy", 0));
  await play(over(endpoint), { ...unbounded, maxAttempts: Infinity, timeoutMs: 100 });
  assert.equal(endpoint.calls.length, 100);
});

Deno.test("retry() waits longer before each retry, by default", async () => { // LB13
  const waits: number[] = [];
  await play(over(fails()), {
    maxAttempts: 6,
    random: () => 0.5,
    onRetry: ({ waitMs }) => waits.push(waitMs),
  });
  assert.deepEqual(waits, [12.5, 25, 50, 100, 125]);
});

Deno.test("retry() never calls an instance twice while another is untried", async () => { // P1
  const seen: (string | undefined)[] = [];
  await play(over(fails(), fails(), fails()), {
    ...unbounded,
    maxAttempts: 6,
    retryable: (_, { instance }) => seen.push(instance?.address) > 0,
  });
  assert.equal(new Set(seen.slice(0, 3)).size, 3);
  assert.equal(new Set(seen.slice(3)).size, 3);
});

Deno.test("retry() starts another round once all were tried", async () => { // P1
  // Like a balancer by hash: always the first that it may.
  const entries = [0, 1, 2].map((i) => ({ instance: { address: at(i) }, endpoint: fails() }));
  const first: Balancer<string, string> = {
    pick: (_request, _ctx, options) =>
      entries.find(({ instance }) => !options?.exclude?.has(instance.address)) ?? entries[0]!,
  };
  const seen: (string | undefined)[] = [];
  await play(first, {
    ...unbounded,
    maxAttempts: 7,
    retryable: (_, { instance }) => seen.push(instance?.address) > 0,
  });
  assert.deepEqual(seen, [0, 1, 2, 0, 1, 2, 0].map(at));
});

Deno.test("retry() moves to an untried instance although other calls moved the balancer", async () => { // P1
  const clock = new FakeClock();
  const counts = [0, 0];
  const count =
    (i: number, endpoint: Endpoint<string, string>): Endpoint<string, string> => (request, ctx) => {
      counts[i]!++;
      return endpoint(request, ctx);
    };
  const balancer = over(count(0, fails()), count(1, ok));
  const call = retry(balancer, { clock, backoff: () => 10 });
  const result = outcome(call("hello", background()));
  await settled();
  balancer.pick("", background()); // Another caller: the next turn would be the failed one's again.
  await clock.advance(10);
  assert.equal(result.value, "HELLO");
  assert.deepEqual(counts, [1, 1]);
});

for (
  const [code, isRetried] of [
    ["unavailable", true],
    ["resource_exhausted", false],
    ["unknown", false],
    ["cancelled", false],
    ["deadline_exceeded", false],
    ["invalid_argument", false],
    ["internal", false],
    ["aborted", false],
    ["unimplemented", false],
  ] as const
) {
  Deno.test(`retry() ${isRetried ? "retries" : "passes on"} ${code}`, async () => { // P1
    const error = new KitError(code, "Failed");
    const endpoint = scripted<string, string>(error, "ok");
    const result = await play(over(endpoint), unbounded);
    if (isRetried) assert.equal(result.value, "ok");
    else assert.equal(result.error, error);
    assert.equal(endpoint.calls.length, isRetried ? 2 : 1);
  });
}

for (
  const [retryAfterMs, tookMs] of [[0, 0], [1000, 1000], [2 ** 31, 2 ** 31], [-1, null], [
    NaN,
    null,
  ], [Infinity, null]] as const
) {
  Deno.test(`retry() obeys a push-back of ${retryAfterMs} ms`, async () => { // O9
    const error = new KitError("resource_exhausted", "Slow down", { retryAfterMs });
    const endpoint = scripted<string, string>(error, "ok");
    const result = await play(over(endpoint), {
      backoff: () => 7,
      retryable: () => true,
    }, { forMs: 2 ** 32 });
    if (tookMs === null) {
      assert.equal((result.error as RetryError).cause, error);
      assert.equal(endpoint.calls.length, 1);
    } else {
      assert.equal(result.value, "ok");
      assert.equal(result.tookMs, tookMs);
    }
  });
}

Deno.test("retry() fails at once when the push-back is longer than the time left", async () => { // O9
  const { error, tookMs } = await play(over(fails(down("later", 5000))), { timeoutMs: 5000 });
  assert(error instanceof RetryError);
  assert.equal(error.retryAfterMs, 5000);
  assert.equal(tookMs, 0);
});

Deno.test("retry() takes a push-back of unavailable for that of one instance", async () => { // O9, P5
  const open = fails(down("Circuit breaker is open", 60_000));
  const balancer = over(open, ok, scripted<string, string>("second", "third"));
  const options = { backoff: () => 7, maxAttempts: 3, timeoutMs: 250 } as const;
  const first = await play(balancer, options);
  assert.deepEqual([first.value, first.tookMs], ["HELLO", 7]);
  // The pick before the wait was the pick: nobody's turn was lost.
  assert.equal((await play(balancer, options)).value, "second");
  const alone = await play(over(open, open), options);
  assert.equal((alone.error as RetryError).attempts.length, 2);
  assert.equal(alone.tookMs, 7);
});

Deno.test("retry() waits out a push-back of resource_exhausted on every instance", async () => { // O9
  const full = new KitError("resource_exhausted", "Quota is used up", { retryAfterMs: 100 });
  const { value, tookMs } = await play(over(fails(full), ok), { backoff: () => 7 });
  assert.deepEqual([value, tookMs], ["HELLO", 100]);
});

Deno.test("retry() stops when the budget is spent", async () => { // P1
  const endpoint = scripted<string, string>(down());
  const budget = { balance: 0, deposit() {}, withdraw: () => false };
  const { error } = await play(over(endpoint), { budget });
  assert(error instanceof RetryError);
  assert.equal(endpoint.calls.length, 1);
});

Deno.test("retry() asks the budget for retries only", async () => {
  let deposits = 0;
  let withdrawals = 0;
  const budget = {
    balance: 0,
    deposit: () => void deposits++,
    withdraw: () => ++withdrawals > 0,
  };
  await play(over(fails(), fails(), ok), { budget });
  assert.deepEqual([deposits, withdrawals], [1, 2]);
  await play(over(fails(new KitError("not_found", "Nothing"))), { budget });
  assert.deepEqual([deposits, withdrawals], [2, 2]);
});

Deno.test("retry() shows nothing of what an endpoint threw that is no KitError", async () => { // P19
  const secret = new Error("password=hunter2");
  const { error } = await play(over(fails(secret)), { ...unbounded, retryable: () => true });
  assert(error instanceof RetryError);
  assert.equal(error.message, "Unknown error (previously: Unknown error; Unknown error)");
  assert.equal(error.attempts[0]?.error, secret);
});

Deno.test("retry() counts an endpoint that throws instead of rejecting as failed", async () => {
  const throws: Endpoint<string, string> = () => {
    throw down();
  };
  assert.equal((await play(over(throws, ok), unbounded)).value, "HELLO");
});

Deno.test("retry() makes no timer and reads no signal when nothing needs it", async () => {
  const clock = new FakeClock();
  const ctx: Context = Object.create(background(), {
    signal: {
      get() {
        throw new Error("The signal was read");
      },
    },
  });
  const call = retry(over((s, ctx) => (assert.equal(clock.pending, 0), ok(s, ctx))), { clock });
  assert.equal(await call("hello", ctx), "HELLO");
});

Deno.test("retry() leaves no listener on the signal of the caller", async () => {
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (
    listeners--, remove(...args)
  );
  using ctx = withSignal(background(), signal);
  for (const options of [{}, { timeoutMs: 100 }, { timeoutMs: 100, perAttemptMs: 10 }]) {
    await play(over(fails(), fails(), ok), { backoff: () => 1, ...options }, { ctx });
    await play(over(fails()), { backoff: () => 1, ...options }, { ctx });
    assert.equal(listeners, 0);
  }
});

Deno.test("retry() retries until the stream is there, then binds it by the timeout", async () => {
  const clock = new FakeClock();
  const signals: AbortSignal[] = [];
  const entries: readonly Entry<string, AsyncIterable<number>>[] = [
    { instance: { address: "a:80" }, endpoint: () => Promise.reject(down()) },
    {
      instance: { address: "b:80" },
      endpoint: (_, ctx) => {
        signals.push(ctx.signal);
        return Promise.resolve(count());
      },
    },
  ];
  async function* count() {
    yield 1;
    yield 2;
    throw down("in the middle");
  }
  const balancer = roundRobin({ endpoints: () => entries });
  const call = retry(balancer, { clock, backoff: () => 0, timeoutMs: 1000, perAttemptMs: 500 });
  const seen: unknown[] = [];
  await assert.rejects(async () => {
    for await (const n of await call("hello", background())) {
      seen.push(n);
      assert(clock.pending > 0, "the deadline no longer holds");
    }
  }, { message: "in the middle" });
  assert.deepEqual(seen, [1, 2]);
  assert.equal(signals.length, 1);
  assert.equal(clock.pending, 0);

  const stream = await call("hello", background());
  await clock.advance(500);
  assert(signals[1]?.aborted);
  for await (const _ of stream) break;
  assert.equal(clock.pending, 0);
});

Deno.test("retry() takes its types from the balancer", async () => {
  const call: Endpoint<string, string> = retry(over(ok));
  // @ts-expect-error A number is not the request.
  await assert.rejects(call(1, background()));
});
