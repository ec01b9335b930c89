/**
 * Mends what grpc-js 1.14.7 does otherwise than the protocol has it
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). It reaches into members that are
 * private there, each looked for before it is used; the tests tell if one is gone.
 * @module
 */
import {
  type ChannelInterface,
  logVerbosity,
  type Server,
  type ServerInterceptingCallInterface,
  setLogVerbosity,
  status,
} from "@grpc/grpc-js";
import http2, { type Http2Server, type Http2Session, type IncomingHttpHeaders } from "node:http2";
import process from "node:process";
import { isZipped } from "./_zip.ts";

interface PrivateServer {
  readonly http2Servers?: ReadonlyMap<
    Http2Server,
    { readonly sessions?: Iterable<Http2Session> }
  >;
}

interface PrivateCall {
  readonly decoder?: { readonly readState?: number };
  readonly stream?: object;
  decompressMessage?(message: Uint8Array, encoding: string): unknown;
  serializeMessage?(message: Uint8Array): Uint8Array;
}

interface PrivateChannel {
  readonly internalChannel?: {
    readonly subchannelPool?: {
      readonly pool?: Readonly<Record<string, readonly { readonly subchannel: Subchannel }[]>>;
    };
  };
}

interface Subchannel {
  stopBackoff?(): void;
}

/** The longest time that grpc-js can wait, a little less than 25 days. */
const MAX_TIMEOUT_S = 2_147_483;

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000001,
};

/** What callers say that they can decompress, which grpc-js keeps to itself. */
const accepted = new WeakMap<object, string>();

/** Mends a server that listens. */
export function mendServer(server: Server): void {
  // Deno lacks this one, so that a request that is no gRPC would be answered with 200.
  const constants = http2.constants as Record<string, unknown>;
  constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE ??= 415;
  for (const engine of (server as unknown as PrivateServer).http2Servers?.keys() ?? []) {
    engine.prependListener("stream", (stream, headers) => {
      mendTimeout(headers);
      const encodings = headers["grpc-accept-encoding"];
      if (encodings !== undefined) accepted.set(stream, String(encodings));
    });
  }
}

/** No stream has a higher number, so a GOAWAY with it refuses none. */
const LAST_STREAM = 2 ** 31 - 1;

/**
 * Takes no connections any more and asks clients to send no more calls on those that there are. It
 * resolves when each has answered, so that every call sent before has arrived: grpc-js closes a
 * connection in one step, and calls on their way to it are lost.
 */
export async function announceStop(server: Server): Promise<void> {
  const answers: Promise<void>[] = [];
  for (const [engine, info] of (server as unknown as PrivateServer).http2Servers ?? []) {
    engine.close();
    for (const session of info.sessions ?? []) answers.push(announce(session));
  }
  await Promise.all(answers);
}

function announce(session: Http2Session): Promise<void> {
  return new Promise((resolve) => {
    session.once("close", resolve);
    try {
      session.goaway(http2.constants.NGHTTP2_NO_ERROR, LAST_STREAM);
      session.ping(() => resolve());
    } catch {
      // It is closed already.
      resolve();
    }
  });
}

/**
 * Ends the connections of a server. `forceShutdown` knows none of them unless each call is accounted
 * for in channelz, and `drain` none that is closing.
 */
export function endConnections(server: Server): void {
  for (
    const { sessions = [] } of (server as unknown as PrivateServer).http2Servers?.values() ?? []
  ) {
    for (const session of [...sessions]) session.destroy();
  }
  server.forceShutdown();
}

let isSilenced = false;

/** grpc-js writes to the console what peers send it; it still does if GRPC_VERBOSITY is set. */
export function silence(): void {
  if (isSilenced) return;
  isSilenced = true;
  if (process.env.GRPC_VERBOSITY === undefined) setLogVerbosity(logVerbosity.NONE);
}

/** Times over 25 days overflow in grpc-js, into the past at that, and bad ones are read in part. */
function mendTimeout(headers: IncomingHttpHeaders): void {
  const timeout = headers["grpc-timeout"];
  if (timeout === undefined) return;
  const [, digits = "", unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(String(timeout)) ?? [];
  const ms = Math.ceil(Number(digits) * (UNIT_MS[unit] ?? NaN));
  headers["grpc-timeout"] = Number.isNaN(ms)
    ? "invalid"
    : ms < 1e8
    ? `${ms}m`
    : `${Math.min(Math.ceil(ms / 1000), MAX_TIMEOUT_S)}S`;
}

const mended = new WeakSet<object>();

/** Mends all calls, when it sees the first. */
export function mendCall(call: ServerInterceptingCallInterface): void {
  const prototype = Object.getPrototypeOf(call) as PrivateCall;
  if (mended.has(prototype)) return;
  mended.add(prototype);
  const { decompressMessage, serializeMessage } = prototype;
  if (decompressMessage !== undefined) {
    // A message that says it is compressed, by nothing, would be taken as it is.
    prototype.decompressMessage = function (this: PrivateCall, message, encoding) {
      return message[0] !== 0 && encoding === "identity"
        ? Promise.reject({
          code: status.INTERNAL,
          details: "Cannot read compressed message as its encoding is not named",
        })
        : decompressMessage.call(this, message, encoding);
    };
  }
  if (serializeMessage !== undefined) {
    // grpc-js says of every message that it is not compressed.
    prototype.serializeMessage = function (this: PrivateCall, message) {
      const framed = serializeMessage.call(this, message);
      if (isZipped(message)) framed[0] = 1;
      return framed;
    };
  }
}

/** Whether a caller takes messages that are compressed in this way. */
export function isAccepted(call: ServerInterceptingCallInterface, encoding: string): boolean {
  const { stream, serializeMessage } = call as unknown as PrivateCall;
  if (stream === undefined || serializeMessage === undefined) return false;
  return accepted.get(stream)?.split(",").some((name) => name.trim() === encoding) ?? false;
}

/** Whether a request has ended in the middle of a message, of which grpc-js says nothing. */
export function isCutOff(call: ServerInterceptingCallInterface): boolean {
  const state = (call as unknown as PrivateCall).decoder?.readState;
  return state !== undefined && state !== 0;
}

/** Closes a channel, with the timers that wait to connect again. */
export function closeChannel(channel: ChannelInterface): void {
  const pool = (channel as unknown as PrivateChannel).internalChannel?.subchannelPool?.pool ?? {};
  const subchannels = Object.values(pool).flat();
  channel.close();
  for (const { subchannel } of subchannels) subchannel.stopBackoff?.();
}
