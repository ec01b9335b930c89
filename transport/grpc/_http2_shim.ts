/**
 * Two remedies for HTTP/2 clients, both applied to the sessions that `node:http2` makes.
 *
 * The first keeps Deno alive. A GOAWAY makes Deno 2.9 call `close()` on the session from inside the
 * callback of its HTTP/2 library, which frees what the library still uses: the process dies in one of
 * thirty cases, and no `catch` helps. Every server that drains, restarts or limits the age of
 * connections sends one. So `close()` and `destroy()` are put off while the session tells of it.
 *
 * The second keeps messages. grpc-js drops those that it has not handed on yet when a status other
 * than OK arrives, so that a stream loses what came before its error. For Kit's calls such a status
 * is put under another name, where {@linkcode heldStatus} finds it once all messages were read.
 * @module
 */
import type { Metadata } from "@grpc/grpc-js";
import http2, { type ClientHttp2Session } from "node:http2";
import { setImmediate } from "node:timers";

const STATUS = "grpc-status";
/** Asks to hold a status; it does not go on the wire. */
const HOLD = "kit-hold-status";
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
    holdStatuses(session);
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

function holdStatuses(session: ClientHttp2Session): void {
  const request = session.request;
  session.request = (headers, options) => {
    if (headers === undefined || !(HOLD in headers)) return request.call(session, headers, options);
    delete headers[HOLD];
    const stream = request.call(session, headers, options);
    // Runs before the listener of grpc-js, which is given the same object.
    stream.once("trailers", (trailers) => {
      delete trailers[HELD];
      if (trailers[STATUS] === undefined || trailers[STATUS] === "0") return;
      trailers[HELD] = trailers[STATUS];
      trailers[STATUS] = "0";
    });
    return stream;
  };
}

/** Asks to hold the status of a call until its messages were read. */
export function holdStatus(metadata: Metadata): void {
  metadata.set(HOLD, "1");
}

/** Tells the status that was held, and takes it out. */
export function heldStatus(metadata: Metadata): number | undefined {
  const held = metadata.get(HELD)[0];
  if (held === undefined) return undefined;
  metadata.remove(HELD);
  return Number(held);
}
