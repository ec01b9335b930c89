import { KitError } from "@kit/endpoint";
import * as http from "@kit/transport/http";
import assert from "node:assert/strict";
import { type StringService, stringService } from "./service.ts";
import { routes } from "./transport.ts";

const handler = http.routes(routes(stringService()));

async function post(
  path: string,
  body: BodyInit,
  handle = handler,
): Promise<[status: number, type: string | null, body: string]> {
  const request = new Request(`http://localhost${path}`, { method: "POST", body });
  const response = await handle(request);
  return [response.status, response.headers.get("content-type"), await response.text()];
}

for (
  const [path, body, answer] of [
    ["/uppercase", `{"s":"hello, world"}`, `{"v":"HELLO, WORLD","err":null}\n`],
    ["/count", `{"s":"hello, world"}`, `{"v":12}\n`],
    ["/uppercase", `{"s":""}`, `{"v":"","err":"Empty string"}\n`],
    ["/count", `{"s":""}`, `{"v":0}\n`],
    ["/count", `{"s":"héllo"}`, `{"v":6}\n`],
    ["/uppercase", `{"s":"straße ŉ"}`, `{"v":"STRAßE ŉ","err":null}\n`],
    // Other than Go, with the same meaning: the type is JSON, so there is no HTML to be safe from.
    ["/uppercase", `{"s":"a<b>&c"}`, `{"v":"A<B>&C","err":null}\n`],
    ["/uppercase", ` {"x":[{}],"s":"a"}\n`, `{"v":"A","err":null}\n`],
  ] as const
) {
  Deno.test(`POST ${path} answers ${body.trim()} as Go kit does`, async () => { // XS1, W1
    assert.deepEqual(await post(path, body), [200, "application/json", answer]);
  });
}

const notUtf8 = Uint8Array.from([...new TextEncoder().encode(`{"s":"`), 0xff, 0x22, 0x7d]);

// Go answers 500 to some of these, and takes others for an empty string.
for (
  const [what, body, detail] of [
    ["an empty body", "", "Cannot decode body as it is empty"],
    ["no JSON", "nope", "Cannot decode body as it is not JSON"],
    ["half an object", `{"s":"a"`, "Cannot decode body as it is not JSON: error at position 8"],
    ["two objects", `{"s":"a"}{}`, "Cannot decode body as it is not JSON: error at position 9"],
    ["null", "null", "Cannot decode request: Invalid input: expected object, received null"],
    ["an array", `["a"]`, "Cannot decode request: Invalid input: expected object, received array"],
    ["text", `"a"`, "Cannot decode request: Invalid input: expected object, received string"],
    [
      "an object without s",
      "{}",
      "Cannot decode request: /s Invalid input: expected string, received undefined",
    ],
    [
      "a number as s",
      `{"s":1}`,
      "Cannot decode request: /s Invalid input: expected string, received number",
    ],
    [
      "S for s",
      `{"S":"a"}`,
      "Cannot decode request: /s Invalid input: expected string, received undefined",
    ],
    ["a key twice", `{"s":"a","s":"b"}`, `Cannot decode body as key "s" occurs twice`],
    [
      "a key twice in disguise",
      `{"s":"a","\\u0073":"b"}`,
      `Cannot decode body as key "s" occurs twice`,
    ],
    ["bytes that are not UTF-8", notUtf8, "Cannot decode body as it is not UTF-8"],
  ] as const
) {
  Deno.test(`POST /uppercase refuses ${what}`, async () => { // XS1, W2
    const [status, type, text] = await post("/uppercase", body);
    assert.deepEqual([status, type], [400, "application/problem+json"]);
    assert.equal(JSON.parse(text).detail, detail);
    assert.equal(JSON.parse(text).code, "invalid_argument");
  });
}

Deno.test("GET /uppercase is refused with what is allowed", async () => {
  const response = await handler(new Request("http://localhost/uppercase"));
  assert.equal(response.status, 405);
  assert.equal(response.headers.get("allow"), "POST");
});

Deno.test("POST /count answers an error of its endpoint with a status", async () => {
  const service: StringService = {
    ...stringService(),
    count: () => Promise.reject(new KitError("unavailable", "Cannot count today")),
  };
  const [status, type, text] = await post("/count", `{"s":"a"}`, http.routes(routes(service)));
  assert.deepEqual([status, type], [503, "application/problem+json"]);
  assert.equal(JSON.parse(text).detail, "Cannot count today");
});
