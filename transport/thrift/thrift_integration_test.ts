// Kit's Thrift and Apache's own in Python and Go, each as client and as server.
// RUNTIME 3, XA1, XA6, P15
import assert from "node:assert/strict";
import { background, withTimeout } from "@kit/endpoint";
import { eventually, freePort, ServerProcess } from "../../sd/testdata/server_process.ts";
import { serve as serveHttp } from "../http/serve.ts";
import { decode, encode, hex } from "./_codec_testing.ts";
import { endpoints, everything, HOST, NotFound, processor, serving } from "./_support_test.ts";
import * as thrift from "./mod.ts";

const PEER = new URL("./testdata/peer.py", import.meta.url).pathname;
const python = Deno.env.get("KIT_THRIFT_PYTHON");
const go = Deno.env.get("KIT_THRIFT_GO");

/** How each peer is started. */
const PEERS = {
  python: {
    isHere: python !== undefined,
    missing: "KIT_THRIFT_PYTHON",
    command: ["python3", PEER],
    env: { PYTHONPATH: python ?? "", PYTHONDONTWRITEBYTECODE: "1" } as Record<string, string>,
  },
  go: {
    isHere: go !== undefined,
    missing: "KIT_THRIFT_GO",
    command: [go ?? ""],
    env: {} as Record<string, string>,
  },
};

const WIRES = ["buffered", "framed", "http"] as const;
const PROTOCOLS: readonly thrift.Protocol[] = ["binary", "compact", "json"];

function test(peer: keyof typeof PEERS, name: string, fn: () => Promise<void>): void {
  const { isHere, missing } = PEERS[peer];
  Deno.test({ name: isHere ? name : `${name} (no ${missing} here)`, ignore: !isHere, fn });
}

