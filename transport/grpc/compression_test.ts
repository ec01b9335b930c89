import { background, codeOf, type Context, withSignal } from "@kit/endpoint";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import { gunzipSync, inflateSync } from "node:zlib";
import { frame, RawClient } from "./_raw_testing.ts";
import { collect, eventually, json, Pair } from "./_support_test.ts";
import { zip } from "./_zip.ts";
import { client } from "./client.ts";
import { serverStream, unary } from "./method.ts";
import type { ServeOptions } from "./serve.ts";
import { server } from "./server.ts";

const codecs = { request: json<number>(), response: json<string>() };
const once = unary("/test.Texts/Once", codecs);
const many = serverStream("/test.Texts/Many", codecs);

/** A text that becomes much shorter, and longer ones in several goes. */
const text = (length: number): string => "abcdefgh".repeat(Math.ceil(length / 8)).slice(0, length);

/** A text of 3 MB that takes a while. */
const big = Array.from({ length: 300_000 }, () => Math.random().toString(36).slice(2, 12)).join("");

/** Lengths around the least that is compressed, and around what is compressed in one go. */
const LENGTHS = [0, 5, 1021, 1022, 2000, 32_766, 32_767, 100_000, 300_001];

function open(options: ServeOptions, compress = (_: string): boolean => true): Promise<Pair> {
  return Pair.open([
    server(once, (length) => Promise.resolve(text(length)), { compress }),
    server(many, (count) =>
      Promise.resolve((async function* () {
        for (const length of LENGTHS.slice(0, count)) yield await Promise.resolve(text(length));
      })()), { compress }),
  ], options);
}

interface Told {
  readonly encoding: unknown;
  readonly status: unknown;
  readonly messages: { readonly flag: number; readonly bytes: Buffer }[];
}

async function ask(pair: Pair, path: string, n: number, accepting?: string): Promise<Told> {
  await using raw = new RawClient(pair.server.addr.port);
  const headers = accepting === undefined ? {} : { "grpc-accept-encoding": accepting };
  const { header, trailer, body } = await raw.call(path, headers, frame(Buffer.from(String(n))));
  const messages = [];
  for (let at = 0; at < body.length;) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    messages.push({ flag: body[at]!, bytes: body.subarray(at + 5, end) });
    at = end;
  }
  const status = trailer["grpc-status"] ?? header["grpc-status"];
  return { encoding: header["grpc-encoding"], status, messages };
}

for (const [compression, unzip] of [["gzip", gunzipSync], ["deflate", inflateSync]] as const) {
  Deno.test(`serve() compresses with ${compression} where the caller takes that`, async () => {
    await using pair = await open({ compression });
    for (const accepting of [compression, `identity, ${compression}`, `br,${compression},x`]) {
      const { encoding, status, messages: [message] } = await ask(pair, once.path, 5000, accepting);
      assert.deepEqual({ encoding, status }, { encoding: compression, status: "0" });
      assert.equal(message!.flag, 1);
      assert(message!.bytes.length < 500);
      assert.equal(unzip(message!.bytes).toString(), `"${text(5000)}"`);
    }
  });

  Deno.test(`serve() keeps the order of a stream with ${compression}, whatever the sizes`, async () => {
    await using pair = await open({ compression });
    const told = await ask(pair, many.path, LENGTHS.length, compression);
    assert.deepEqual([told.encoding, told.status], [compression, "0"]);
    assert.deepEqual(
      told.messages.map(({ flag }) => flag),
      LENGTHS.map((n) => n + 2 < 1024 ? 0 : 1),
    );
    const texts = told.messages.map(({ flag, bytes }) => String(flag === 1 ? unzip(bytes) : bytes));
    assert.deepEqual(texts, LENGTHS.map((length) => `"${text(length)}"`));
  });
}

Deno.test("serve() does not compress where the caller does not take that", async () => {
  await using pair = await open({ compression: "gzip" });
  for (const accepting of [undefined, "", "identity", "identity,deflate", "gzipped", "x-gzip"]) {
    for (const path of [once.path, many.path]) {
      const { encoding, status, messages } = await ask(pair, path, 9, accepting);
      assert.deepEqual({ encoding, status }, { encoding: "identity", status: "0" });
      assert(messages.every(({ flag }) => flag === 0));
    }
  }
});

Deno.test("serve() does not compress unless it is told to", async () => {
  await using pair = await open({});
  const { encoding, messages: [message] } = await ask(pair, once.path, 5000, "gzip,deflate");
  assert.deepEqual([encoding, message!.flag], ["identity", 0]);
});

