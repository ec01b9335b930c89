// P12, P15, S3
import type { KitError } from "@kit/endpoint";
import { encodeMessage } from "../thrift/_codec.ts";
import { enframe } from "../thrift/_inbox.ts";
import { CALL, decodeReply, REPLY } from "../thrift/_message.ts";
import { scannerOf } from "../thrift/_scan.ts";
import { WIRE_TYPES, type Writer } from "../thrift/protocol.ts";
import * as thrift from "../thrift/mod.ts";
import {
  type Ask,
  type Attack,
  be32,
  EvilServer,
  type EvilThen,
  exchange,
  HOST,
  HUGE,
  joined,
  LISTEN,
  MAX_BYTES,
  type Open,
  STALL_MS,
  suffers,
  type Then,
  utf8,
  vanish,
} from "./_support_test.ts";

const Wires = thrift.service("Wires", {
  ask: thrift.method({
    args: { s: thrift.field(1, thrift.string) },
    result: thrift.struct("Answer", { v: thrift.field(1, thrift.string) }),
  }),
});

interface Victim {
  readonly port: number;
}
interface Evil {
  readonly evil: EvilServer;
  readonly call: Ask;
}

/** Writes the fields of a struct as they are. */
type Fields = (output: Writer) => void;

/** Bytes that belong to no value. */
const raw = (output: Writer, ...bytes: readonly number[]) => {
  for (const byte of bytes) output.i8(byte << 24 >> 24);
};

const text = (id: number, value: string): Fields => (output) => {
  output.fieldBegin(WIRE_TYPES.string, id);
  output.string(value);
  output.fieldEnd();
};

const nested = (depth: number): Fields => (output) => {
  for (let i = 0; i < depth; i++) {
    output.fieldBegin(WIRE_TYPES.struct, 1);
    output.structBegin();
  }
  for (let i = 0; i < depth; i++) {
    output.structEnd();
    output.fieldEnd();
  }
};