async function called(peer: keyof typeof PEERS, port: number, ...how: string[]): Promise<string[]> {
  const { command: [program, ...args], env } = PEERS[peer];
  const { stdout, stderr } = await new Deno.Command(program!, {
    args: [...args, "call", String(port), ...how],
    env,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  assert.equal(text.decode(stderr), "");
  return text.decode(stdout).trim().split("\n");
}

const CHECKS = [
  "ok echo",
  "ok sum",
  "ok sum of extremes",
  "ok find",
  "ok declared exception",
  "ok void",
  "ok oneway",
  "ok unknown method",
  "ok unknown error",
  "ok error with a code",
  "ok internal error",
  "ok after errors",
  "ok ten at once",
];

async function start(
  peer: keyof typeof PEERS,
  ...how: string[]
): Promise<ServerProcess> {
  const { command: [program, ...args], env } = PEERS[peer];
  const port = freePort();
  return await ServerProcess.start(port, program!, [...args, "serve", String(port), ...how], env);
}

function connectTo(port: number, protocol: thrift.Protocol, wire: string): thrift.Connection {
  return wire === "http"
    ? thrift.connectHttp(`http://${HOST}:${port}/`, { protocol })
    : thrift.connect(`${HOST}:${port}`, { protocol, framed: wire === "framed" });
}

for (const peer of ["python", "go"] as const) {
  for (const protocol of PROTOCOLS) {
    for (const wire of WIRES) {
      test(peer, `serve() answers ${peer} over ${protocol}, ${wire}`, async () => {
        const seen: (string | undefined)[] = [];
        const own = processor({}, {
          before: [(ctx) => {
            seen.push(ctx.metadata.get("x-request-id"));
            return ctx;
          }],
        });
        await using running = wire === "http"
          ? serveHttp(thrift.handler(own, { protocol }), { listen: `${HOST}:0`, signals: [] })
          : serving(own, { protocol, framed: wire === "framed" });
        const lines = await called(peer, running.addr.port, protocol, wire);
        assert.deepEqual(lines, CHECKS);
        assert.equal(seen[0], wire === "http" && peer === "python" ? "py-7" : undefined);
      });

      test(peer, `client() calls ${peer} over ${protocol}, ${wire}`, async () => {
        await using server = await start(peer, protocol, wire);
        using connection = connectTo(server.port, protocol, wire);
        const to = endpoints(connection);
        const ctx = background();
        assert.deepEqual(await to.echo({ value: everything }, ctx), everything);
        const max = 2n ** 63n - 1n;
        assert.equal((await to.sum({ a: max, b: 0n }, ctx)).value, max);
        assert.equal((await to.sum({ a: -max, b: -1n }, ctx)).value, -(2n ** 63n));
        assert.equal(await to.find({ id: "x" }, ctx), "found x");
        await assert.rejects(to.find({ id: "missing" }, ctx), (error) => {
          assert(error instanceof NotFound);
          assert.deepEqual(error.value, { id: "missing", message: "no such thing" });
          assert.equal(error.code, "not_found");
          return true;
        });
        assert.equal(await to.ping({}, ctx), undefined);
        await to.tell({ text: "hear, hear" }, ctx);
        assert.equal(await to.told({}, ctx), "hear, hear");
        await assert.rejects(to.fail({ how: "secret" }, ctx), { code: "internal" });
        const { missing } = thrift.service("Gauntlet", { missing: thrift.method() }).methods;
        await assert.rejects(thrift.client(connection, missing)({}, ctx), {
          code: "unimplemented",
        });
        assert.equal(await to.find({ id: "y" }, ctx), "found y");
        // The HTTP server of Python takes one connection after the other, and keeps five waiting.
        const length = peer === "python" && wire === "http" ? 4 : 100;
        const many = Array.from({ length }, (_, i) => to.sum({ a: BigInt(i), b: 1n }, ctx));
        const sums = (await Promise.all(many)).map(({ value }) => Number(value));
        assert.deepEqual(sums, Array.from({ length }, (_, i) => i + 1));
      });
    }
  }
}

test("python", "serve() answers the binary protocol as it was before versions", async () => {
  await using running = serving(processor());
  // Its client asks without a version, and reads replies that have one.
  assert.deepEqual(await called("python", running.addr.port, "lax", "buffered"), CHECKS);
});

/** What a newer peer would send: fields of every kind that nobody here has described. */
const Richer = thrift.struct("Richer", {
  id: thrift.field(1, thrift.i32),
  deep: thrift.field(
    30,
    thrift.map(thrift.string, thrift.list(thrift.set(thrift.i64))),
  ),
  flag: thrift.field(31, thrift.bool),
  bytes: thrift.field(32, thrift.binary),
  real: thrift.field(300, thrift.double),
});

for (const protocol of PROTOCOLS) {
  test(
    "python",
    `client() sends fields that python skips, and skips its, ${protocol}`,
    async () => {
      await using server = await start("python", protocol, "framed");
      using connection = connectTo(server.port, protocol, "framed");
      const { echo } = thrift.service("Gauntlet", {
        echo: thrift.method({
          args: {
            value: thrift.field(
              1,
              thrift.struct("Everything", {
                leaf: thrift.field(13, Richer),
                text: thrift.field(7, thrift.string),
                counts: thrift.field(11, thrift.map(thrift.string, thrift.i64)),
              }),
            ),
          },
          result: thrift.struct("Less", { text: thrift.field(7, thrift.string) }),
        }),
      }).methods;
      const value = {
        text: "kept",
        counts: new Map([["one", 1n]]),
        leaf: {
          id: 3,
          deep: new Map([["a", [new Set([1n, 2n])]]]),
          flag: true,
          bytes: new Uint8Array(9),
          real: 0.5,
        },
      };
      assert.deepEqual(await thrift.client(connection, echo)({ value }, background()), {
        text: "kept",
      });
    },
  );
}

const Uuids = thrift.struct("S", {
  one: thrift.field(1, thrift.uuid),
  many: thrift.field(2, thrift.list(thrift.uuid)),
});
for (const protocol of PROTOCOLS) {
  test("python", `uuid is written as python writes it, ${protocol}`, async () => {
    const { stdout } = await new Deno.Command("python3", {
      args: [PEER, "uuid", protocol],
      env: PEERS.python.env,
    }).output();
    const bytes = hex(new TextDecoder().decode(stdout));
    const id = "00112233-4455-6677-8899-aabbccddeeff";
    const value = { one: id, many: [id, id] };
    const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
    assert.equal(text(encode(protocol, Uuids, value)), text(bytes));
    assert.deepEqual(decode(protocol, Uuids, bytes), value);
  });
}

for (const peer of ["python", "go"] as const) {
  for (const wire of ["buffered", "framed"] as const) {
    test(peer, `client() fails calls in flight as ${peer} dies, ${wire}, and goes on`, async () => {
      await using server = await start(peer, "binary", wire);
      using connection = connectTo(server.port, "binary", wire);
      const { slow, find } = endpoints(connection);
      const calls = Array.from({ length: 5 }, () => slow({ ms: 60_000 }, background()));
      const all = Promise.allSettled(calls);
      await find({ id: "x" }, background());
      await server.kill();
      for (const result of await all) {
        assert(result.status === "rejected");
        assert.equal(result.reason.code, "unavailable");
      }
      await assert.rejects(find({ id: "x" }, background()), { code: "unavailable" });
      await server.start();
      await eventually(async () => await find({ id: "x" }, background()) === "found x");
    });

    test(peer, `client() gives up a late call to ${peer}, ${wire}, and no other`, async () => {
      await using server = await start(peer, "compact", wire);
      using connection = connectTo(server.port, "compact", wire);
      const { slow } = endpoints(connection);
      const other = slow({ ms: 150 }, background());
      using ctx = withTimeout(background(), 30);
      await assert.rejects(slow({ ms: 60_000 }, ctx), { code: "deadline_exceeded" });
      assert.equal(await other, 150);
    });
  }
}