Deno.test("serve() does not compress what would grow, or is small", async () => {
  const random = { serialize: (bytes: Uint8Array) => bytes, deserialize: (b: Uint8Array) => b };
  const method = unary("/test.Texts/Random", { request: json<number>(), response: random });
  const noise = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 65536) {
      crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, length)));
    }
    return bytes;
  };
  await using pair = await Pair.open(
    [server(method, (length) => Promise.resolve(noise(length)))],
    { compression: "gzip", maxBytes: 200_000 },
  );
  for (const length of [1000, 5000, 200_000]) {
    const { encoding, status, messages: [message] } = await ask(pair, method.path, length, "gzip");
    assert.deepEqual({ encoding, status }, { encoding: "identity", status: "0" });
    assert.deepEqual([message!.flag, message!.bytes.length], [0, length]);
  }
});

Deno.test("server() chooses the messages that are compressed", async () => {
  await using pair = await open({ compression: "gzip" }, ({ length }) => length > 50_000);
  const flags = async (path: string, n: number) =>
    (await ask(pair, path, n, "gzip")).messages.map(({ flag }) => flag);
  assert.deepEqual(await flags(once.path, 50_000), [0]);
  assert.deepEqual(await flags(once.path, 50_001), [1]);
  assert.deepEqual(await flags(many.path, 9), LENGTHS.map((length) => length > 50_000 ? 1 : 0));
});

// P12
Deno.test("serve() counts what a message has before it is compressed", async () => {
  await using pair = await open({ compression: "gzip", maxBytes: 100_000 });
  assert.equal((await ask(pair, once.path, 99_998, "gzip")).status, "0");
  const { status, messages } = await ask(pair, once.path, 99_999, "gzip");
  assert.deepEqual([status, messages], ["8", []]);
  const stream = await ask(pair, many.path, 9, "gzip");
  assert.equal(stream.status, "8");
  // What came before is delivered.
  assert.equal(stream.messages.length, 7);
});

Deno.test("serve() sends compressed replies to client()", async () => {
  await using pair = await open({ compression: "deflate" });
  const ctx = background();
  assert.equal(await client(pair.channel, once)(70_000, ctx), text(70_000));
  const texts = await collect(await client(pair.channel, many)(LENGTHS.length, ctx));
  assert.deepEqual(texts, LENGTHS.map(text));
});

// A7
Deno.test("serve() asks a compressed stream for no more than the caller reads", async () => {
  let made = 0;
  const random = () => Array.from({ length: 6000 }, () => Math.random().toString(36)).join("");
  const endless = async function* () {
    for (;;) {
      made++;
      yield await Promise.resolve(random());
    }
  };
  await using pair = await Pair.open(
    [server(many, () => Promise.resolve(endless()))],
    { compression: "gzip" },
  );
  const responses = await client(pair.channel, many)(1, background());
  const reading = responses[Symbol.asyncIterator]();
  await reading.next();
  let before = 0;
  await eventually(() => before === (before = made), { everyMs: 50 });
  assert(made < 40, `${made} were made`);
  await reading.next();
  await reading.return?.();
});

// P4
for (const isStream of [false, true]) {
  const what = isStream ? "stream" : "call";
  Deno.test(`serve() ends a ${what} that is cancelled or cut off while it compresses`, async () => {
    const errors: string[] = [];
    let begun = Promise.withResolvers<void>();
    const make = () => {
      begun.resolve();
      return big;
    };
    const forBoth = { finalizer: [(_: Context, error: unknown) => errors.push(codeOf(error))] };
    await using pair = await Pair.open([
      server(once, () => Promise.resolve(make()), forBoth),
      server(many, () =>
        Promise.resolve((async function* () {
          for (;;) yield await Promise.resolve(make());
        })()), forBoth),
    ], { compression: "gzip", drainMs: 0 });
    const call = isStream
      ? (ctx: Context) => client(pair.channel, many)(1, ctx).then(collect)
      : (ctx: Context) => client(pair.channel, once)(1, ctx);
    const cancelling = new AbortController();
    using ctx = withSignal(background(), cancelling.signal);
    const cancelled = call(ctx);
    await begun.promise;
    cancelling.abort();
    await assert.rejects(cancelled, (error) => codeOf(error) === "cancelled");
    await eventually(() => errors.length === 1);
    begun = Promise.withResolvers();
    const cutOff = assert.rejects(call(background()), {
      code: "unavailable",
      message: "Server is stopping",
    });
    await begun.promise;
    await pair.server.shutdown();
    await cutOff;
    assert.deepEqual(errors, ["cancelled", "unavailable"]);
  });
}

// P20
Deno.test("zip() lets others have their turn", async () => {
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const bytes = Buffer.from(big.slice(0, 1 << 20));
  const zipped = await zip(bytes, "gzip", () => true);
  isOver = true;
  assert(gunzipSync(zipped).equals(bytes));
  assert(turns >= 30, `${turns} turns`);
});

Deno.test("zip() gives up what is not wanted any more", async () => {
  let asked = 0;
  await zip(Buffer.from(big), "deflate", () => ++asked < 3);
  assert.equal(asked, 3);
});
