/**
 * A server that can be stopped without losing what is in flight.
 * @module
 */
import { type Clock, KitError, systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositive } from "@kit/endpoint/check";
import { stoppable } from "../_stopping.ts";
import { Inflight } from "./_inflight.ts";
import { runtime, type RuntimeServer } from "./_runtime.ts";
import type { Handler } from "./handler.ts";
import { type ListenAddress, parseListenAddress } from "./listen_address.ts";
import { problem } from "./problem.ts";

/** Options for {@linkcode serve}. */
export interface ServeOptions {
  /**
   * Where to listen: `:port` or `host:port`; port 0 takes any that is free.
   * @default {":8080"}
   */
  readonly listen?: string;
  /**
   * How long a request may take to be answered, its body included; 504 is answered then.
   * @default {60000}
   */
  readonly handlerTimeoutMs?: number;
  /**
   * How long the body of a request may take to arrive, where the handler is one of Kit's; 408 is
   * answered then.
   * @default {30000}
   */
  readonly bodyTimeoutMs?: number;
  /**
   * How long a stop waits for what is in flight. Half a second after that a stop by a signal ends the
   * process, if a client that does not read its response still holds it up.
   * @default {10000}
   */
  readonly drainMs?: number;
  /**
   * How long to go on serving after a stop has been asked for, so that the news reaches those who
   * still send requests here.
   * @default {0}
   */
  readonly delayMs?: number;
  /**
   * Signals of the system that stop the server. A second one ends the wait for what is in flight.
   * @default {["SIGINT", "SIGTERM"]}
   */
  readonly signals?: readonly ("SIGINT" | "SIGTERM" | "SIGHUP")[];
  /**
   * Whether a request without a `Host` header is refused with 400, as RFC 9112 section 3.2 wants.
   * The runtime does not tell the version of a request, so HTTP/1.0 without the header, and HTTP/2
   * without TLS to the host name `localhost`, are refused with it.
   * @default {true}
   */
  readonly requireHost?: boolean;
  /** Told of every error that a handler throws. */
  readonly onError?: (error: unknown) => void;
  /** Certificate chain, as PEM, to serve TLS; it takes `key` as well. */
  readonly cert?: string;
  /** Private key, as PEM, to serve TLS; it takes `cert` as well. */
  readonly key?: string;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** A server that is listening. Disposing it stops it as {@linkcode HttpServer.shutdown} does. */
export interface HttpServer extends AsyncDisposable {
  /** Where it listens. */
  readonly addr: ListenAddress;
  /** Resolves when it has stopped: `true` if nothing that was in flight had to be cut off. */
  readonly finished: Promise<boolean>;
  /**
   * Stops it: new requests are refused with 503, what is in flight is finished, and after `drainMs`
   * what is left is cut off.
   * @returns What `finished` resolves to.
   */
  shutdown(): Promise<boolean>;
}

/**
 * Serves a handler: `Deno.serve` with deadlines for bodies and handlers, refusal of requests without
 * a host, and a stop that neither loses what is in flight nor hangs on a client that stalls.
 *
 * Needs `--allow-net` for the address. What the runtime does not let it bound: a client that is slow
 * to send its headers or to read a response, and the connection of one that was answered before all
 * of its body came. Put a proxy in front where that matters. A stop cannot close such connections
 * either; one by a signal ends the process even so.
 * @param handler The handler.
 * @param options Address, deadlines and signals.
 * @returns The server, listening.
 * @throws {TypeError} If `listen` is not an address, or there is a `cert` without a `key`.
 * @throws {RangeError} If a time is negative.
 * @throws {KitError} With code `unavailable` if the address cannot be listened on.
 * @example Usage
 * ```ts
 * import { routes, serve, server } from "@kit/transport/http";
 * import assert from "node:assert/strict";
 * const uppercase = server(({ s }: { s: string }) => Promise.resolve({ v: s.toUpperCase() }));
 * await using running = serve(routes({ "POST /uppercase": uppercase }), { listen: "127.0.0.1:0" });
 * const url = `http://127.0.0.1:${running.addr.port}/uppercase`;
 * const response = await fetch(url, { method: "POST", body: `{"s":"hello"}` });
 * assert.equal(await response.text(), `{"v":"HELLO"}`);
 * ```
 */
export function serve(handler: Handler, options: ServeOptions = {}): HttpServer {
  const {
    listen = ":8080",
    handlerTimeoutMs = 60_000,
    bodyTimeoutMs = 30_000,
    drainMs = 10_000,
    delayMs = 0,
    signals = ["SIGINT", "SIGTERM"],
    requireHost = true,
    onError,
    cert,
    key,
    clock = systemClock,
  } = options;
  checkPositive("handlerTimeoutMs", handlerTimeoutMs);
  checkPositive("bodyTimeoutMs", bodyTimeoutMs);
  checkNonNegative("drainMs", drainMs);
  checkNonNegative("delayMs", delayMs);
  const { hostname, port } = parseListenAddress(listen);
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError('Cannot serve TLS as it takes both "cert" and "key"');
  }
  const inflight = new Inflight(handler, { handlerTimeoutMs, bodyTimeoutMs, clock, onError });
  const cutOff = new AbortController();
  const platform = runtime();
  const server = listening(listen, () =>
    platform.serve(
      {
        hostname,
        port,
        signal: cutOff.signal,
        onListen: () => {},
        onError: problem,
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
      },
      (request, info) =>
        requireHost && lacksHost(request) ? problem(noHost()) : inflight.run(request, info!),
    ));

  const stopped = stoppable(async (way) => {
    if (delayMs > 0) await way.pause(delayMs);
    const stopAt = clock.now() + drainMs;
    const drained = inflight.drain();
    let isClean = await way.within(drainMs, drained);
    if (!isClean) {
      // Streams and WebSockets end with an error rather than break off, if they can at once.
      inflight.cutOff();
      await way.within(LAST_WORDS_MS, drained, systemClock);
    }
    // The runtime takes either a shutdown or an abort, never both.
    if (isClean) {
      // Closes at once what is idle; only a client that does not read its response, or has not sent
      // all of a request that is answered, holds it up.
      isClean = await way.within(stopAt - clock.now(), server.shutdown());
      if (!isClean && way.isSignalled) platform.endSoon();
    } else {
      cutOff.abort();
      await server.finished;
    }
    inflight[Symbol.dispose]();
    return isClean;
  }, { signals, clock });
  return { addr: { hostname: server.addr.hostname, port: server.addr.port }, ...stopped };
}

/** How long those who are cut off have to tell their callers, in real time. */
const LAST_WORDS_MS = 50;

function listening(listen: string, start: () => RuntimeServer): RuntimeServer {
  try {
    return start();
  } catch (cause) {
    const why = REASONS.get((cause as Error).name) ?? "the system refuses it";
    throw new KitError("unavailable", `Cannot listen on "${listen}" as ${why}`, { cause });
  }
}

/** Why an address cannot be listened on, by the name of the runtime's error. */
const REASONS = new Map([
  ["AddrInUse", "it is in use"],
  ["AddrNotAvailable", "this host has no such address"],
  ["InvalidData", "the certificate or the key is not valid"],
  ["NotCapable", "the process lacks the permission --allow-net"],
]);

/**
 * Tells whether a request came without a host. The runtime then puts `localhost` into its URL, so
 * only there the headers have to be read.
 */
function lacksHost(request: Request): boolean {
  return request.url.startsWith("http://localhost") && !request.headers.has("host");
}

function noHost(): KitError {
  return new KitError("invalid_argument", "Cannot answer as the request has no Host header");
}
