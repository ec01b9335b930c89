// P12, P15, S3: what is promised takes no memory before it comes.
import { background, delay } from "@kit/endpoint";
import assert from "node:assert/strict";
import * as grpc from "../grpc/mod.ts";
import * as http from "../http/mod.ts";
import * as gob from "../netrpc/gob/mod.ts";
import * as netrpc from "../netrpc/mod.ts";
import * as thrift from "../thrift/mod.ts";
import { field, head, http2Frame } from "./_http_support_test.ts";
import {
  type Answer,
  type Ask,
  be32,
  gc,
  HOST,
  joined,
  LISTEN,
  memory,
  type Question,
  report,
  Service,
  utf8,
} from "./_support_test.ts";

/** As much as a message may have. */
const PROMISED = 4 * 1024 * 1024;
const PEERS = 25;
const MAX_BYTES_EACH = 64 * 1024;

interface Wire {
  /** The beginning of a message. */
  readonly bytes: Uint8Array;
  readonly open: (ask: Ask, open: AsyncDisposableStack) => Promise<{ port: number; ask: Ask }>;
}

const json = <T>(): grpc.Codec<T> => ({
  serialize: (value) => utf8(JSON.stringify(value)),
  deserialize: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
});

function thriftWire(framed: boolean): Wire["open"] {
  return (ask, open) => {
    const Wires = thrift.service("Wires", {
      ask: thrift.method({
        args: { s: thrift.field(1, thrift.string) },
        result: thrift.struct("Answer", { v: thrift.field(1, thrift.string) }),
      }),
    });
    const processor = thrift.server(Wires, { ask });
    const { port } = open.use(thrift.serve(processor, { ...LISTEN, framed })).addr;
    const connection = open.use(thrift.connect(`${HOST}:${port}`, { framed }));
    return Promise.resolve({ port, ask: thrift.client(connection, Wires.methods.ask) });
  };
}

const [framed, buffered] = [true, false].map(thriftWire);
/** A call of `ask`, up to its text, which is the first argument. */
const call = joined(be32(0x8001_0001), be32(3), "ask", be32(0), Uint8Array.of(11, 0, 1));

const WIRES: Readonly<Record<string, Wire>> = {
  http: {
    bytes: utf8(`${head(`Content-Length: ${PROMISED}`)}{"s":"`),
    open: (ask, open) => {
      const { port } = open.use(http.serve(http.server(ask), LISTEN)).addr;
      return Promise.resolve({ port, ask: http.client(`http://${HOST}:${port}/`) });
    },
  },
  grpc: {
    bytes: joined(
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      http2Frame("settings", 0),
      http2Frame(
        "headers",
        4,
        joined(
          field(":method", "POST"),
          field(":scheme", "http"),
          field(":path", "/kit.Wires/Ask"),
          field("content-type", "application/grpc"),
          field("te", "trailers"),
        ),
      ),
      http2Frame("data", 0, joined(Uint8Array.of(0), be32(PROMISED), `{"s":"`)),
    ),
    open: async (ask, open) => {
      const types = { request: json<Question>(), response: json<Answer>() };
      const method = grpc.unary("/kit.Wires/Ask", types);
      const { port } = open.use(await grpc.serve([grpc.server(method, ask)], LISTEN)).addr;
      return { port, ask: grpc.client(open.use(grpc.channel(`${HOST}:${port}`)), method) };
    },
  },
  "thrift, framed": { bytes: joined(be32(PROMISED), call), open: framed! },
  "thrift, buffered": {
    bytes: joined(call, be32(PROMISED - 1000), "x"),
    open: buffered!,
  },
  netrpc: {
    bytes: joined(Uint8Array.of(0xfc), be32(PROMISED - 1000), "x"),
    open: async (ask, open) => {
      const types = {
        args: gob.struct("Question", { s: gob.string }),
        reply: gob.struct("Answer", { v: gob.string }),
      };
      const methods = netrpc.server({ "Wires.Ask": netrpc.method(ask, types) });
      const { port } = open.use(await netrpc.serve(methods, LISTEN)).addr;
      const connection = open.use(netrpc.connect(`${HOST}:${port}`));
      return { port, ask: netrpc.client(connection, "Wires.Ask", types) };
    },
  },
};

for (const [name, { bytes, open }] of Object.entries(WIRES)) {
  Deno.test(`${name} takes no memory for what peers promise who stall`, async () => {
    await using stack = new AsyncDisposableStack();
    const { port, ask } = await open(new Service().ask, stack);
    const sockets: Deno.Conn[] = [];
    const stall = async () => {
      const socket = await Deno.connect({ hostname: HOST, port });
      await socket.write(bytes);
      sockets.push(socket);
      // Whoever comes later is answered, so the server has seen the other.
      assert.deepEqual(await ask({ s: "a" }, background()), { v: "A" });
    };
    try {
      for (let i = 0; i < 3; i++) await stall();
      gc();
      const before = memory();
      for (let i = 0; i < PEERS; i++) await stall();
      gc();
      const each = (memory() - before) / PEERS;
      assert(each < MAX_BYTES_EACH, `Each peer has taken ${each} bytes`);
      report([name, `${PEERS} peers that stall`, "waits", "", (each / 1024).toFixed(0), ""]);
      // They have not been refused, or it would prove nothing. Of gRPC something comes in any case.
      const reads = sockets.map((socket) => socket.read(new Uint8Array(9)).catch(() => "waits"));
      await delay(5);
      for (const socket of sockets) socket.close();
      for (const came of await Promise.all(reads)) {
        if (name === "grpc") assert.equal(came, 9);
        else assert.equal(came, "waits");
      }
    } finally {
      for (const socket of sockets) {
        try {
          socket.close();
        } catch {
          // It is closed.
        }
      }
    }
  });
}
