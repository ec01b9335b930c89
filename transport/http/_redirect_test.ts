import assert from "node:assert/strict";
import { background } from "@kit/endpoint";
import { serving } from "./_support_test.ts";
import { client } from "./client.ts";
import { followWithinOrigin } from "./_redirect.ts";

type Call = [method: string | undefined, url: string, body: unknown, headers: string[]];

/** Follows from `http://h/a`, where the answers are given in order, the last one for ever. */
async function follow(
  answers: readonly [status: number, location: string | null][],
  init: RequestInit = {},
): Promise<{ calls: Call[]; status: number }> {
  const calls: Call[] = [];
  const fetch = followWithinOrigin((url, { method, body, headers }) => {
    calls.push([method, url, body, [...new Headers(headers).keys()]]);
    const [status, location] = answers[Math.min(calls.length, answers.length) - 1]!;
    return Promise.resolve(
      new Response(status === 200 ? "done" : null, {
        status,
        headers: location === null ? {} : { location },
      }),
    );
  });
  const response = await fetch("http://h/a", init);
  await response.body?.cancel();
  return { calls, status: response.status };
}

const ok: [number, null] = [200, null];

// S7: https://fetch.spec.whatwg.org/#http-redirect-fetch
const methods: [number, string, string][] = [
  [301, "POST", "GET"],
  [302, "POST", "GET"],
  [303, "POST", "GET"],
  [303, "PUT", "GET"],
  [303, "HEAD", "HEAD"],
  [303, "GET", "GET"],
  [301, "PUT", "PUT"],
  [302, "DELETE", "DELETE"],
  [307, "POST", "POST"],
  [308, "PUT", "PUT"],
];
for (const [status, method, next] of methods) {
  Deno.test(`followWithinOrigin() follows ${status} of ${method} by ${next}`, async () => {
    const headers = { "content-type": "text/plain", "x-api-key": "k" };
    const { calls } = await follow([[status, "b?c"], ok], { method, body: "x", headers });
    const isKept = method === next;
    assert.deepEqual(calls[1], [
      next,
      "http://h/b?c",
      isKept ? "x" : null,
      isKept ? ["content-type", "x-api-key"] : ["x-api-key"],
    ]);
  });
}

// S7
const elsewhere = [
  "http://other/b",
  "http://h:81/b",
  "https://h/b",
  "//other/b",
  "file:///etc/passwd",
  "data:text/plain,x",
  "http://u:p@h/b",
  "http://",
  "javascript:0",
];
for (const location of elsewhere) {
  Deno.test(`followWithinOrigin() does not follow to ${location}`, async () => {
    const { calls, status } = await follow([[302, location], ok], { method: "POST", body: "x" });
    assert.equal(calls.length, 1);
    assert.equal(status, 302);
  });
}

Deno.test("followWithinOrigin() does not follow what is no redirect, or leads nowhere", async () => {
  for (
    const [status, location] of [[300, "/b"], [304, "/b"], [305, "/b"], [201, "/b"], [
      302,
      null,
    ]] as const
  ) {
    assert.equal((await follow([[status, location], ok])).calls.length, 1);
  }
});

Deno.test("followWithinOrigin() does not send a stream twice", async () => {
  const body = ReadableStream.from([new Uint8Array(1)]);
  assert.equal((await follow([[307, "/b"], ok], { method: "POST", body })).status, 307);
  assert.equal((await follow([[303, "/b"], ok], { method: "POST", body })).status, 200);
});

// S7: 21 hops
Deno.test("followWithinOrigin() gives up after 20 redirects", async () => {
  const { calls, status } = await follow([[302, "/again"]]);
  assert.equal(calls.length, 21);
  assert.equal(status, 302);
});

// S7, P19: on the wire
Deno.test("client() with follow stays on the origin and takes no key elsewhere", async () => {
  const seen: (string | null)[] = [];
  await serving((request) => {
    seen.push(request.headers.get("x-api-key"));
    return new Response(`"elsewhere"`);
  }, async (other) => {
    await serving((request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/away") return Response.redirect(other, 307);
      return pathname === "/near"
        ? new Response("moved", { status: 308, headers: { location: "/here" } })
        : new Response(request.body);
    }, async (url) => {
      const at = (path: string) =>
        client<unknown, unknown>(url + path, {
          redirect: "follow",
          before: [(ctx, headers) => {
            headers.set("x-api-key", "secret");
            return ctx;
          }],
        })({ a: 1 }, background());
      assert.deepEqual(await at("/near"), { a: 1 });
      await assert.rejects(at("/away"), { message: "Call failed with status 307" });
    });
  });
  assert.deepEqual(seen, []);
});