for (const protocol of ["binary", "compact"] as const) {
  const isBinary = protocol === "binary";
  // As a length of 32 bits, or as one of a varying number of bytes.
  const huge = isBinary ? [...be32(HUGE)] : [0xff, 0xff, 0xff, 0xff, 0x07];
  const negative = isBinary ? [...be32(-1)] : [0xff, 0xff, 0xff, 0xff, 0x0f];
  const listOfInts = isBinary ? [WIRE_TYPES.i32] : [0xf5];

  const hugeText: Fields = (output) => {
    output.fieldBegin(WIRE_TYPES.string, 1);
    raw(output, ...huge);
  };
  const negativeText: Fields = (output) => {
    output.fieldBegin(WIRE_TYPES.string, 1);
    raw(output, ...negative);
  };
  const hugeList: Fields = (output) => {
    output.fieldBegin(WIRE_TYPES.list, 1);
    raw(output, ...listOfInts, ...huge, 1, 2, 3, 4);
  };
  const number: Fields = (output) => {
    output.fieldBegin(WIRE_TYPES.i32, 1);
    output.i32(7);
    output.fieldEnd();
  };
  const unknownKind: Fields = (output) => raw(output, isBinary ? 0x63 : 0x1e, 0, 1);

  const message = (fields: Fields, name: string, type: number) =>
    encodeMessage(protocol, { name, type, seqid: 0 }, {
      write: (output) => {
        output.structBegin();
        fields(output);
        output.structEnd();
      },
    }, undefined);

  for (const framed of [true, false]) {
    // A frame says where its message ends; without one it may go on, up to the limit.
    const beyond = framed ? "invalid_argument" : "resource_exhausted";
    // The compact protocol has no lengths below zero.
    const less = isBinary ? "invalid_argument" : beyond;
    const beyondReply = framed ? "internal" : "resource_exhausted";
    const wire = `${protocol}, ${framed ? "framed" : "buffered"}`;
    const enframed = (bytes: Uint8Array) => enframe(bytes, framed);
    const call = (fields: Fields, name = "ask") => enframed(message(fields, name, CALL));
    const result = (fields: Fields) =>
      enframed(message(
        (output) => {
          output.fieldBegin(WIRE_TYPES.struct, 0);
          output.structBegin();
          fields(output);
          output.structEnd();
          output.fieldEnd();
        },
        "ask",
        REPLY,
      ));

    const open: Open<Victim> = (service, open) => {
      const processor = thrift.server(Wires, { ask: service.ask });
      const options = { protocol, framed };
      const limits = { maxBytes: MAX_BYTES, messageTimeoutMs: STALL_MS };
      const { port } = open.use(thrift.serve(processor, { ...LISTEN, ...options, ...limits })).addr;
      const connection = open.use(thrift.connect(`${HOST}:${port}`, options));
      return Promise.resolve({ port, ask: thrift.client(connection, Wires.methods.ask) });
    };

    const isWhole = (got: Uint8Array) => {
      if (!framed) return scannerOf(protocol, MAX_BYTES).scan(got, 0, got.length) >= 0;
      return got.length >= 4 && got.length >= 4 + new DataView(got.buffer).getInt32(0);
    };

    /** Sends bytes, and tells the code of the exception that comes back. */
    const send =
      (bytes: Uint8Array, then: Then = "waits") => async ({ port }: Victim): Promise<string> => {
        const got = await exchange(port, bytes, { then, until: isWhole });
        if (got.length === 0) return "closed";
        try {
          const limits = { maxDepth: 64, maxItems: 100 };
          const reply = got.subarray(framed ? 4 : 0);
          return JSON.stringify(decodeReply(protocol, reply, Wires.methods.ask, 0, limits));
        } catch (error) {
          return (error as KitError).code;
        }
      };

    const good = call(text(1, "hello, world"));
    const attacks: Attack<Victim>[] = [
      {
        name: "a message that is cut off",
        send: send(good.slice(0, -3), "ends"),
        outcome: "closed",
      },
      { name: "a head that is cut off", send: send(good.slice(0, 3), "ends"), outcome: "closed" },
      { name: "a text of 2^31-1 bytes", send: send(call(hugeText)), outcome: beyond },
      { name: "a text of -1 bytes", send: send(call(negativeText)), outcome: less },
      { name: "a list of 2^31-1 items", send: send(call(hugeList)), outcome: beyond },
      { name: "a value of another type", send: send(call(number)), outcome: "invalid_argument" },
      {
        name: "a kind of values that is none",
        send: send(call(unknownKind)),
        outcome: "invalid_argument",
      },
      {
        name: "no message",
        send: send(enframed(utf8("GET / HTTP/1.1\r\n\r\n"))),
        outcome: isBinary ? beyond : "invalid_argument",
      },
      {
        name: "an unknown method",
        send: send(call(text(1, "x"), "__proto__")),
        outcome: "unimplemented",
      },
      { name: "nesting of 100", send: send(call(nested(100))), outcome: "resource_exhausted" },
      { name: "nesting of 15000", send: send(call(nested(15_000))), outcome: "resource_exhausted" },
      {
        name: "a message that is too large",
        send: send(call(text(1, "x".repeat(MAX_BYTES)))),
        outcome: "resource_exhausted",
      },
      {
        name: "a peer that stalls",
        send: send(good.slice(0, -3)),
        outcome: "closed",
        isSlow: true,
      },
      {
        name: "a peer that vanishes",
        send: ({ port }) => vanish(port, good.slice(0, -3)),
        outcome: "gone",
      },
    ];
    if (framed) {
      attacks.push({
        name: "a frame of 2^31-1 bytes",
        send: send(joined(be32(HUGE), good.subarray(4))),
        outcome: "resource_exhausted",
      }, {
        name: "a frame of -1 bytes",
        send: send(joined(be32(-1), good.subarray(4))),
        outcome: "invalid_argument",
      }, {
        name: "a frame that is longer than its message",
        send: send(enframed(joined(good.subarray(4), "more"))),
        outcome: "invalid_argument",
      }, {
        name: "a frame that is shorter than its message",
        send: send(enframed(good.slice(4, -3))),
        outcome: "invalid_argument",
      });
    }
    suffers(`thrift.serve(), ${wire},`, open, attacks);

    const openEvil: Open<Evil> = async (service, stack) => {
      const { ask } = await open(service, stack);
      const evil = stack.use(new EvilServer());
      const options = { protocol, framed, maxBytes: MAX_BYTES };
      const connection = stack.use(thrift.connect(`${HOST}:${evil.port}`, options));
      return { ask, evil, call: thrift.client(connection, Wires.methods.ask) };
    };

    const get = (bytes: Uint8Array, then?: EvilThen) => ({ evil, call }: Evil) =>
      evil.answering(call, bytes, then);

    const fine = result(text(1, "x"));
    const replies: Attack<Evil>[] = [
      { name: "silence and an end", send: get(utf8("")), outcome: "unavailable" },
      { name: "a reply that is cut off", send: get(fine.slice(0, -3)), outcome: "unavailable" },
      {
        name: "a text of 2^31-1 bytes",
        send: get(result(hugeText), "stays"),
        outcome: beyondReply,
      },
      {
        name: "a list of 2^31-1 items",
        send: get(result(hugeList), "stays"),
        outcome: beyondReply,
      },
      { name: "a value of another type", send: get(result(number), "stays"), outcome: "internal" },
      {
        name: "no message",
        send: get(enframed(utf8("HTTP/1.1 200\r\n\r\n")), "stays"),
        outcome: isBinary ? beyondReply : "internal",
      },
      {
        name: "nesting of 15000",
        send: get(result(nested(15_000)), "stays"),
        outcome: "resource_exhausted",
      },
      {
        name: "a reply that is too large",
        send: get(result(text(1, "x".repeat(MAX_BYTES))), "stays"),
        outcome: "resource_exhausted",
      },
      {
        name: "a server that stalls",
        send: get(fine.slice(0, -3), "stalls"),
        outcome: "deadline_exceeded",
        isSlow: true,
      },
    ];
    if (framed) {
      replies.push({
        name: "a frame of 2^31-1 bytes",
        send: get(joined(be32(HUGE), fine.subarray(4)), "stays"),
        outcome: "resource_exhausted",
      });
    }
    suffers(`thrift.client(), ${wire},`, openEvil, replies);
  }
}
