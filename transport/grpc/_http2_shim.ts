/**
 * Remedies for HTTP/2 clients, applied to the sessions that `node:http2` makes.
 *
 * The first keeps Deno alive. A GOAWAY makes Deno 2.9 call `close()` on the session from inside the
 * callback of its HTTP/2 library, which frees what the library still uses: the process dies in one of
 * thirty cases, and no `catch` helps. Every server that drains, restarts or limits the age of
 * connections sends one. So `close()` and `destroy()` are put off while the session tells of it.
 *
 * The second keeps messages. grpc-js drops those that it has not handed on yet when a status other
 * than OK arrives, so that a stream loses what came before its error. For Kit's calls such a status
 * is put under another name, where {@linkcode heldStatus} finds it once all messages were read.
 *
 * The third lets grpc-js see the header of an answer before its body, so that an answer that is no
 * gRPC is told by its HTTP status, and not by what its body would mean as a message: Deno gives out
 * the body first where both came at once. And it holds back a body that nobody reads: grpc-js takes
 * in all of it where the first message comes before the first read.
 *
 * The fourth lets a server answer before it has read all of a streamed request: grpc-js takes writes
 * that come too late for a failure of the call.
 *
 * The fifth tells a call that was lost with its connection from one that the server has cancelled.
 *
 * The sixth resets a call that is cancelled: `node:http2` ends its request first, so that a server takes
 * what came of a stream for all of it.
 *
 * The seventh ends a call that cannot be sent, since every connection is lost as soon as it is there:
 * grpc-js connects again at once, a thousand times in a second, for as long as the call may take.
 * @module
 */
import type { Metadata } from "@grpc/grpc-js";
import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from "node:http2";
import { setImmediate } from "node:timers";

const STATUS = "grpc-status";
/** Marks the calls of Kit; it does not go on the wire. */
const MARK = "kit-call";
const HELD = "kit-held-status";

let isApplied = false;

/** Applies the remedies, once. */
export function shimHttp2(): void {
  if (isApplied) return;
  isApplied = true;
  const connect = http2.connect;
  const isDeno = "Deno" in globalThis;
  http2.connect = ((...args: Parameters<typeof connect>) => {
    const session = connect.apply(http2, args);
    if (isDeno) putOffEnd(session);
    remedyCalls(session);
    return session;
  }) as typeof connect;
}

type End = (...args: unknown[]) => void;

function putOffEnd(session: ClientHttp2Session): void {
  const emit = session.emit as (...args: unknown[]) => boolean;
  const close = session.close as End;
  const destroy = session.destroy as End;
  let putOff: (() => void)[] | undefined;
  const later = (end: End): End => (...args) => {
    if (putOff === undefined) end.apply(session, args);
    else putOff.push(() => end.apply(session, args));
  };
  session.close = later(close) as typeof session.close;
  session.destroy = later(destroy) as typeof session.destroy;
  session.emit = ((...args: unknown[]) => {
    if (args[0] === "goaway" && putOff === undefined) {
      const ends: (() => void)[] = putOff = [];
      // The runtime closes the session after its listeners have been told, in the same turn.
      setImmediate(() => {
        putOff = undefined;
        for (const end of ends) end();
      });
    }
    return emit.apply(session, args);
  }) as typeof session.emit;
}

function remedyCalls(session: ClientHttp2Session): void {
  const request = session.request;
  session.request = (headers, options) => {
    if (headers === undefined || !(MARK in headers)) return request.call(session, headers, options);
    const call = String(headers[MARK]);
    delete headers[MARK];
    let stream: ClientHttp2Stream;
    try {
      stream = request.call(session, headers, options);
    } catch (error) {
      countUnsent(call);
      throw error;
    }
    // These listeners run before those of grpc-js, which are given the same objects.
    readAfterHeader(stream);
    forgetWrites(stream);
    resetAtOnce(stream);
    stream.once("trailers", holdStatus);
    stream.once("close", () => {
      if (stream.rstCode !== http2.constants.NGHTTP2_CANCEL || !session.destroyed) return;
      lost.add(call);
      // The status of the call comes in this turn.
      setImmediate(() => lost.delete(call));
    });
    return stream;
  };
}

function holdStatus(trailers: IncomingHttpHeaders): void {
  delete trailers[HELD];
  if (trailers[STATUS] === undefined || trailers[STATUS] === "0") return;
  trailers[HELD] = trailers[STATUS];
  trailers[STATUS] = "0";
}

function readAfterHeader(stream: ClientHttp2Stream): void {
  const { resume } = stream;
  let isRead = false;
  // Listening for data does not resume a stream that is paused, so that only a read does.
  stream.pause();
  stream.resume = () => {
    isRead = true;
    return stream;
  };
  stream.once("response", () => {
    stream.resume = () => {
      isRead = true;
      return resume.call(stream);
    };
    stream.once("data", () => {
      if (!isRead) stream.pause();
    });
    // Somebody has to see the end of an answer that is empty.
    resume.call(stream);
  });
}

type Written = (error?: Error | null) => void;

function forgetWrites(stream: ClientHttp2Stream): void {
  const write = stream.write as (chunk: unknown, written: Written) => boolean;
  let isAnswered = false;
  const answered = () => {
    isAnswered = true;
  };
  stream.once("response", (_, flags) => {
    if ((flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0) answered();
  });
  stream.once("trailers", answered);
  const writeUnlessAnswered = (chunk: unknown, written: Written): boolean => {
    if (!isAnswered) {
      return write.call(stream, chunk, (error) => written(isAnswered ? undefined : error));
    }
    setImmediate(written);
    return true;
  };
  stream.write = writeUnlessAnswered as typeof stream.write;
}

function resetAtOnce(stream: ClientHttp2Stream): void {
  const { close } = stream;
  stream.close = (code, callback) => {
    if (code === undefined || code === http2.constants.NGHTTP2_NO_ERROR) {
      return close.call(stream, code, callback);
    }
    const { end } = stream;
    stream.end = () => stream;
    try {
      close.call(stream, code, callback);
    } finally {
      stream.end = end;
    }
  };
}

let count = 0;
const lost = new Set<string>();

/** How many connections may be lost before a call could be sent. */
const MAX_UNSENT = 10;

/** What ends a call, and how often it could not be sent. */
const calls = new Map<string, { readonly giveUp: () => void; unsent: number }>();

function countUnsent(id: string): void {
  const call = calls.get(id);
  // Whoever has called this still works on the call.
  if (call !== undefined && ++call.unsent === MAX_UNSENT) setImmediate(call.giveUp);
}

/**
 * Asks for the remedies of a call; returns what it is known by. `giveUp` is called if it cannot be sent;
 * the end of the call has to be told to {@linkcode forget}.
 */
export function remedied(metadata: Metadata, giveUp: () => void): string {
  const call = String(count++);
  metadata.set(MARK, call);
  calls.set(call, { giveUp, unsent: 0 });
  return call;
}

/** Tells that a call is over. */
export function forget(call: string): void {
  calls.delete(call);
}

/** Tells whether a call was cancelled by the loss of its connection. */
export function isLost(call: string): boolean {
  return lost.has(call);
}

/** Tells the status that was held, and takes it out. */
export function heldStatus(metadata: Metadata): number | undefined {
  const held = metadata.get(HELD)[0];
  if (held === undefined) return undefined;
  metadata.remove(HELD);
  return Number(held);
}
