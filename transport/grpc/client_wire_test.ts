import { background, codeOf, delay, withTimeout } from "@kit/endpoint";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { ServerHttp2Stream } from "node:http2";
import { answering, frame, RawServer } from "./_raw_testing.ts";
import { methods } from "./_support_test.ts";
import { channel } from "./channel.ts";
import { client } from "./client.ts";

async function codeFrom(answer: (stream: ServerHttp2Stream) => void): Promise<string> {
  await using peer = await RawServer.open(answer);
  using there = channel(peer.target);
  try {
    return `ok ${await client(there, methods.unary)(1, background())}`;
  } catch (error) {
    return codeOf(error);
  }
}

const one = frame(Buffer.from("1"));

Deno.test("client() synthesises a code where the answer is no gRPC", async () => {
  for (
    const [status, code] of [
      [400, "internal"],
      [401, "unauthenticated"],
      [403, "permission_denied"],
      [404, "unimplemented"],
      [429, "unavailable"],
      [502, "unavailable"],
      [503, "unavailable"],
      [504, "unavailable"],
      [418, "unknown"],
      [200, "unknown"],
    ] as const
  ) {
    const headers = { ":status": status, "content-type": "text/html" };
    const found = await codeFrom((stream) => {
      stream.respond(headers);
      stream.end("<html>");
    });
    if (status !== 200) assert.equal(found, code, String(status));
    else assert(!found.startsWith("ok"), found);
  }
});

Deno.test("client() maps the codes of a reset stream", async () => {
  for (
    const [reset, code] of [
      [0x7, "unavailable"],
      [0x8, "cancelled"],
      [0xb, "resource_exhausted"],
      [0xc, "permission_denied"],
      [0x1, "internal"],
      [0x2, "internal"],
    ] as const
  ) {
    assert.equal(await codeFrom((stream) => stream.close(reset)), code, String(reset));
  }
});

Deno.test("client() survives answers that break the rules", async () => {
  const ok = { "grpc-status": "0" };
  const gzip = { "grpc-encoding": "gzip" };
  const cases: [string, (stream: ServerHttp2Stream) => void][] = [
    ["ok 1", answering(ok, one)],
    ["unimplemented", answering(ok)],
    ["unimplemented", answering(ok, Buffer.concat([one, one]))],
    ["unknown", answering({ "grpc-status": "99", "grpc-message": "x" })],
    ["unknown", answering({ "grpc-status": "abc" })],
    ["resource_exhausted", answering(ok, frame(new Uint8Array(), 0, 2 ** 31 - 1))],
    ["internal", answering(ok, frame(Buffer.from("{")))],
    ["internal", answering(ok, frame(Buffer.from("1"), 1), gzip)],
    ["internal", answering({ "grpc-status": "13", "grpc-status-details-bin": "AAAA" })],
  ];
  for (const [outcome, answer] of cases) assert.equal(await codeFrom(answer), outcome);
});

Deno.test("client() keeps a message whose encoding is broken, and text that is encoded in full", async () => {
  for (
    const [sent, text] of [
      ["%zz 100%", "%zz 100%"],
      ["a%20b%0A", "a b\n"],
      ["s%C3%BC%C3%9F", "s\u00fc\u00df"],
    ]
  ) {
    await using peer = await RawServer.open(
      answering({ "grpc-status": "10", "grpc-message": sent! }),
    );
    using there = channel(peer.target);
    await assert.rejects(client(there, methods.unary)(1, background()), { message: text });
  }
});

// A6, O9
Deno.test("client() reads push-back: a time, and never for a negative or an unreadable one", async () => {
  for (
    const [value, retryAfterMs] of [
      ["1000", 1000],
      ["0", 0],
      ["-1", -1],
      ["x", -1],
      ["2147483648", 86_400_000],
    ] as const
  ) {
    await using peer = await RawServer.open(
      answering({ "grpc-status": "14", "grpc-retry-pushback-ms": value }),
    );
    using there = channel(peer.target);
    await assert.rejects(client(there, methods.unary)(1, background()), { retryAfterMs });
  }
});

const SETTINGS = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/** An empty header of the first stream, which the client has not opened yet. */
const TOO_EARLY = [0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88];

// P12, P15: each connection is ready, and lost before the call is sent or as it is
for (
  const [name, bytes] of [["talks too early", [...SETTINGS, ...TOO_EARLY]], [
    "ends",
    SETTINGS,
  ]] as const
) {
  Deno.test(`client() gives up on a server that greets and ${name}`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    let connections = 0;
    const serving = (async () => {
      for await (const socket of listener) {
        connections++;
        await socket.read(new Uint8Array(4096)).catch(() => {});
        await socket.write(Uint8Array.from(bytes)).catch(() => {});
        if (name !== "ends") await socket.read(new Uint8Array(4096)).catch(() => {});
        socket.close();
      }
    })();
    {
      using there = channel(`127.0.0.1:${listener.addr.port}`);
      using ctx = withTimeout(background(), 3000);
      await assert.rejects(client(there, methods.unary)(1, ctx), {
        code: "unavailable",
        message: "Connection was lost",
      });
    }
    assert(connections <= 10, `${connections}`);
    listener.close();
    await serving;
    // A channel that is closed while it connects leaves a timer of grpc-js, which does nothing.
    await delay(name === "ends" ? 0 : 260);
  });
}
