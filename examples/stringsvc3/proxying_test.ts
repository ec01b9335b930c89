import { background, metadata, withOutgoing } from "@kit/endpoint";
import { logfmt, memorySink, nopLogger } from "@kit/log";
import * as http from "@kit/transport/http";
import assert from "node:assert/strict";
import { proxy, proxying } from "./proxying.ts";
import { stringService } from "./service.ts";
import { routes, uppercaseUrl } from "./transport.ts";

/** An instance of the service that counts what it is asked, or answers with something else. */
function instance(answer: http.Handler = routes(stringService())["POST /uppercase"]!) {
  const requests: Request[] = [];
  const server = http.serve((request, info) => {
    requests.push(request);
    return answer(request, info);
  }, { listen: "127.0.0.1:0", signals: [] });
  return {
    requests,
    address: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const down = () => http.problem(new http.HttpError(500, "Broken"));
const ctx = background();
const to = (...instances: string[]) => proxy.parse(instances.join(", "));

Deno.test("proxying() leaves the service alone when there are no instances", async () => { // XS7
  const sink = memorySink();
  await using proxyingTo = proxying(proxy.parse(""), logfmt(sink));
  const service = stringService();
  assert.equal(proxyingTo(service), service);
  assert.deepEqual(sink.lines, ["proxy_to=none"]);
});

Deno.test("proxying() has uppercase done by each instance in turn, and count here", async () => { // XS7
  await using a = instance();
  await using b = instance();
  const sink = memorySink();
  await using proxyingTo = proxying(to(a.address, `http://${b.address}`), logfmt(sink));
  assert.deepEqual(sink.lines, [`proxy_to="[${a.address} http://${b.address}]"`]);
  const service = proxyingTo(stringService());
  for (const s of ["foo", "bar", "baz", "qux"]) {
    assert.equal(await service.uppercase(s, ctx), s.toUpperCase());
  }
  assert.equal(await service.count("foo", ctx), 3);
  for (const { requests } of [a, b]) {
    assert.deepEqual(
      requests.map(({ method, url }) => `${method} ${new URL(url).pathname}`),
      ["POST /uppercase", "POST /uppercase"],
    );
  }
});

for (const body of [`{"v":"A"}`, `{"v":"A","err":""}`, `{"v":"A","err":null}`]) {
  Deno.test(`proxying() takes ${body} for a success`, async () => { // Go leaves an empty err out
    await using a = instance(() => new Response(body));
    await using proxyingTo = proxying(to(a.address), nopLogger);
    assert.equal(await proxyingTo(stringService()).uppercase("a", ctx), "A");
  });
}

Deno.test("proxying() passes a failure of the business on, once, and opens no breaker", async () => {
  await using a = instance();
  await using proxyingTo = proxying(to(a.address), nopLogger);
  const service = proxyingTo(stringService());
  for (let i = 0; i < 20; i++) {
    await assert.rejects(service.uppercase("", ctx), {
      code: "invalid_argument",
      message: "Empty string",
    });
  }
  assert.equal(a.requests.length, 20);
  assert.equal(await service.uppercase("a", ctx), "A");
});

Deno.test("proxying() tries three times, whatever the failure", async () => { // XS7
  await using a = instance(down);
  await using proxyingTo = proxying(to(a.address), nopLogger);
  await assert.rejects(proxyingTo(stringService()).uppercase("a", ctx), {
    message: "Broken (previously: Broken; Broken)",
  });
  assert.equal(a.requests.length, 3);
});

Deno.test("proxying() fails no call when one of three instances is broken", async () => { // P5
  await using a = instance();
  await using b = instance(down);
  await using c = instance();
  await using proxyingTo = proxying(to(a.address, b.address, c.address), nopLogger);
  const service = proxyingTo(stringService());
  for (let i = 0; i < 60; i++) assert.equal(await service.uppercase("a", ctx), "A");
  assert.equal(b.requests.length, 6, "its breaker opens after 6 failures in a row");
});

Deno.test("proxying() tells no name of a host when all are down", async () => { // P19
  const gone = instance();
  await gone[Symbol.asyncDispose]();
  await using proxyingTo = proxying(to(gone.address), nopLogger);
  await assert.rejects(proxyingTo(stringService()).uppercase("a", ctx), {
    code: "unavailable",
    message: "Cannot reach service (previously: Cannot reach service; Cannot reach service)",
  });
});

Deno.test("proxying() gives up after 250 ms", async () => { // XS7
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using a = instance(() => promise);
  await using proxyingTo = proxying(to(a.address), nopLogger);
  const begin = performance.now();
  await assert.rejects(proxyingTo(stringService()).uppercase("a", ctx), {
    code: "deadline_exceeded",
  });
  const tookMs = performance.now() - begin;
  assert(tookMs >= 240 && tookMs < 2000, `took ${tookMs} ms`);
  resolve(new Response());
});

Deno.test("proxying() gives an instance 100 calls a second", async () => { // XS7
  await using a = instance();
  await using proxyingTo = proxying(to(a.address), nopLogger);
  const service = proxyingTo(stringService());
  const begin = performance.now();
  const refused: string[] = [];
  for (let round = 0; round < 50 && refused.length === 0; round++) {
    const calls = Array.from({ length: 20 }, () => service.uppercase("a", ctx));
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === "rejected") refused.push(result.reason.message);
    }
  }
  const tookMs = performance.now() - begin;
  assert.match(refused[0]!, /^Rate limit exceeded/);
  const { length } = a.requests;
  assert(length >= 100 && length <= 101 + tookMs / 10, `${length} in ${tookMs} ms`);
});

Deno.test("proxying() sends the deadline on, and what is outgoing", async () => { // P4
  await using a = instance();
  await using proxyingTo = proxying(to(a.address), nopLogger);
  const outgoing = withOutgoing(ctx, metadata({ "x-request-id": "7" }));
  await proxyingTo(stringService()).uppercase("a", outgoing);
  const { headers } = a.requests[0]!;
  assert.equal(headers.get("x-request-id"), "7");
  assert(Number(headers.get("x-request-timeout-ms")) <= 250);
});

for (
  const [address, url] of [
    ["localhost:8001", "http://localhost:8001/uppercase"],
    ["http://localhost:8001", "http://localhost:8001/uppercase"],
    ["https://localhost/", "https://localhost/uppercase"],
    ["localhost:8001/other", "http://localhost:8001/other"],
    ["http://[::1]:8001", "http://[::1]:8001/uppercase"],
    ["[::1]:8001", "http://[::1]:8001/uppercase"],
  ] as const
) {
  Deno.test(`uppercaseUrl() completes ${address}`, () => { // XS6
    assert.equal(uppercaseUrl(address), url);
    assert.equal(uppercaseUrl(url), url);
  });
}
