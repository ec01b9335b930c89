/** One endpoint over all wires, one behind the other: what must survive the whole way does. */
import {
  background,
  codeOf,
  CODES,
  type Context,
  type Endpoint,
  type ErrorCode,
  KitError,
  metadata,
  withOutgoing,
  withTimeout,
} from "@kit/endpoint";
import assert from "node:assert/strict";
import * as amqp from "./amqp/mod.ts";
import { memoryBroker as memoryRabbit } from "./amqp/testing.ts";
import * as grpc from "./grpc/mod.ts";
import * as http from "./http/mod.ts";
import * as jsonrpc from "./jsonrpc/mod.ts";
import * as nats from "./nats/mod.ts";
import { memoryBroker as memoryNats } from "./nats/testing.ts";
import * as gob from "./netrpc/gob/mod.ts";
import * as netrpc from "./netrpc/mod.ts";
import * as thrift from "./thrift/mod.ts";

interface Question {
  readonly s: string;
}
interface Answer {
  readonly v: string;
}
type Ask = Endpoint<Question, Answer>;

const HOST = "127.0.0.1";
const LISTEN = { listen: `${HOST}:0`, signals: [] };

/** Serves an endpoint over a wire and calls it; what it opens is closed with `open`. */
type Wire = (endpoint: Ask, open: AsyncDisposableStack) => Promise<Ask>;

const json = <T>(): grpc.Codec<T> => ({
  serialize: (value) => new TextEncoder().encode(JSON.stringify(value)),
  deserialize: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
});

const WIRES: Readonly<Record<string, Wire>> = {
  http: (endpoint, open) => {
    const running = open.use(http.serve(http.server(endpoint), LISTEN));
    return Promise.resolve(http.client(`http://${HOST}:${running.addr.port}/`));
  },
  grpc: async (endpoint, open) => {
    const method = grpc.unary<Question, Answer>("/kit.Wires/Ask", {
      request: json(),
      response: json(),
    });
    const running = open.use(await grpc.serve([grpc.server(method, endpoint)], LISTEN));
    return grpc.client(open.use(grpc.channel(`${HOST}:${running.addr.port}`)), method);
  },
  jsonrpc: (endpoint, open) => {
    const handler = jsonrpc.server({ ask: jsonrpc.method(endpoint) });
    const running = open.use(http.serve(handler, LISTEN));
    return Promise.resolve(jsonrpc.client(`http://${HOST}:${running.addr.port}/`, "ask"));
  },
  thrift: (endpoint, open) => {
    const { service, connection, processor } = thriftParts(endpoint);
    const running = open.use(thrift.serve(processor, LISTEN));
    const link = open.use(connection(`${HOST}:${running.addr.port}`));
    return Promise.resolve(thrift.client(link, service.methods.ask));
  },
  netrpc: async (endpoint, open) => {
    const types = {
      args: gob.struct("Question", { s: gob.string }),
      reply: gob.struct("Answer", { v: gob.string }),
    };
    const methods = netrpc.server({ "Wires.Ask": netrpc.method(endpoint, types) });
    const running = open.use(await netrpc.serve(methods, LISTEN));
    const connection = open.use(netrpc.connect(`${HOST}:${running.addr.port}`));
    return netrpc.client(connection, "Wires.Ask", types);
  },
  nats: async (endpoint, open) => {
    const connection = open.use(memoryNats().connect());
    const running = open.use(
      nats.serve(connection, { ask: nats.server(endpoint) }, { signals: [] }),
    );
    await running.ready;
    return nats.client(connection, "ask");
  },
  amqp: async (endpoint, open) => {
    const connection = open.use(
      memoryRabbit().connect({ topology: { queues: { ask: {} } } }),
    );
    const running = open.use(
      amqp.serve(connection, { ask: amqp.server(endpoint) }, { signals: [] }),
    );
    await running.ready;
    return amqp.client(connection, { key: "ask" });
  },
};

function thriftParts(endpoint: Ask) {
  const service = thrift.service("Wires", {
    ask: thrift.method({
      args: { s: thrift.field(1, thrift.string) },
      result: thrift.struct("Answer", { v: thrift.field(1, thrift.string) }),
    }),
  });
  const processor = thrift.server(service, { ask: endpoint });
  return { service, processor, connection: (target: string) => thrift.connect(target) };
}

/** Hands on what came in, as a service in the middle does. */
function passOn(next: Ask): Ask {
  return (request, ctx) => next(request, withOutgoing(ctx, metadata(carried(ctx))));
}

/** What a trace needs; of the rest much is about one hop only. */
function carried(ctx: Context): [string, string][] {
  const value = ctx.metadata.get("traceparent");
  return value === undefined ? [] : [["traceparent", value]];
}

