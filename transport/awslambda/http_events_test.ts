import assert from "node:assert/strict";
import type {
  ALBHandler,
  APIGatewayProxyHandler,
  APIGatewayProxyHandlerV2,
  LambdaFunctionURLHandler,
} from "aws-lambda";
import { delay, type KitError, remainingMs } from "@kit/endpoint";
import { FakeClock } from "@kit/endpoint/testing";
import { httpRequest, remoteAddress } from "../http/keys.ts";
import { routes } from "../http/routes.ts";
import { server } from "../http/server.ts";
import { streamServer } from "../http/stream_server.ts";
import { httpEvents, invocationOf } from "./http_events.ts";

/** An event of an HTTP API or a function URL. */
const v2 = (more: object = {}) => ({
  version: "2.0",
  rawPath: "/a%20b",
  rawQueryString: "q=1&q=%C3%A9",
  headers: { host: "api.example", "x-forwarded-proto": "https", "x-list": "1,2" },
  cookies: ["a=1", "b=2"],
  requestContext: { http: { method: "POST", sourceIp: "192.0.2.1" } },
  body: "hello",
  isBase64Encoded: false,
  ...more,
});

/** An event of a REST API. */
const v1 = (more: object = {}) => ({
  resource: "/{proxy+}",
  httpMethod: "POST",
  path: "/a b",
  headers: { host: "api.example", "x-list": "2" },
  multiValueHeaders: { host: ["api.example"], "x-list": ["1", "2"], cookie: ["a=1; b=2"] },
  queryStringParameters: { q: "é" },
  multiValueQueryStringParameters: { q: ["1", "é"] },
  requestContext: { identity: { sourceIp: "192.0.2.1" }, stage: "prod" },
  body: "hello",
  isBase64Encoded: false,
  ...more,
});

/** An event of a load balancer. */
const alb = (more: object = {}) => ({
  httpMethod: "POST",
  path: "/a%20b",
  queryStringParameters: { q: "%C3%A9" },
  headers: {
    host: "api.example",
    "x-list": "1,2",
    cookie: "a=1; b=2",
    "x-forwarded-for": "x, 192.0.2.1",
  },
  requestContext: { elb: { targetGroupArn: "arn" } },
  body: "hello",
  isBase64Encoded: false,
  ...more,
});

const albMulti = (more: object = {}) => ({
  ...alb(),
  headers: undefined,
  queryStringParameters: undefined,
  multiValueHeaders: {
    host: ["api.example"],
    "x-list": ["1", "2"],
    cookie: ["a=1; b=2"],
    "x-forwarded-for": ["192.0.2.1"],
  },
  multiValueQueryStringParameters: { q: ["1", "%C3%A9"] },
  ...more,
});

const forms: [name: string, event: (more?: object) => object, query: string, list: string][] = [
  ["an HTTP API", v2, "?q=1&q=%C3%A9", "1,2"],
  ["a REST API", v1, "?q=1&q=%C3%A9", "1, 2"],
  ["a load balancer", alb, "?q=%C3%A9", "1,2"],
  ["a load balancer with lists", albMulti, "?q=1&q=%C3%A9", "1, 2"],
];
for (const [name, event, query, list] of forms) {
  Deno.test(`httpEvents() makes the request that ${name} tells of`, async () => {
    let seen: Request | undefined;
    const handler = httpEvents(async (request) => {
      seen = request;
      return new Response(await request.text());
    });
    const result = await handler(event());
    assert.equal(result.body, "hello");
    assert(!result.isBase64Encoded);
    assert.equal(seen!.method, "POST");
    assert.equal(seen!.url, `https://api.example/a%20b${query}`);
    assert.equal(seen!.headers.get("x-list"), list);
    assert.equal(seen!.headers.get("cookie"), "a=1; b=2");
    assert.equal(seen!.headers.get("content-length"), "5");
  });

  Deno.test(`httpEvents() takes and answers bytes for ${name}`, async () => {
    const bytes = new Uint8Array([0, 255, 128, 10]);
    const handler = httpEvents(async (request) => new Response(await request.arrayBuffer()));
    const body = btoa(String.fromCharCode(...bytes));
    const result = await handler(event({ body, isBase64Encoded: true }));
    assert.deepEqual([result.body, result.isBase64Encoded], [body, true]);
  });

  Deno.test(`httpEvents() answers errors as problems for ${name}`, async () => {
    const handler = httpEvents(routes({ "GET /": () => new Response() }));
    const result = await handler(event());
    assert.equal(result.statusCode, 404);
    const headers = result.headers ?? {};
    const type = headers["content-type"] ?? result.multiValueHeaders?.["content-type"]?.[0];
    assert.equal(type, "application/problem+json");
  });

  Deno.test(`httpEvents() knows the sender for ${name}`, async () => {
    const handler = httpEvents(
      server((_: unknown, ctx) => Promise.resolve(ctx.value(remoteAddress)), {
        decode: () => undefined,
      }),
    );
    assert.equal((await handler(event())).body, `"192.0.2.1"`);
  });
}

