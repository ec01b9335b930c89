// P15, S2
import assert from "node:assert/strict";
import fc from "fast-check";
import { encode } from "./_codec_testing.ts";
import { Fault } from "./_fault.ts";
import { enframe, Inbox } from "./_inbox.ts";
import { Everything, everything, Leaf, PROTOCOLS } from "./_support_test.ts";
import { list, struct } from "./mod.ts";
import { field } from "./field.ts";
import { i8 } from "./types.ts";

/** Lets bytes arrive in pieces, and gives the messages that are found. */
function arrive(inbox: Inbox, bytes: Uint8Array, pieces: Iterator<number>): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const room = inbox.room();
    const size = Math.min(pieces.next().value!, room.length, bytes.length - at);
    room.set(bytes.subarray(at, at + size));
    inbox.arrived(size);
    at += size;
    for (let one = inbox.next(); one !== undefined; one = inbox.next()) found.push(one);
  }
  return found;
}

function* always(size: number): Iterator<number> {
  for (;;) yield size;
}

const small = struct("Small", { leaf: field(1, Leaf) });

for (const protocol of PROTOCOLS) {
  for (const framed of [true, false]) {
    const name = `${protocol}, ${framed ? "framed" : "unframed"}`;
    const framing = { protocol, framed, maxBytes: 1 << 22 };
    const messages = [
      encode(protocol, Everything, everything),
      encode(protocol, small, { leaf: { id: 1 } }),
      encode(protocol, Everything, { ...everything, text: "x".repeat(20_000) }),
      encode(protocol, small, { leaf: { id: 1, label: '"]}\\' } }),
    ];
    const stream = Uint8Array.from(messages.flatMap((one) => [...enframe(one, framed)]));

    Deno.test(`Inbox finds the same messages however they arrive, ${name}`, () => {
      fc.assert(
        fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 3000 })), (pieces) => {
          const inbox = new Inbox(framing);
          assert.deepEqual(arrive(inbox, stream, pieces), messages);
          assert(inbox.isEmpty);
        }),
        { numRuns: 50 },
      );
      assert.deepEqual(arrive(new Inbox(framing), stream, always(1)), messages);
    });

    Deno.test(`Inbox takes time in proportion to bytes that drip, ${name}`, () => {
      const Bytes = struct("Bytes", { items: field(1, list(i8)) });
      const message = (items: number) =>
        enframe(encode(protocol, Bytes, { items: Array(items).fill(1) }), framed);
      const time = (bytes: Uint8Array) => {
        const start = performance.now();
        assert.equal(arrive(new Inbox(framing), bytes, always(1)).length, 1);
        return performance.now() - start;
      };
      time(message(2000));
      const first = Math.max(1, time(message(10_000)));
      // Twice quadratic would be 100 times as long.
      assert(time(message(100_000)) < 50 * first);
    });

    Deno.test(`Inbox refuses a message over the limit, ${name}`, () => {
      const inbox = new Inbox({ ...framing, maxBytes: 20_000 });
      assert.throws(
        () => arrive(inbox, stream, always(1000)),
        /more than 20000 bytes|more bytes than it may have/,
      );
    });
  }
}

Deno.test("Inbox takes no memory for a frame that is promised only", () => {
  const inbox = new Inbox({ protocol: "binary", framed: true, maxBytes: 1 << 22 });
  arrive(inbox, Uint8Array.fromHex("00400000"), always(4));
  assert(inbox.room().length <= 4096);
});

Deno.test("Inbox refuses what has no frame, a frame too large, and what is no message", () => {
  const framed = { protocol: "binary", framed: true, maxBytes: 1 << 22 } as const;
  const send = (framing: ConstructorParameters<typeof Inbox>[0], text: string) => () =>
    arrive(new Inbox(framing), Uint8Array.fromHex(text), always(100));
  assert.throws(send(framed, "80010001"), /no frame/);
  assert.throws(send(framed, "00400001"), /more than 4194304 bytes/);
  for (const protocol of PROTOCOLS) {
    // "GET / HTTP/1.1"
    const http = "474554202f20485454502f312e31";
    assert.throws(send({ ...framed, protocol, framed: false }, http), Fault);
  }
  const list = "80010001 00000001 6d 00000000 0f0009 08 7fffffff".replaceAll(" ", "");
  assert.throws(send({ ...framed, framed: false }, list), Fault);
});
