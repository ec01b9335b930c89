/**
 * Keeps the HTTP/2 client of Deno alive when a server goes away.
 *
 * A GOAWAY makes Deno 2.9 call `close()` on the session from inside the callback of its HTTP/2
 * library, which frees what the library still uses: the process dies in one of thirty cases, and no
 * `catch` helps. Every server that drains, restarts or limits the age of connections sends one. So
 * `close()` and `destroy()` are put off while the session tells of it.
 * @module
 */
import http2, { type ClientHttp2Session } from "node:http2";
import { setImmediate } from "node:timers";

let isApplied = false;

/** Applies the remedy, once, on Deno only. */
export function shimHttp2(): void {
  if (isApplied || !("Deno" in globalThis)) return;
  isApplied = true;
  const connect = http2.connect;
  http2.connect =
    ((...args: Parameters<typeof connect>) =>
      guarded(connect.apply(http2, args))) as typeof connect;
}

type End = (...args: unknown[]) => void;

function guarded(session: ClientHttp2Session): ClientHttp2Session {
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
  return session;
}
