// Kit's handlers under AWS's own runtime interface client for Node, and AWS's own types and events for
// Go: `fetch_lambda` of _tools/services.sh.
import assert from "node:assert/strict";
import { parseFunctionError } from "./function_error.ts";
import { httpEvents } from "./http_events.ts";
import { routes } from "../http/routes.ts";
import { server } from "../http/server.ts";

const RIC = Deno.env.get("KIT_LAMBDA_RIC");
const GO = Deno.env.get("KIT_LAMBDA_GO");
const EVENTS = Deno.env.get("KIT_LAMBDA_EVENTS");

function test(name: string, peer: string | undefined, fn: () => Promise<void>): void {
  const ignore = peer === undefined;
  Deno.test({ name: ignore ? `${name} (no peer: source services.sh)` : name, ignore, fn });
}

interface Answer {
  readonly kind: "response" | "error";
  readonly body: string;
}

/** The side of Lambda: hands out invocations and takes the answers. */
class Lambda implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #folder: string;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;
  #next = Promise.withResolvers<[payload: unknown, timeoutMs: number, client?: unknown]>();
  #answer = Promise.withResolvers<Answer>();
  #id = 0;

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#serve(request),
    );
    this.#child = new Deno.Command("node", {
      args: [RIC!],
      cwd: folder,
      env: {
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${this.#server.addr.port}`,
        _HANDLER: `index.${name}`,
        LAMBDA_TASK_ROOT: folder,
        AWS_LAMBDA_FUNCTION_NAME: "kit",
        AWS_LAMBDA_FUNCTION_VERSION: "1",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
        AWS_LAMBDA_LOG_GROUP_NAME: "g",
        AWS_LAMBDA_LOG_STREAM_NAME: "s",
      },
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#output = new Response(this.#child.stdout).text();
  }

  /** Runs the handler of that name under the runtime interface client. */
  static async start(name: string): Promise<Lambda> {
    const folder = await Deno.makeTempDir();
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "-q", "-o", `${folder}/index.mjs`, "testdata/ric_handler.ts"],
      cwd: import.meta.dirname!,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return new Lambda(folder, name);
  }

  async invoke(payload: unknown, timeoutMs = 3000, client?: unknown): Promise<Answer> {
    this.#answer = Promise.withResolvers();
    this.#next.resolve([payload, timeoutMs, client]);
    return await this.#answer.promise;
  }

  async #serve(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname.replace("/2018-06-01/runtime/invocation/", "");
    if (path === "next") {
      const [payload, timeoutMs, client] = await this.#next.promise;
      this.#next = Promise.withResolvers();
      return Response.json(payload, {
        headers: {
          "lambda-runtime-aws-request-id": `request-${++this.#id}`,
          "lambda-runtime-deadline-ms": String(Date.now() + timeoutMs),
          "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-west-1:1:function:kit",
          "lambda-runtime-trace-id": "Root=1-0-0",
          ...(client === undefined
            ? {}
            : { "lambda-runtime-client-context": JSON.stringify(client) }),
        },
      });
    }
    const [, kind] = path.split("/");
    const body = await request.text();
    this.#answer.resolve({ kind: kind as Answer["kind"], body });
    return Response.json({ status: "OK" }, { status: 202 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#output;
    await this.#server.shutdown();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

// LA1, LA3
test("server() answers invocations of AWS's runtime for Node", RIC, async () => {
  await using lambda = await Lambda.start("upper");
  assert.deepEqual(await lambda.invoke({ s: "hello" }, 3000, { custom: { user: "ada" } }), {
    kind: "response",
    body: `{"v":"HELLO","id":"request-1","user":"ada","isTimed":true}`,
  });
  const missing = await lambda.invoke({ s: "missing" });
  assert.equal(missing.kind, "error");
  const { code, message } = parseFunctionError(missing.body);
  assert.deepEqual([code, message], ["not_found", `Cannot find "missing"`]);
  const secret = await lambda.invoke({ s: "secret" });
  assert.equal(parseFunctionError(secret.body).message, "Unknown error");
  assert.doesNotMatch(secret.body, /hunter2|\.ts|\.mjs/);
  const late = await lambda.invoke({ s: "slow" }, 400);
  assert.equal(parseFunctionError(late.body).code, "deadline_exceeded");
});

test("httpEvents() answers invocations of AWS's runtime for Node", RIC, async () => {
  await using lambda = await Lambda.start("web");
  const { kind, body } = await lambda.invoke({
    version: "2.0",
    rawPath: "/uppercase",
    rawQueryString: "",
    headers: { host: "api.example", "content-type": "application/json" },
    requestContext: { http: { method: "POST", sourceIp: "192.0.2.1" } },
    body: `{"s":"hello"}`,
    isBase64Encoded: false,
  });
  assert.equal(kind, "response");
  assert.equal(JSON.parse(body).body, `{"v":"HELLO"}`);
});

/** What AWS's types for Go make of a result: of its fields those that they know, and no others. */
async function readByGo(type: string, result: unknown): Promise<Record<string, unknown>> {
  const child = new Deno.Command(GO!, { args: [type], stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(result)));
  await writer.close();
  const { success, stdout } = await child.output();
  assert(success, `Go cannot read ${JSON.stringify(result)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

const events: [file: string, type: string][] = [
  ["apigw-v2-request-no-authorizer", "v2"],
  ["apigw-v2-request-jwt-authorizer", "v2"],
  ["lambda-urls-request", "url"],
  ["apigw-request", "v1"],
  ["apigw-restapi-openapi-request", "v1"],
  ["alb-lambda-target-request-headers-only", "alb"],
  ["alb-lambda-target-request-multivalue-headers", "alb"],
];
for (const [file, type] of events) {
  test(`httpEvents() answers ${file} of AWS so that AWS's types read it`, EVENTS, async () => {
    const event = JSON.parse(await Deno.readTextFile(`${EVENTS}/${file}.json`));
    let seen: Request | undefined;
    const handler = httpEvents((request) => {
      seen = request;
      const headers = new Headers({ "content-type": "text/plain", "x-a": "1" });
      headers.append("set-cookie", "a=1; Path=/");
      headers.append("set-cookie", "b=2");
      return new Response("hello", { status: 201, headers });
    });
    const result = await readByGo(type, await handler(event));
    assert.equal(result.statusCode, 201);
    assert.equal(result.body, "hello");
    const sent = event.requestContext.http ?? event;
    assert.equal(seen!.method, sent.method ?? sent.httpMethod);
    const path = event.rawPath ?? event.path;
    assert.equal(decodeURIComponent(new URL(seen!.url).pathname), decodeURIComponent(path));
    for (const [name, value] of Object.entries(event.headers ?? {})) {
      if (name.toLowerCase() !== "content-length") {
        assert.equal(seen!.headers.get(name), value, name);
      }
    }
  });
}

test(
  "httpEvents() and http.server() answer AWS's event with the JSON of the endpoint",
  EVENTS,
  async () => {
    const event = JSON.parse(await Deno.readTextFile(`${EVENTS}/lambda-urls-request.json`));
    const uppercase = server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }));
    const handler = httpEvents(routes({ "/*": uppercase }));
    event.requestContext.http.method = "POST";
    event.body = btoa(`{"s":"hello"}`);
    event.isBase64Encoded = true;
    const result = await readByGo("url", await handler(event));
    assert.deepEqual([result.statusCode, result.body], [200, `{"v":"HELLO"}`]);
  },
);
