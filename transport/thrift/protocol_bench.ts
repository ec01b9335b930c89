// Messages of each protocol, whole calls over TCP beside an echo of the same bytes.
import { background } from "@kit/endpoint";
import { encodeMessage, readerOf } from "./_codec.ts";
import { DEFAULT_MAX_BYTES, DEFAULT_MAX_DEPTH, DEFAULT_MAX_ITEMS } from "./_limits.ts";
import { CALL, encodeCall } from "./_message.ts";
import { Inbox } from "./_inbox.ts";
import { closeQuietly, writeAll } from "./_socket.ts";
import {
  endpoints,
  Everything,
  everything,
  Gauntlet,
  HOST,
  processor,
  PROTOCOLS,
  serving,
} from "./_support_test.ts";
import * as thrift from "./mod.ts";

const HEAD = { name: "m", type: CALL, seqid: 1 };
const LIMITS = { maxDepth: DEFAULT_MAX_DEPTH, maxItems: DEFAULT_MAX_ITEMS };

const small = Gauntlet.methods.sum.args;
const smallValue = { a: 2n ** 40n, b: -7n };

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

const asJson = { a: 2 ** 40, b: -7 };
Deno.bench({ name: "JSON.stringify", group: "encode small", baseline: true }, () => {
  encodeJson(asJson);
});
const jsonBytes = encodeJson(asJson);
Deno.bench({ name: "JSON.parse", group: "decode small", baseline: true }, () => {
  JSON.parse(new TextDecoder().decode(jsonBytes));
});

for (const protocol of PROTOCOLS) {
  const bytes = encodeMessage(protocol, HEAD, small, smallValue);
  Deno.bench({ name: protocol, group: "encode small" }, () => {
    encodeMessage(protocol, HEAD, small, smallValue);
  });
  Deno.bench({ name: protocol, group: "decode small" }, () => {
    const input = readerOf(protocol, LIMITS).attach(bytes);
    input.messageBegin();
    small.read(input);
  });
  const large = encodeMessage(protocol, HEAD, Everything, everything);
  Deno.bench({ name: `${protocol}, encode`, group: "everything" }, () => {
    encodeMessage(protocol, HEAD, Everything, everything);
  });
  Deno.bench({ name: `${protocol}, decode`, group: "everything" }, () => {
    const input = readerOf(protocol, LIMITS).attach(large);
    input.messageBegin();
    Everything.read(input);
  });
  const inbox = new Inbox({ protocol, framed: false, maxBytes: DEFAULT_MAX_BYTES });
  Deno.bench({ name: `${protocol}, find its end`, group: "everything" }, () => {
    inbox.room().set(large);
    inbox.arrived(large.length);
    inbox.next();
  });
}

const call = encodeCall("binary", Gauntlet.methods.sum, 1, smallValue);
const listener = Deno.listen({ hostname: HOST, port: 0 });
listener.unref();
async function echo(socket: Deno.TcpConn): Promise<void> {
  socket.setNoDelay();
  const buffer = new Uint8Array(4096);
  for (let n = await socket.read(buffer); n !== null; n = await socket.read(buffer)) {
    await writeAll(socket, buffer.subarray(0, n));
  }
  closeQuietly(socket);
}
(async () => {
  for await (const socket of listener) echo(socket).catch(() => {});
})();
const bare = await Deno.connect({ hostname: HOST, port: listener.addr.port });
bare.setNoDelay();
const buffer = new Uint8Array(4096);

Deno.bench({ name: "bare echo", group: "one call after the other", baseline: true }, async () => {
  await bare.write(call);
  await bare.read(buffer);
});
for (const protocol of PROTOCOLS) {
  for (const framed of [false, true]) {
    const server = serving(processor(), { protocol, framed });
    const connection = thrift.connect(`${HOST}:${server.addr.port}`, { protocol, framed });
    const { sum } = endpoints(connection);
    const name = `${protocol}${framed ? ", framed" : ""}`;
    Deno.bench({ name, group: "one call after the other" }, async () => {
      await sum(smallValue, background());
    });
    Deno.bench({ name, group: "32 calls at once" }, async () => {
      await Promise.all(Array.from({ length: 32 }, () => sum(smallValue, background())));
    });
  }
}
