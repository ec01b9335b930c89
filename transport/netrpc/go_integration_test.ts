// Kit's net/rpc and Go's own, each as client and as server.
import assert from "node:assert/strict";
import { background, KitError, withSignal, withTimeout } from "@kit/endpoint";
import { eventually, freePort } from "../../sd/testdata/server_process.ts";
import { Args, Everything, Peer, Quotient, Simple, test } from "./_peer_test.ts";
import { client } from "./client.ts";
import { connect, type NetrpcConnection } from "./connect.ts";
import { bool, int, string, struct } from "./gob/mod.ts";
import type { Infer } from "./gob/mod.ts";
import { method } from "./method.ts";
import { serve } from "./serve.ts";
import { server } from "./server.ts";

const WIRES = [
  { codec: "gob", over: "tcp" },
  { codec: "gob", over: "http" },
  { codec: "json", over: "tcp" },
] as const;

const arith = server({
  "Arith.Multiply": method(({ a, b }) => Promise.resolve(a * b), { args: Args, reply: int }),
  "Arith.Divide": method(({ a, b }) => {
    if (b === 0) return Promise.reject(new KitError("unknown", "divide by zero"));
    return Promise.resolve({ quo: Math.trunc(a / b), rem: a % b });
  }, { args: Args, reply: Quotient }),
  "Arith.Fail": method(() => Promise.reject(new KitError("not_found", "Cannot find it")), {
    args: string,
    reply: int,
  }),
  "Arith.Wait": method(
    (ms) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms)),
    {
      args: int,
      reply: int,
    },
  ),
  "Arith.Echo": method((value) => Promise.resolve(value), { args: Everything, reply: Everything }),
  "Arith.EchoSimple": method((value) => Promise.resolve(value), { args: Simple, reply: Simple }),
});

for (const { codec, over } of WIRES) {
  const http = over === "http";

  test(`serve() answers Go's client, ${codec} over ${over}`, async () => {
    await using running = await serve(arith, { listen: "127.0.0.1:0", codec, http });
    await using peer = new Peer("client", codec, over, `127.0.0.1:${running.addr.port}`);
    const got = JSON.parse(await peer.line());
    assert.equal(got.product, 56);
    assert.equal(got.large, 2 ** 52);
    assert.deepEqual(got.quotient, { Quo: 3, Rem: 1 });
    assert.equal(got.byZero, "divide by zero");
    assert.equal(got.noService, "rpc: can't find service Nobody.Multiply");
    assert.equal(got.noMethod, "rpc: can't find method Arith.Pow");
    assert.equal(got.illFormed, "rpc: service/method request ill-formed: Multiply");
    assert.match(got.wrongType, /^rpc error: code = InvalidArgument desc = Cannot decode /);
    assert.equal(got.kitError, "rpc error: code = NotFound desc = Cannot find it");
    // W2
    assert.match(got.unsafe, /^rpc error: code = InvalidArgument desc = Cannot decode /);
    assert.equal(got.echoed, codec === "gob" ? 50 : "true -1");
    assert.equal(got.first, "quick");
    assert.equal(got.concurrent, 100);
  });

  test(`client() calls Go's server, ${codec} over ${over}`, async () => {
    await using peer = await Peer.server(codec, over);
    await using connection = connect(peer.target, { codec, http });
    const types = { args: Args, reply: int };
    const multiply = client(connection, "Arith.Multiply", types);
    assert.equal(await multiply({ a: 7, b: 8 }, background()), 56);
    assert.equal(await multiply({ a: 0, b: 8 }, background()), 0);
    const divide = client(connection, "Arith.Divide", { args: Args, reply: Quotient });
    assert.deepEqual(await divide({ a: 7, b: 2 }, background()), { quo: 3, rem: 1 });
    await assert.rejects(divide({ a: 7, b: 0 }, background()), {
      code: "unknown",
      message: "divide by zero",
    });
    for (
      const [name, code] of [["Nobody.Pow", "unimplemented"], ["Arith.Pow", "unimplemented"], [
        "Pow",
        "invalid_argument",
      ]]
    ) {
      await assert.rejects(client(connection, name!, types)({ a: 1, b: 1 }, background()), {
        code,
      });
    }
    const fail = client(connection, "Arith.Fail", { args: string, reply: int });
    await assert.rejects(fail("NotFound", background()), {
      code: "not_found",
      message: "as asked",
    });
    await assert.rejects(fail("Canceled", background()), { code: "cancelled" });
    // What Go says of arguments that it cannot decode.
    const wrong = client(connection, "Arith.Multiply", {
      args: struct("Args", { a: string }),
      reply: int,
    });
    await assert.rejects(wrong({ a: "x" }, background()), {
      code: codec === "gob" ? "invalid_argument" : "unknown",
    });
    // A reply of another type than is described.
    const odd = client(connection, "Arith.Multiply", { args: Args, reply: bool });
    await assert.rejects(odd({ a: 1, b: 1 }, background()), { code: "internal" });
    assert.equal(await multiply({ a: 7, b: 8 }, background()), 56);

    const wait = client(connection, "Arith.Wait", { args: int, reply: int });
    const order: number[] = [];
    await Promise.all([150, 0].map((ms) => wait(ms, background()).then((ms) => order.push(ms))));
    assert.deepEqual(order, [0, 150]);
    const products = await Promise.all(
      Array.from({ length: 100 }, (_, i) => multiply({ a: i, b: i }, background())),
    );
    assert.deepEqual(products, products.map((_, i) => i * i));
    if (codec === "gob") await echoEverything(connection);
    else await echoSimple(connection);
  });

  test(`client() drops late answers of Go's server, ${codec} over ${over}`, async () => {
    await using peer = await Peer.server(codec, over);
    await using connection = connect(peer.target, { codec, http });
    const wait = client(connection, "Arith.Wait", { args: int, reply: int });
    const controller = new AbortController();
    using cancelled = withSignal(background(), controller.signal);
    using late = withTimeout(background(), 20);
    const first = wait(60, cancelled);
    const second = wait(60, late);
    controller.abort(new KitError("cancelled", "No more"));
    await assert.rejects(first, { code: "cancelled", message: "No more" });
    await assert.rejects(second, { code: "deadline_exceeded" });
    assert.equal(await wait(100, background()), 100);
  });
}