/** Puts wires one behind the other. */
async function behind(names: readonly string[], last: Ask, open: AsyncDisposableStack) {
  let ask = last;
  for (const name of names.toReversed()) ask = await WIRES[name]!(passOn(ask), open);
  return ask;
}

const ALL = Object.keys(WIRES);
const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Deno.test("every wire carries a call and its answer, one behind the other", async () => {
  await using open = new AsyncDisposableStack();
  const ask = await behind(ALL, ({ s }) => Promise.resolve({ v: s.toUpperCase() }), open);
  assert.deepEqual(await ask({ s: "grüße, 世界 😀" }, background()), { v: "GRÜSSE, 世界 😀" });
});

Deno.test("every code survives all wires, with its message", async () => { // O9, A11
  await using open = new AsyncDisposableStack();
  const ask = await behind(ALL, ({ s }) => {
    throw new KitError(s as ErrorCode, `Cannot do it: ${s} ü`);
  }, open);
  for (const code of CODES) {
    if (code === "ok") continue;
    await assert.rejects(ask({ s: code }, background()), {
      code,
      message: `Cannot do it: ${code} ü`,
    });
  }
});

for (const [name, wire] of Object.entries(WIRES)) {
  Deno.test(`${name} tells nothing of an error that is not meant for the caller`, async () => { // S12
    await using open = new AsyncDisposableStack();
    const ask = await wire(() => Promise.reject(new Error("password=hunter2")), open);
    await assert.rejects(
      ask({ s: "" }, background()),
      (error: KitError) => error.code === "unknown" && !error.message.includes("hunter2"),
    );
  });

  Deno.test(`${name} gives up at the deadline, whatever the service does`, async () => { // P4
    await using open = new AsyncDisposableStack();
    const release = Promise.withResolvers<Answer>();
    const ask = await wire(() => release.promise, open);
    using ctx = withTimeout(background(), 30);
    // The timer of a context does not keep the process, so something else has to.
    const alive = setTimeout(() => {}, 60_000);
    const begin = performance.now();
    await assert.rejects(ask({ s: "" }, ctx), { code: "deadline_exceeded" });
    assert(performance.now() - begin < 1000);
    clearTimeout(alive);
    release.resolve({ v: "" });
  });
}

Deno.test("details and push-back survive every wire that can carry them", async () => {
  const details = [{ pointer: "/s", detail: "is empty" }];
  // The one string that net/rpc has for an error is not enough.
  for (const name of ALL.filter((name) => name !== "netrpc")) {
    await using open = new AsyncDisposableStack();
    const ask = await WIRES[name]!(() => {
      const options = { details, retryAfterMs: 1500 };
      return Promise.reject(new KitError("resource_exhausted", "Too much", options));
    }, open);
    await assert.rejects(ask({ s: "" }, background()), (error: KitError) => {
      assert.deepEqual([error.details, error.retryAfterMs], [details, 1500], name);
      return true;
    });
  }
});

Deno.test("metadata and the deadline survive every wire that can carry them", async () => { // P4
  // Over TCP, Thrift and net/rpc have room for neither.
  const names = ALL.filter((name) => name !== "netrpc" && name !== "thrift");
  await using open = new AsyncDisposableStack();
  const seen: [string | undefined, number][] = [];
  const ask = await behind(names, (_, ctx) => {
    seen.push([ctx.metadata.get("traceparent"), ctx.deadline! - Date.now()]);
    return Promise.resolve({ v: "" });
  }, open);
  using ctx = withTimeout(background(), 5000);
  await ask({ s: "" }, withOutgoing(ctx, metadata({ traceparent: TRACEPARENT })));
  const [[traceparent, leftMs] = []] = seen;
  assert.equal(traceparent, TRACEPARENT);
  assert(leftMs! > 1000 && leftMs! <= 5000, `${leftMs}`);
});

for (const name of ["http", "grpc", "jsonrpc", "nats", "amqp"]) {
  Deno.test(`${name} says which metadata it cannot carry, or carries it`, async () => {
    await using open = new AsyncDisposableStack();
    let seen: string | undefined;
    const ask = await WIRES[name]!((_, ctx) => {
      seen = ctx.metadata.get("x-snow");
      return Promise.resolve({ v: "" });
    }, open);
    const ctx = withOutgoing(background(), metadata({ "x-snow": "☃" }));
    try {
      await ask({ s: "" }, ctx);
      assert.equal(seen, "☃");
    } catch (error) {
      assert.equal(codeOf(error), "invalid_argument", `${error}`);
      assert.equal(
        (error as Error).message,
        'Cannot send metadata "x-snow" as this wire cannot carry it',
      );
    }
  });
}
