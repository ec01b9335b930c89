/**
 * Connections by amqplib.
 * @module
 */
import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { type ChannelModel, connect, type SocketOptions } from "amqplib";
import { UNREADABLE } from "./_headers.ts";
import type { BlockState, Dial, Link } from "./_link.ts";
import { within } from "./_within.ts";

/** How long a broker may take to say goodbye. */
const CLOSE_MS = 2000;

/** What amqplib has and does not tell of. */
interface Inside {
  readonly stream: Duplex;
  rest: Buffer;
  recvFrame(): unknown;
}

/** Makes what opens connections to a broker. */
export function dialer(url: string, timeoutMs: number, socket: SocketOptions = {}): Dial {
  return async (signal) => {
    signal.throwIfAborted();
    // The socket heeds its signal for as long as it lives, but once it is open it has to say goodbye.
    const opening = new AbortController();
    const giveUp = () => opening.abort(signal.reason);
    signal.addEventListener("abort", giveUp);
    try {
      // Without `noDelay` every call waits 40 ms for an acknowledgement of TCP.
      const options = { ...socket, noDelay: true, timeout: timeoutMs, signal: opening.signal };
      return link(await connect(url, options as SocketOptions));
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  };
}

function link(model: ChannelModel): Link {
  const inside = model.connection as unknown as Inside;
  guardHeaders(inside);
  const { promise: lost, resolve: setLost } = Promise.withResolvers<unknown>();
  let failure: unknown;
  let isClosing = false;
  // An error that nobody listens to would end the process.
  model.on("error", (error) => failure ??= error);
  inside.stream.on("error", () => {});
  const gone = new Promise<void>((resolve) => inside.stream.once("close", () => resolve()));
  model.on("close", (why) => {
    setLost(isClosing ? undefined : failure ?? why ?? new Error("Connection closed"));
    // A peer that has vanished answers no goodbye either.
    if (!isClosing) inside.stream.destroy();
  });

  const blocking = new Set<(state: BlockState) => void>();
  let state: BlockState = "free";
  const block = (next: BlockState) => {
    state = next;
    for (const listener of blocking) listener(next);
  };
  model.on("blocked", () => block("blocked"));
  model.on("unblocked", () => block("free"));

  return {
    openChannel: async () => {
      const channel = await model.createConfirmChannel();
      channel.on("error", () => {});
      return channel;
    },
    lost,
    onBlocked(listener) {
      blocking.add(listener);
      listener(state);
      return { [Symbol.dispose]: () => void blocking.delete(listener) };
    },
    async close() {
      isClosing = true;
      await within(CLOSE_MS, model.close());
      // As an error it also ends what amqplib still waits for.
      inside.stream.destroy(new Error("Connection closed"));
      await gone;
      setLost(undefined);
    },
  };
}

/**
 * Has messages delivered whose headers cannot be decoded, without their headers.
 *
 * Nested a few thousand tables deep, headers overflow the stack of amqplib's decoder, which then gives
 * the connection up. The broker would deliver the message again on the next one, for ever.
 */
function guardHeaders(inside: Inside): void {
  const receive = inside.recvFrame;
  inside.recvFrame = function (this: Inside): unknown {
    // A frame that is there whole is taken off before it is decoded; one that is not is read into
    // the buffer, and then this is called again.
    const { rest } = this;
    try {
      return receive.call(this);
    } catch (error) {
      const isHeader = rest.length > 19 && rest !== this.rest && rest.readUInt8(0) === 2 &&
        rest.length >= rest.readUInt32BE(3) + 8;
      if (!isHeader) throw error;
      return {
        id: rest.readUInt16BE(7),
        channel: rest.readUInt16BE(1),
        size: Number(rest.readBigUInt64BE(11)),
        fields: { headers: { [UNREADABLE]: true } },
      };
    }
  };
}
