import { codeOf, systemClock } from "@kit/endpoint";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { eventually, TcpProxy } from "../../sd/testdata/server_process.ts";
import { frame, RawClient } from "./_raw_testing.ts";
import { collect, methods, Pair } from "./_support_test.ts";
import { server } from "./server.ts";

const DAY_MS = 86_400_000;
const one = frame(Buffer.from("1"));

/** What the endpoints have seen. */
interface Seen {
  calls: number;
  remainingMs: number | undefined;
  metadata: [string, string][];
  errors: string[];
}

async function open(): Promise<{ pair: Pair; seen: Seen } & AsyncDisposable> {
  const seen: Seen = { calls: 0, remainingMs: undefined, metadata: [], errors: [] };
  const pair = await Pair.open([
    server(methods.unary, (n, ctx) => {
      seen.calls++;
      seen.remainingMs = ctx.deadline && ctx.deadline - systemClock.now();
      seen.metadata = [...ctx.metadata].map(([name, value]) => [name, value]);
      return Promise.resolve(n);
    }),
    server(methods.clientStream, async (stream) => {
      try {
        return (await collect(stream)).length;
      } catch (error) {
        seen.errors.push(codeOf(error));
        throw error;
      }
    }),
  ], { maxBytes: 1 << 20 });
  return { pair, seen, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

interface Case {
  readonly name: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: Uint8Array;
  readonly status?: number;
  readonly http?: number;
}

const unary = methods.unary.path;
const upload = methods.clientStream.path;
const cases: Case[] = [
  { name: "JSON", headers: { "content-type": "application/json" }, http: 415 },
  { name: "no method of its own", path: "/a.B/C", status: 12 },
  { name: "a path with %", path: "/a.B/%%%0a", status: 12 },
  { name: "a path with bytes", path: "/a.B/\u00fc\u00ff", status: 12 },
  { name: "a path of an object", path: "/__proto__", status: 12 },
  { name: "no message", body: new Uint8Array(), status: 12 },
  { name: "two messages", body: Buffer.concat([one, one]), status: 12 },
  {
    name: "an encoding it does not have",
    headers: { "grpc-encoding": "br" },
    body: frame(Buffer.from("1"), 1),
    status: 12,
  },
  { name: "compression without an encoding", body: frame(Buffer.from("1"), 1), status: 13 },
  {
    name: "gzip that is none",
    headers: { "grpc-encoding": "gzip" },
    body: frame(Buffer.from("1"), 1),
    status: 13,
  },
  {
    name: "gzip that is cut off",
    headers: { "grpc-encoding": "gzip" },
    body: frame(gzipSync("1".repeat(500)).subarray(0, 15), 1),
    status: 13,
  },
  {
    name: "a bomb of 64 MiB",
    headers: { "grpc-encoding": "gzip" },
    body: frame(gzipSync(Buffer.alloc(64 << 20)), 1),
    status: 8,
  },
  { name: "a message that is cut off", body: frame(Buffer.from("1"), 0, 10), status: 13 },
  { name: "a prefix that is cut off", body: one.subarray(0, 3), status: 13 },
  {
    name: "a stream whose second message is cut off",
    path: upload,
    body: Buffer.concat([one, frame(Buffer.from("1"), 0, 2)]),
    status: 13,
  },
  { name: "a length of 2^31-1", body: frame(Buffer.from("1"), 0, 2 ** 31 - 1), status: 8 },
  { name: "a length of 2^32-1", body: frame(Buffer.from("1"), 0, 2 ** 32 - 1), status: 8 },
  { name: "a message it cannot decode", body: frame(Buffer.from("{")), status: 13 },
  { name: "a timeout that is none", headers: { "grpc-timeout": "abc" }, status: 13 },
  { name: "a timeout of nine digits", headers: { "grpc-timeout": "123456789S" }, status: 13 },
  { name: "a negative timeout", headers: { "grpc-timeout": "-5S" }, status: 13 },
  { name: "an empty timeout", headers: { "grpc-timeout": "" }, status: 13 },
  { name: "a timeout that has passed", headers: { "grpc-timeout": "0m" }, status: 4 },
];

// P12, P15, S3
for (const { name, path = unary, headers = {}, body = one, status, http = 200 } of cases) {
  Deno.test(`serve() refuses ${name} and goes on`, async () => {
    await using there = await open();
    await using raw = new RawClient(there.pair.server.addr.port);
    await raw.call(unary, {}, one);
    there.seen.calls = 0;
    const rss = process.memoryUsage().rss;
    const { header, trailer } = await raw.call(path, headers, body);
    assert.equal(header[":status"], http);
    const told = trailer["grpc-status"] ?? header["grpc-status"];
    assert.equal(told, status === undefined ? undefined : String(status));
    assert.equal(there.seen.calls, 0);
    assert(process.memoryUsage().rss - rss < 32 << 20);
    assert.equal((await raw.call(unary, {}, one)).trailer["grpc-status"], "0");
  });
}

Deno.test("serve() takes timeouts of every unit, and long ones", async () => {
  await using there = await open();
  await using raw = new RawClient(there.pair.server.addr.port);
  for (
    const [timeout, ms] of [
      ["2H", 7_200_000],
      ["3M", 180_000],
      ["4S", 4000],
      ["5000m", 5000],
      ["60000000u", 60_000],
      ["99999999n", 100],
      ["2592000S", 24.85 * DAY_MS],
      ["99999999H", 24.85 * DAY_MS],
    ] as const
  ) {
    const { trailer } = await raw.call(unary, { "grpc-timeout": timeout }, one);
    assert.equal(trailer["grpc-status"], "0", timeout);
    const off = Math.abs(there.seen.remainingMs! - ms);
    assert(off < Math.max(50, ms / 1000), `${timeout}: ${there.seen.remainingMs}`);
  }
});

Deno.test("serve() takes every content type of gRPC", async () => {
  await using there = await open();
  await using raw = new RawClient(there.pair.server.addr.port);
  for (const type of ["application/grpc", "application/grpc+proto", "application/grpc+json"]) {
    const { trailer } = await raw.call(unary, { "content-type": type }, one);
    assert.equal(trailer["grpc-status"], "0");
  }
});

// S9
Deno.test("serve() reads metadata: base64 padded or not, several at once, names of objects", async () => {
  await using there = await open();
  await using raw = new RawClient(there.pair.server.addr.port);
  const headers = {
    "a-bin": "AQI",
    "b-bin": "AQI=,Aw==",
    "constructor": "c",
    "__proto__": "p",
    "toString-bin": "!!",
  };
  await raw.call(unary, headers, one);
  assert.deepEqual(there.seen.metadata, [
    ["a-bin", "AQI="],
    ["b-bin", "AQI="],
    ["b-bin", "Aw=="],
    ["constructor", "c"],
    ["tostring-bin", ""],
  ]);
});

Deno.test("serve() tells the endpoint when the connection is lost in the middle of a message", async () => {
  await using there = await open();
  await using proxy = new TcpProxy(there.pair.server.addr.port);
  await using raw = new RawClient(proxy.port);
  const stream = raw.session.request({
    ":method": "POST",
    ":path": upload,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.write(Buffer.concat([one, one.subarray(0, 4)]));
  await new Promise((resolve) => setTimeout(resolve, 20));
  proxy.cut();
  await eventually(() => there.seen.errors.length > 0);
  assert.deepEqual(there.seen.errors, ["cancelled"]);
});
