import assert from "node:assert/strict";
import {
  background,
  CODES,
  type Context,
  KitError,
  metadata,
  withOutgoing,
  withTimeout,
} from "@kit/endpoint";
import { bomb } from "../http/_support_test.ts";
import { encodeCall } from "./_message.ts";
import { endpoints, everything, Gauntlet, processor, PROTOCOLS } from "./_support_test.ts";
import * as thrift from "./mod.ts";

/** A connection to a processor, without a socket. */
function over(own: thrift.Processor, options: thrift.HandlerOptions = {}): thrift.Connection {
  const handler = thrift.handler(own, options);
  const protocol = options.protocol ?? "binary";
  return thrift.connectHttp("http://localhost/", {
    protocol,
    fetch: async (url, init) => await handler(new Request(url, init)),
  });
}

for (const protocol of PROTOCOLS) {
  Deno.test(`handler() and connectHttp() carry calls, ${protocol}`, async () => {
    const to = endpoints(over(processor(), { protocol }));
    assert.deepEqual(await to.echo({ value: everything }, background()), everything);
    assert.equal(await to.ping({}, background()), undefined);
    await to.tell({ text: "a" }, background());
    assert.equal(await to.told({}, background()), "a");
    await assert.rejects(to.find({ id: "missing" }, background()), { name: "NotFound" });
  });
}

// P4
Deno.test("connectHttp() sends metadata and the deadline, which handler() takes in", async () => {
  const seen: Context[] = [];
  const own = processor({ ping: (_, ctx) => Promise.resolve(void seen.push(ctx)) }, {
    after: [(ctx, { headers }) => {
      headers!.set("x-served-by", "kit");
      return ctx;
    }],
  });
  const { ping } = endpoints(over(own));
  const outgoing = metadata({ "x-request-id": ["7", "8"], host: "evil" });
  using ctx = withTimeout(withOutgoing(background(), outgoing), 5000);
  await ping({}, ctx);
  assert.equal(seen[0]!.metadata.get("x-request-id"), "7, 8");
  assert.notEqual(seen[0]!.metadata.get("host"), "evil");
  const left = seen[0]!.deadline! - ctx.deadline!;
  assert(Math.abs(left) < 100, `${left}`);
  const hooked = thrift.client(over(own), Gauntlet.methods.ping, {
    before: [(ctx, { headers }) => {
      headers!.set("x-hooked", "yes");
      return ctx;
    }],
  });
  await hooked({}, background());
  assert.equal(seen[1]!.metadata.get("x-hooked"), "yes");
  assert.equal(seen[1]!.deadline, undefined);
});

// W7: one table, both ways
for (const code of CODES) {
  if (code === "ok") continue;
  Deno.test(`the code ${code} survives two hops`, async () => {
    const error = new KitError(code, "a\ud800", { retryAfterMs: 5, details: [{ a: [1] }] });
    const inner = endpoints(over(processor({ ping: () => Promise.reject(error) })));
    const outer = endpoints(over(processor({ ping: (request, ctx) => inner.ping(request, ctx) })));
    await assert.rejects(outer.ping({}, background()), {
      code,
      message: "a\ufffd",
      retryAfterMs: 5,
      details: [{ a: [1] }],
    });
    const type = thrift.exceptionTypeOf(code);
    if (type !== 0) assert.equal(thrift.codeOfExceptionType(type), code);
  });
}

async function ask(body: BodyInit, init: RequestInit = {}): Promise<Response> {
  const handler = thrift.handler(processor(), { maxBytes: 1000 });
  return await handler(new Request("http://localhost/", { method: "POST", body, ...init }));
}

Deno.test("handler() answers bad requests by their status", async () => {
  const call = encodeCall("binary", Gauntlet.methods.ping, 1, {}) as Uint8Array<ArrayBuffer>;
  assert.equal((await ask(call)).status, 200);
  assert.equal((await ask(call)).headers.get("content-type"), "application/x-thrift");
  const broken = await ask("GET / HTTP/1.1");
  assert.equal(broken.status, 400);
  assert.match(await broken.text(), /Cannot decode message/);
  assert.equal((await ask(new Uint8Array(1001))).status, 413);
  const declared = { headers: { "content-length": "1001" } };
  assert.equal((await ask(new Uint8Array(1001), declared)).status, 413);
  const headers = { "x-request-timeout-ms": "0" };
  assert.equal((await ask(call, { headers })).status, 504);
  assert.equal((await ask(call, { headers: { "content-encoding": "zip" } })).status, 415);
  const get = await thrift.handler(processor())(new Request("http://localhost/"));
  assert.equal(get.status, 405);
  assert.equal(get.headers.get("allow"), "POST");
});

// P12, S3
Deno.test("handler() counts what is decompressed", async () => {
  const response = await ask(await bomb("gzip", 8), { headers: { "content-encoding": "gzip" } });
  assert.equal(response.status, 413);
});

Deno.test("connectHttp() tells servers that are not Thrift's, and those that are not there", async () => {
  const answer = (response: Response) =>
    endpoints(thrift.connectHttp("http://localhost/", {
      fetch: () => Promise.resolve(response),
      maxBytes: 100,
    })).ping({}, background());
  await assert.rejects(answer(new Response("no", { status: 503 })), { code: "unavailable" });
  await assert.rejects(answer(new Response("hello")), { code: "internal" });
  await assert.rejects(answer(new Response(null)), { code: "internal" });
  await assert.rejects(answer(new Response("a".repeat(101))), { code: "resource_exhausted" });
  const nowhere = thrift.connectHttp("http://127.0.0.1:1/");
  await assert.rejects(endpoints(nowhere).ping({}, background()), { code: "unavailable" });
  assert.throws(() => thrift.connectHttp("ftp://localhost/"), TypeError);
});
