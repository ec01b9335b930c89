import assert from "node:assert/strict";
import { client } from "./http/client.ts";
import { server } from "./http/server.ts";
import { background, type KitError } from "@kit/endpoint";
import { type Schema, type SchemaIssue, type SchemaResult, validate } from "./schema.ts";

function schema<T>(
  check: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>,
): Schema<T> {
  return { "~standard": { version: 1, vendor: "test", validate: check } };
}

/** As zod shapes it: a class with more on it, paths of bare keys, validation that may be async. */
class ZodLike implements Schema<{ s: string }> {
  readonly _def = { typeName: "ZodObject" };
  readonly "~standard": Schema<{ s: string }>["~standard"];

  constructor(isAsync: boolean) {
    this["~standard"] = {
      version: 1,
      vendor: "zod",
      validate: (value) => {
        const s = (value as { s?: unknown } | null)?.s;
        const result = typeof s === "string"
          ? { value: { s: s.trim() } }
          : { issues: [{ message: "expected string, received number", path: ["s"] }] };
        return isAsync ? Promise.resolve(result) : result;
      },
    };
  }
}

/** As valibot shapes it: a plain object, paths of items that know more than their key. */
const valibotLike: Schema<{ s: string }> = Object.freeze({
  kind: "schema",
  type: "object",
  "~standard": {
    version: 1 as const,
    vendor: "valibot",
    validate: (value: unknown) =>
      typeof (value as { s?: unknown } | null)?.s === "string"
        ? { value: { s: (value as { s: string }).s.trim() }, issues: undefined }
        : {
          issues: [{
            message: "expected string, received number",
            path: [{ type: "object", origin: "value", input: value, key: "s", value: 1 }],
          }],
        },
  },
});

for (
  const [name, like] of Object.entries({
    zod: new ZodLike(false),
    "async zod": new ZodLike(true),
    valibot: valibotLike,
  })
) {
  Deno.test(`server() validates with a schema of ${name}'s shape`, async () => {
    const handler = server((request: { s: string }) => Promise.resolve(request), { schema: like });
    const ask = async (body: string) =>
      await handler(new Request("http://localhost/", { method: "POST", body }));
    assert.deepEqual(await (await ask(`{"s":" a "}`)).json(), { s: "a" });
    for (const body of [`{"s":1}`, `{}`, `[]`, `null`, `7`, `"s"`]) {
      const response = await ask(body);
      assert.equal(response.status, 400);
      const answer = await response.json();
      assert.equal(answer.code, "invalid_argument");
      assert.equal(answer.detail, "Cannot decode request: /s expected string, received number");
      assert.deepEqual(answer.errors, [{
        pointer: "/s",
        detail: "expected string, received number",
      }]);
    }
  });

  Deno.test(`client() rejects with internal when a schema of ${name}'s shape refuses`, async () => {
    const call = client<null, { s: string }>("http://localhost/", {
      schema: like,
      fetch: (_, init) => Promise.resolve(new Response(init.body as string)),
      encode: (_, outgoing) => void (outgoing.body = `{"s":1}`),
    });
    await assert.rejects(Promise.resolve(call(null, background())), {
      code: "internal",
      message: "Cannot decode response: /s expected string, received number",
    });
  });
}

Deno.test("validate() gives the value at once or as a promise, as the schema does", async () => {
  assert.equal(validate(schema(() => ({ value: 1 })), 0, "request"), 1);
  const later = validate(schema(() => Promise.resolve({ value: 1 })), 0, "request");
  assert(later instanceof Promise);
  assert.equal(await later, 1);
  await assert.rejects(
    async () =>
      await validate(schema(() => Promise.resolve({ issues: [{ message: "no" }] })), 0, "x"),
    { code: "invalid_argument", message: "Cannot decode x: no" },
  );
});

const paths: [SchemaIssue["path"], string][] = [
  [undefined, ""],
  [[], ""],
  [["a", 0, "b"], "/a/0/b"],
  [["a/b", "c~d", ""], "/a~1b/c~0d/"],
  [[{ key: "a" }, { key: 1 }], "/a/1"],
  [[Symbol("s")], "/Symbol(s)"],
];
for (const [path, pointer] of paths) {
  Deno.test(`validate() points to ${JSON.stringify(pointer)}`, () => {
    const issue = { message: "no", ...(path === undefined ? {} : { path }) };
    assert.throws(
      () => validate(schema(() => ({ issues: [issue] })), 0, "request"),
      (error: KitError) => {
        assert.deepEqual(error.details, [{ pointer, detail: "no" }]);
        return true;
      },
    );
  });
}

Deno.test("validate() tells a hundred issues of a million", () => {
  const issues = Array.from({ length: 1_000_000 }, (_, i) => ({ message: "no", path: [i] }));
  assert.throws(
    () => validate(schema(() => ({ issues })), 0, "request"),
    (error: KitError) => {
      assert.equal(error.details.length, 100);
      assert.match(error.message, /; and 999900 more$/);
      return true;
    },
  );
});

// S12
Deno.test("server() and client() show nothing of a schema that throws", async () => {
  const broken = schema<unknown>(() => {
    throw new Error("password=hunter2");
  });
  const handler = server((request) => Promise.resolve(request), { schema: broken });
  const response = await handler(new Request("http://localhost/", { method: "POST", body: "1" }));
  assert.equal(response.status, 500);
  assert(!(await response.text()).includes("hunter2"));
  const call = client("http://localhost/", {
    schema: broken,
    fetch: () => Promise.resolve(new Response("1")),
  });
  await assert.rejects(call(1, background()), { name: "Error", message: "password=hunter2" });
});
