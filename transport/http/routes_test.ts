import assert from "node:assert/strict";
import { Raw, serving } from "./_support_test.ts";
import type { Handler } from "./handler.ts";
import { routes } from "./routes.ts";

const say = (text: string): Handler => () => new Response(text);

/** A handler whose requests have the URL as a host hands it on, and not as `Request` resolves it. */
async function ask(handler: Handler, method: string, url: string): Promise<Response> {
  const request = new Proxy(new Request("http://h/", { method }), {
    get: (target, name) => name === "url" ? url : Reflect.get(target, name, target),
  });
  return await handler(request);
}

const handler = routes({
  "GET /a": say("get a"),
  "POST /a": say("post a"),
  "HEAD /head": say("head"),
  "GET /head": say("get head"),
  "/any": say("any"),
  "PUT /any": say("put any"),
  "GET /": say("root"),
  "GET /files/*": say("files"),
  "GET /files/deep/*": say("deep"),
  "POST /files/deep/*": say("post deep"),
  "GET /files/exact": say("exact"),
});

const found: [string, string, string][] = [
  ["GET", "http://h/a", "get a"],
  ["POST", "http://h/a", "post a"],
  ["GET", "http://h/a?b=/any#/any", "get a"],
  ["HEAD", "http://h/a", "get a"],
  ["HEAD", "http://h/head", "head"],
  ["DELETE", "http://h/any", "any"],
  ["PUT", "http://h/any", "put any"],
  ["GET", "https://user@h:80/", "root"],
  ["GET", "http://h/files/", "files"],
  ["GET", "http://h/files/x/y", "files"],
  ["GET", "http://h/files/deep/x", "deep"],
  ["GET", "http://h/files/exact", "exact"],
  ["GET", "http://h/files/./exact", "exact"],
  ["GET", "http://h/b/../a", "get a"],
  // What looks like a file but leads elsewhere
  ["GET", "http://h/files/../a", "get a"],
  ["GET", "http://h/files/%2e%2E/a", "get a"],
  ["GET", "http://h/files\\..\\a", "get a"],
  ["GET", "http://h/files/.%2e/a", "get a"],
];
for (const [method, url, text] of found) {
  Deno.test(`routes() sends ${method} ${url} to "${text}"`, async () => {
    const response = await ask(handler, method, url);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), text);
  });
}

const missing = [
  "/b",
  "/a/",
  "/A",
  "/files",
  "/__proto__",
  "/constructor",
  "/toString",
  "//a",
  "*",
];
for (const path of missing) {
  Deno.test(`routes() answers 404 for ${path}`, async () => {
    const response = await ask(handler, "GET", `http://h${path}`);
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.equal((await response.json()).code, "not_found");
  });
}

const refused: [string, string, string][] = [
  ["PUT", "/a", "GET, POST, HEAD"],
  ["DELETE", "/files/deep/x", "GET, POST, HEAD"],
  ["POST", "/head", "HEAD, GET"],
];
for (const [method, path, allow] of refused) {
  Deno.test(`routes() answers 405 with Allow for ${method} ${path}`, async () => {
    const response = await ask(handler, method, `http://h${path}`);
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), allow);
    assert.equal((await response.json()).code, "unimplemented");
  });
}

// S9
Deno.test("routes() knows no method but those of the table", async () => {
  const handler = routes({ "GET /a": say("a") });
  for (const method of ["PATCH", "PROPFIND", "__proto__", "constructor", "*"]) {
    await serving(handler, async (_, port) => {
      using raw = await Raw.connect(port);
      await raw.write(`${method} /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      assert.match(await raw.readAll(), /^HTTP\/1\.1 405 /);
    });
  }
});

// Section 7 of PROMISES: a prefix cannot be left by dots on a real wire either
Deno.test("routes() resolves the path as new URL() does, for what a host hands on", async () => {
  const handler = routes({
    "/public/*": (request) => new Response(`public ${new URL(request.url).pathname}`),
    "/admin": say("admin"),
  });
  await serving(handler, async (_, port) => {
    for (const path of ["/public/../admin", "/public/%2e%2e/admin", "/public\\..\\admin"]) {
      using raw = await Raw.connect(port);
      await raw.write(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      assert.match(await raw.readAll(), /\r\n\r\nadmin$/);
    }
  });
});

Deno.test("routes() refuses keys of another form", () => {
  for (
    const key of ["", "a", "GET a", "GET  /a", "get /a", "FOO /a", "GET /a b", "GET", " /a", "* /a"]
  ) {
    assert.throws(() => routes({ [key]: say("") }), {
      name: "TypeError",
      message: /METHOD \/path/,
    });
  }
});

Deno.test("routes() hands the info on and gives back what the handler gives", () => {
  const response = new Response("x");
  const info = {};
  const handler = routes({
    "/": (_, got) => {
      assert.equal(got, info);
      return response;
    },
  });
  assert.equal(handler(new Request("http://h/"), info), response);
});
