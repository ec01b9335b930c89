import assert from "node:assert/strict";
import { apply, background, type Endpoint, withDeadline } from "@kit/endpoint";
import { FakeClock, scripted } from "@kit/endpoint/testing";
import { rateLimit } from "./rate_limit.ts";
import { rateLimitWait } from "./rate_limit_wait.ts";
import { tokenBucket } from "./token_bucket.ts";

Deno.test("rateLimit() refuses what is over the rate and does not call the endpoint (RL1)", async () => {
  const clock = new FakeClock();
  const endpoint = scripted<string, number>(1);
  const call = apply(endpoint, rateLimit(tokenBucket({ limit: 1 / 60, burst: 1, clock })));
  assert.equal(await call("a", background()), 1);
  await assert.rejects(call("b", background()), {
    name: "RateLimitError",
    code: "resource_exhausted",
    message: "Rate limit exceeded",
    retryAfterMs: 60_000,
  });
  assert.equal(endpoint.calls.length, 1);
  clock.tick(60_000);
  await call("c", background());
});

Deno.test("rateLimit() takes any object that allows (RL3)", async () => {
  const answers = [true, false];
  const call = rateLimit({ allow: () => answers.shift()! })(scripted<string, number>(1));
  assert.equal(await call("a", background()), 1);
  await assert.rejects(call("b", background()), {
    code: "resource_exhausted",
    retryAfterMs: undefined,
  });
});

Deno.test("rateLimit() tells no time to come back when there is none", async () => {
  const call = rateLimit(tokenBucket({ limit: 0, burst: 0 }))(scripted<string, number>(1));
  await assert.rejects(call("a", background()), { retryAfterMs: undefined });
});

Deno.test("rateLimit() returns the promise of the endpoint itself", () => {
  const promise = Promise.resolve(1);
  const call = rateLimit({ allow: () => true })(() => promise);
  assert.equal(call({}, background()), promise);
});

Deno.test("rateLimit() shares a bucket among endpoints", async () => {
  const limited = rateLimit(tokenBucket({ limit: 0, burst: 1 }));
  await limited(scripted<string, number>(1))("a", background());
  await assert.rejects(limited(scripted<string, number>(1))("a", background()));
});

Deno.test("rateLimitWait() holds a call back until it fits (RL2)", async () => {
  const clock = new FakeClock();
  const endpoint = scripted<string, number>(1);
  const call = apply(endpoint, rateLimitWait(tokenBucket({ limit: 10, burst: 1, clock })));
  await call("a", background());
  const second = call("b", background());
  await clock.advance(99);
  assert.equal(endpoint.calls.length, 1);
  await clock.advance(1);
  assert.equal(await second, 1);
});

Deno.test("rateLimitWait() fails at once when the wait would pass the deadline (RL2)", async () => {
  const clock = new FakeClock();
  const endpoint = scripted<string, number>(1);
  const call = rateLimitWait(tokenBucket({ limit: 1 / 60, burst: 1, clock }))(endpoint);
  using ctx = withDeadline(background(), clock.now() + 500, { clock });
  await call("a", ctx);
  await assert.rejects(call("b", ctx), { message: /exceed context deadline/ });
  assert.equal(endpoint.calls.length, 1);
});

Deno.test("rateLimitWait() takes any object that waits (RL3)", async () => {
  const call = rateLimitWait({ wait: () => Promise.reject(new Error("full")) })(
    scripted<string, number>(1),
  );
  await assert.rejects(call("a", background()), { message: "full" });
});

Deno.test("rateLimit() and rateLimitWait() count a stream once", async () => {
  const count: Endpoint<number, AsyncIterable<number>> = (n) =>
    Promise.resolve(ReadableStream.from(Array(n).keys()));
  const bucket = tokenBucket({ limit: 0, burst: 2 });
  const call = apply(count, rateLimit(bucket), rateLimitWait(bucket));
  assert.deepEqual(await Array.fromAsync(await call(5, background())), [0, 1, 2, 3, 4]);
  assert.equal(bucket.tokens, 0);
});