function cookies(): Response {
  const headers = new Headers({ vary: "a" });
  headers.append("vary", "b");
  headers.append("set-cookie", "a=1");
  headers.append("set-cookie", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT");
  return new Response(null, { status: 204, headers });
}

Deno.test("httpEvents() answers each form in its own fields", async () => {
  const handler = httpEvents(cookies);
  const list = ["a=1", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"];
  const shared = { statusCode: 204, body: "", isBase64Encoded: false };
  assert.deepEqual(await handler(v2()), { ...shared, headers: { vary: "a, b" }, cookies: list });
  const multiValueHeaders = { vary: ["a, b"], "set-cookie": list };
  assert.deepEqual(await handler(v1()), { ...shared, multiValueHeaders });
  const statusDescription = "204 OK";
  assert.deepEqual(await handler(albMulti()), { ...shared, statusDescription, multiValueHeaders });
  assert.deepEqual(await handler(alb()), {
    ...shared,
    statusDescription,
    headers: { vary: "a, b", "set-cookie": list[0], "Set-cookie": list[1] },
  });
});

Deno.test("httpEvents() encodes the query of a REST API again, and of no other", async () => {
  const handler = httpEvents((request) => new Response(new URL(request.url).search));
  const decoded = { multiValueQueryStringParameters: { "a&b": ["1=2&3", "c+d %"] } };
  assert.equal((await handler(v1(decoded))).body, "?a%26b=1%3D2%263&a%26b=c%2Bd%20%25");
  const raw = { queryStringParameters: { "a%26b": "1%3D2" } };
  assert.equal((await handler(alb(raw))).body, "?a%26b=1%3D2");
});

Deno.test("httpEvents() keeps text with a byte order mark", async () => {
  const result = await httpEvents(() => new Response("\uFEFFa"))(v2());
  assert.equal(result.body, "\uFEFFa");
});

Deno.test("httpEvents() serves GET without a body, whatever comes", async () => {
  const handler = httpEvents((request) => new Response(`${request.body}`));
  const requestContext = { http: { method: "GET", sourceIp: "" } };
  assert.equal((await handler(v2({ requestContext }))).body, "null");
});

Deno.test("httpEvents() lets no path lead to another host", async () => {
  const handler = httpEvents((request) => new Response(request.url));
  for (
    const [rawPath, url] of [
      ["//evil.example/", "https://api.example//evil.example/"],
      ["@evil.example", "https://api.example/@evil.example"],
      ["/a?b#c", "https://api.example/a%3Fb%23c"],
      ["", "https://api.example/"],
    ]
  ) {
    assert.equal((await handler(v2({ rawPath, rawQueryString: "" }))).body, url);
  }
  const headers = { host: "evil.example/a?b" };
  const { body } = await handler(v2({ headers, rawPath: "/x", rawQueryString: "" }));
  assert.equal(new URL(body).pathname, "/x");
});

Deno.test("httpEvents() answers 400 where no request can be made", async () => {
  const handler = httpEvents(() => new Response());
  for (
    const more of [
      { headers: { "bad name": "x" } },
      { requestContext: { http: { method: "TRACE" } } },
      { body: "%%%", isBase64Encoded: true },
    ]
  ) {
    assert.equal((await handler(v2(more))).statusCode, 400);
  }
});

Deno.test("httpEvents() rejects for what tells of no HTTP request", async () => {
  const handler = httpEvents(() => new Response());
  for (const event of [null, undefined, 1, {}, { Records: [] }, { requestContext: {} }]) {
    await assert.rejects(handler(event), { name: "invalid_argument" });
  }
});

// S12
Deno.test("httpEvents() shows nothing of what a handler throws", async () => {
  const told: unknown[] = [];
  const handler = httpEvents(() => Promise.reject(new Error("hunter2")), {
    onError: (error) => {
      told.push((error as Error).message);
      throw error;
    },
  });
  const result = await handler(v2());
  assert.equal(result.statusCode, 500);
  assert.doesNotMatch(result.body, /hunter2/);
  assert.deepEqual(told, ["hunter2"]);
});

// P4
Deno.test("httpEvents() answers 504 before Lambda gives up, and tells the handler", async () => {
  for (const where of ["handler", "body"]) {
    const clock = new FakeClock(Date.now());
    let reason: unknown;
    let isCancelled = false;
    const handler = httpEvents((_, info) => {
      info!.signal!.addEventListener("abort", () => reason = info!.signal!.reason);
      if (where === "handler") return new Promise(() => {});
      return new Response(new ReadableStream({ cancel: () => void (isCancelled = true) }));
    }, { clock });
    const answer = handler(v2(), { getRemainingTimeInMillis: () => 1000 });
    await clock.advance(900);
    assert.equal((await answer).statusCode, 504);
    assert.equal((reason as KitError).code, "deadline_exceeded");
    assert.equal(isCancelled, where === "body");
    assert.equal(clock.pending, 0);
  }
});

Deno.test("httpEvents() tells the deadline, the caller's own if that is earlier", async () => {
  const handler = httpEvents(
    server((_: unknown, ctx) => Promise.resolve(remainingMs(ctx)), {
      decode: () => undefined,
    }),
  );
  const context = { getRemainingTimeInMillis: () => 10_000 };
  const ownMs = async (more: object) => Number((await handler(v2(more), context)).body);
  const leftMs = await ownMs({});
  assert(leftMs > 5000 && leftMs <= 9900, `${leftMs}`);
  assert(await ownMs({ headers: { "x-request-timeout-ms": "2000" } }) <= 2000);
  assert(await ownMs({ headers: { "x-request-timeout-ms": "60000" } }) <= 9900);
});

Deno.test("httpEvents() gathers a stream, up to maxBytes", async () => {
  const count = streamServer((_: unknown) =>
    Promise.resolve((async function* () {
      for (let n = 0;; n++) {
        await delay(0);
        if (n === 3) return;
        yield n;
      }
    })()), { decode: () => undefined });
  const { body } = await httpEvents(count)(v2());
  assert.equal(body, `{"item":0}\n{"item":1}\n{"item":2}\n{"end":true}\n`);
  const large = await httpEvents(() => new Response("x".repeat(11)), { maxBytes: 10 })(v2());
  assert.equal(large.statusCode, 500);
});

Deno.test("invocationOf() finds the event of a request", async () => {
  const event = v2();
  const handler = httpEvents(
    server(
      (_: unknown, ctx) => Promise.resolve(invocationOf(ctx.value(httpRequest)!)?.event === event),
      {
        decode: () => undefined,
      },
    ),
  );
  assert.equal((await handler(event)).body, "true");
  assert.equal(invocationOf(new Request("http://localhost")), undefined);
});

Deno.test("httpEvents() refuses bad options", () => {
  assert.throws(() => httpEvents(cookies, { marginMs: -1 }), RangeError);
  assert.throws(() => httpEvents(cookies, { maxBytes: 0 }), RangeError);
});

Deno.test("httpEvents() has the types of AWS's handlers", () => {
  const handler = httpEvents(cookies);
  const http: APIGatewayProxyHandlerV2 = handler;
  const url: LambdaFunctionURLHandler = handler;
  const rest = handler as APIGatewayProxyHandler;
  const balancer = handler as ALBHandler;
  assert(new Set<unknown>([http, url, rest, balancer]).size === 1);
});