async function echoEverything(connection: NetrpcConnection): Promise<void> {
  const echo = client(connection, "Arith.Echo", { args: Everything, reply: Everything });
  const plain = {
    bool: true,
    int: -(1n << 63n),
    int8: -128,
    int16: 32767,
    int32: -1,
    uint: (1n << 64n) - 1n,
    uint8: 255,
    uint16: 0,
    uint32: 4294967295,
    float: -1e-300,
    float32: 0.5,
    complex: { re: 1, im: -2 },
    string: "日本 🎉",
    bytes: new Uint8Array([0, 255]),
    inner: { name: "a", depth: 7n },
    pointer: { name: "", depth: null },
    number: null,
    ints: [1, 0, -1],
    bools: [true, false],
    strings: ["", "b"],
    floats: [0, Infinity],
    inners: [{ name: "b", depth: null }],
    pointers: [new Map([["a", 1]]), new Map()],
    nested: [[], ["x"]],
    array: [0, 0, 3],
    key: [1, 2, 3, 4],
    map: new Map([["__proto__", 1], ["constructor", 2]]),
    byNumber: new Map([[-5n, ["x"]]]),
    mapOfMaps: new Map([["a", new Map([[true, { name: "c", depth: null }]])]]),
    structKeys: null,
  };
  const value: Infer<typeof Everything> = {
    plain,
    any: { name: "main.Circle", value: { radius: 2, tags: ["red"] } },
    anys: [null, { name: "[]interface {}", value: [{ name: "int", value: 7 }, null] }],
    time: 1_700_000_000_123_456_789n,
    when: null,
    address: new TextEncoder().encode("127.0.0.1"),
    tree: { value: 1, left: null, right: { value: 2, left: null, right: null } },
    last: -128,
  };
  assert.deepEqual(await echo(value, background()), value);
}

async function echoSimple(connection: NetrpcConnection): Promise<void> {
  const echo = client(connection, "Arith.EchoSimple", { args: Simple, reply: Simple });
  const value: Infer<typeof Simple> = {
    id: (1n << 62n) + 1n,
    name: "Ada <&>",
    data: new Uint8Array([1, 2, 3]),
    ages: new Map([["__proto__", 36]]),
    byAge: new Map([[(1n << 64n) - 1n, "old"]]),
    when: 7_123_456_789n,
    next: null,
    list: [0.5, 1e300],
    array: [true, false],
  };
  assert.deepEqual(await echo(value, background()), value);
}

// DESIGN §5: a lost connection
test("client() fails what is in flight with unavailable when Go's server is killed", async () => {
  await using peer = await Peer.server("gob");
  await using connection = connect(peer.target);
  const wait = client(connection, "Arith.Wait", { args: int, reply: int });
  await wait(0, background());
  const lost = Promise.allSettled([wait(5000, background()), wait(5000, background())]);
  await wait(10, background());
  peer.child.kill("SIGKILL");
  for (const outcome of await lost) {
    assert.equal(outcome.status === "rejected" && outcome.reason.code, "unavailable");
  }
  await assert.rejects(wait(0, background()), { code: "unavailable" });
});

test("connect() connects again when the server is back", async () => {
  const listen = `127.0.0.1:${freePort()}`;
  await using connection = connect(listen);
  const multiply = client(connection, "Arith.Multiply", { args: Args, reply: int });
  for (let round = 0; round < 3; round++) {
    await using _running = await serve(arith, { listen });
    await eventually(async () => assert.equal(await multiply({ a: 2, b: 3 }, background()), 6));
  }
});

test("serve() answers what Go's client has in flight before it stops", async () => {
  const running = await serve(arith, { listen: "127.0.0.1:0" });
  await using peer = new Peer("idle", `127.0.0.1:${running.addr.port}`);
  assert.equal(await peer.line(), "calling");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert(await running.shutdown());
  assert.equal(await peer.line(), "<nil> 200");
  assert.match(await peer.line(), /unexpected EOF|connection is shut down|Server is stopping/);
});

test("connect() tells by its error that a server of Go has no such path", async () => {
  await using peer = await Peer.server("gob", "http");
  await using connection = connect(peer.target, { http: "/elsewhere" });
  const multiply = client(connection, "Arith.Multiply", { args: Args, reply: int });
  await assert.rejects(multiply({ a: 1, b: 1 }, background()), {
    code: "unavailable",
    message: "Cannot connect as the server answers otherwise than Go's does",
  });
});
