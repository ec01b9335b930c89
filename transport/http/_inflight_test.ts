import assert from "node:assert/strict";
import { KitError } from "@kit/endpoint";
import { FakeClock, settled } from "@kit/endpoint/testing";
import { Inflight, type InflightOptions } from "./_inflight.ts";
import type { Handler } from "./handler.ts";

/** A request whose end the test decides. */
function begin(inflight: Inflight): {
  readonly response: Promise<Response>;
  readonly complete: () => Promise<void>;
} {
  const { promise, resolve } = Promise.withResolvers<void>();
  const response = Promise.resolve(
    inflight.run(new Request("http://h/"), {
      completed: promise,
      remoteAddr: { hostname: "h", port: 1 },
    }),
  );
  return {
    response,
    complete: () => {
      resolve();
      return settled();
    },
  };
}

function tracking(handler: Handler, options: Partial<InflightOptions> = {}) {
  const clock = new FakeClock();
  const inflight = new Inflight(handler, {
    handlerTimeoutMs: 4000,
    bodyTimeoutMs: 2000,
    clock,
    onError: undefined,
    ...options,
  });
  return { clock, inflight };
}

const hang: Handler = () => new Promise<Response>(() => {});
const ok: Handler = () => new Response("ok");

// P11, S2: not before the time, and at most two ticks after
Deno.test("Inflight answers 504 for a handler that hangs", async () => {
  for (const startMs of [0, 1, 499]) {
    const { clock, inflight } = tracking(hang);
    const first = begin(inflight);
    await clock.advance(startMs);
    const { response, complete } = begin(inflight);
    let isAnswered = false;
    response.then(() => isAnswered = true);
    await clock.advance(3999);
    assert(!isAnswered);
    await clock.advance(1001);
    assert(isAnswered);
    const answer = await response;
    assert.equal(answer.status, 504);
    assert.equal((await answer.json()).code, "deadline_exceeded");
    await complete();
    await first.complete();
    await clock.advance(1000);
    assert.equal(clock.pending, 0);
  }
});

// P11, S2
Deno.test("Inflight answers 408 and closes for a body that stalls, once it is being read", async () => {
  const { clock, inflight } = tracking((_, info) => {
    info!.bodyReceived = false;
    return new Promise<Response>(() => {});
  });
  const { response, complete } = begin(inflight);
  let isAnswered = false;
  response.then(() => isAnswered = true);
  await clock.advance(1999);
  assert(!isAnswered);
  await clock.advance(1001);
  const answer = await response;
  assert.equal(answer.status, 408);
  assert.equal(answer.headers.get("connection"), "close");
  assert.equal((await answer.json()).code, "deadline_exceeded");
  await complete();
  inflight[Symbol.dispose]();
});

Deno.test("Inflight lets a handler work on when its body has come or it needs none", async () => {
  for (const bodyReceived of [true, undefined]) {
    const { clock, inflight } = tracking((_, info) => {
      if (bodyReceived) info!.bodyReceived = bodyReceived;
      return new Promise<Response>((resolve) =>
        clock.after(3500, () => resolve(new Response("ok")))
      );
    });
    const { response, complete } = begin(inflight);
    await clock.advance(3500);
    assert.equal((await response).status, 200);
    await complete();
    inflight[Symbol.dispose]();
  }
});

Deno.test("Inflight cancels the body of an answer that comes too late", async () => {
  let isCancelled = false;
  const { promise, resolve } = Promise.withResolvers<Response>();
  const { clock, inflight } = tracking(() => promise);
  const { response, complete } = begin(inflight);
  await clock.advance(6000);
  assert.equal((await response).status, 504);
  resolve(new Response(new ReadableStream({ cancel: () => void (isCancelled = true) })));
  await settled();
  assert(isCancelled);
  await complete();
  inflight[Symbol.dispose]();
});

Deno.test("Inflight leaves a stream alone that was answered in time", async () => {
  let isCancelled = false;
  const { clock, inflight } = tracking(() =>
    new Response(new ReadableStream({ cancel: () => void (isCancelled = true) }))
  );
  const { response, complete } = begin(inflight);
  assert.equal((await response).status, 200);
  await clock.advance(60_000);
  assert(!isCancelled);
  await complete();
  inflight[Symbol.dispose]();
});

// P18: one timer for all, and none when there is nothing
Deno.test("Inflight has one timer for all requests, and none when idle", async () => {
  const { clock, inflight } = tracking(ok);
  assert.equal(clock.pending, 0);
  const requests = Array.from({ length: 100 }, () => begin(inflight));
  assert.equal(clock.pending, 1);
  await clock.advance(500);
  assert.equal(clock.pending, 1);
  for (const { complete } of requests) await complete();
  await clock.advance(500);
  assert.equal(clock.pending, 0);
  const { complete } = begin(inflight);
  assert.equal(clock.pending, 1);
  inflight[Symbol.dispose]();
  assert.equal(clock.pending, 0);
  await complete();
});

Deno.test("Inflight looks around no more often than every millisecond", async () => {
  const { clock, inflight } = tracking(hang, { handlerTimeoutMs: 0.001, bodyTimeoutMs: 1 });
  const { response, complete } = begin(inflight);
  await clock.advance(3);
  assert.equal((await response).status, 504);
  await complete();
  await clock.advance(1);
  const forever = tracking(hang, { handlerTimeoutMs: Infinity, bodyTimeoutMs: Infinity });
  const other = begin(forever.inflight);
  await forever.clock.advance(1_000_000);
  await other.complete();
  await forever.clock.advance(1000);
  assert.equal(forever.clock.pending, 0);
});

// S12
Deno.test("Inflight answers for handlers that throw or reject, though onError throws", async () => {
  for (const error of [new Error("hunter2"), new KitError("not_found", "Gone")]) {
    const handlers: Handler[] = [() => Promise.reject(error), () => {
      throw error;
    }];
    for (const handler of handlers) {
      const told: unknown[] = [];
      const { inflight } = tracking(handler, {
        onError: (error) => {
          told.push(error);
          throw new Error("onError");
        },
      });
      const { response, complete } = begin(inflight);
      const answer = await response;
      assert.equal(answer.status, error instanceof KitError ? 404 : 500);
      assert(!(await answer.text()).includes("hunter2"));
      assert.deepEqual(told, [error]);
      await complete();
      inflight[Symbol.dispose]();
    }
  }
});

// S6
Deno.test("Inflight refuses what comes while it drains, and ends with the last request", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const { inflight } = tracking(() => promise);
  const first = begin(inflight);
  const second = begin(inflight);
  let isDrained = false;
  const drained = inflight.drain().then(() => isDrained = true);
  const refused = await begin(inflight).response;
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("connection"), "close");
  assert.equal((await refused.json()).code, "unavailable");
  resolve(new Response("ok"));
  assert.equal((await first.response).headers.get("connection"), "close");
  await first.complete();
  assert(!isDrained);
  await second.complete();
  await drained;
  await inflight.drain();
  inflight[Symbol.dispose]();
});

Deno.test("Inflight passes on what is known of the client", async () => {
  let address: unknown;
  const { inflight } = tracking((_, info) => {
    address = info!.remoteAddr;
    return Response.error();
  });
  const { response, complete } = begin(inflight);
  inflight.drain();
  // The headers of such a response cannot be changed.
  assert.equal((await response).type, "error");
  assert.deepEqual(address, { hostname: "h", port: 1 });
  await complete();
  inflight[Symbol.dispose]();
});
