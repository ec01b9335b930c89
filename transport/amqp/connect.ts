/**
 * Connects to a broker.
 * @module
 */
import { type Clock, systemClock } from "@kit/endpoint";
import { checkNonNegative, checkPositive } from "@kit/endpoint/check";
import { type Backoff, checkBackoff } from "./_backoff.ts";
import { ManagedConnection } from "./_connection.ts";
import { dialer } from "./_dial.ts";
import type { Connection, ConnectionStatus } from "./connection.ts";
import type { Topology } from "./topology.ts";

/** What TLS is made of, besides the URL. */
export interface TlsOptions {
  /** The authorities that are believed, as PEM, in place of those of the system. */
  readonly ca?: string;
  /** The certificate of this client, as PEM. */
  readonly cert?: string;
  /** The key of the certificate, as PEM. */
  readonly key?: string;
  /**
   * The name that the certificate of the broker has to have.
   * @default The host of the URL.
   */
  readonly servername?: string;
}

/** Options for {@linkcode connect}. */
export interface ConnectOptions {
  /** What is declared whenever the broker has been reached. */
  readonly topology?: Topology;
  /**
   * How often a sign of life is sent and expected, as whole seconds; a broker that gives none for two
   * to three times as long is taken for lost. 0 is for none. A `heartbeat` in the URL comes first.
   * @default {10000}
   */
  readonly heartbeatMs?: number;
  /**
   * How long an attempt to connect may take.
   * @default {10000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * The pause after the first attempt that failed. It doubles with each further one, and half of it
   * is left to chance.
   * @default {100}
   */
  readonly minBackoffMs?: number;
  /**
   * The longest pause.
   * @default {10000}
   */
  readonly maxBackoffMs?: number;
  /** For `amqps:`. */
  readonly tls?: TlsOptions;
  /** Told of every change of the status. */
  readonly onStatus?: (status: ConnectionStatus) => void;
  /** Told of every attempt that failed, and of every connection that was lost. */
  readonly onError?: (error: unknown) => void;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
  /**
   * Where chance comes from.
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/**
 * Makes a connection to a broker that speaks AMQP 0-9-1: RabbitMQ, or one that has its direct
 * replies and its confirms.
 *
 * Nothing is opened before it is used. When it is lost, calls that wait for a reply reject with
 * `unavailable`; it is opened again at once, then with growing pauses, the topology is declared anew,
 * and every server gets its messages again. A call made while an attempt is under way waits for it;
 * one made between two attempts rejects with `unavailable`, and tells when the next one is due.
 *
 * Needs `--allow-net` for the host.
 * @param url The URL: `amqp://user:password@host:5672/vhost`, or `amqps:`.
 * @param options Topology, times and hooks.
 * @returns The connection. Dispose it after the servers on it.
 * @throws {TypeError} If `url` is not an `amqp:` or `amqps:` URL.
 * @throws {RangeError} If a time is not a number of its kind.
 * @example A broker that is not there
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { client, connect } from "@kit/transport/amqp";
 * import assert from "node:assert/strict";
 * await using connection = connect("amqp://127.0.0.1:1", {
 *   topology: { queues: { sum: { durable: false } } },
 * });
 * assert.equal(connection.status, "idle");
 * const sum = client<number[], number>(connection, { key: "sum" });
 * await assert.rejects(sum([1, 2], background()), { code: "unavailable" });
 * ```
 */
export function connect(url: string | URL, options: ConnectOptions = {}): Connection {
  const {
    topology = {},
    heartbeatMs = 10_000,
    connectTimeoutMs = 10_000,
    minBackoffMs = 100,
    maxBackoffMs = 10_000,
    tls,
    onStatus,
    onError,
    clock = systemClock,
    random = Math.random,
  } = options;
  checkNonNegative("heartbeatMs", heartbeatMs);
  checkPositive("connectTimeoutMs", connectTimeoutMs);
  const backoff: Backoff = { minMs: minBackoffMs, maxMs: maxBackoffMs, random };
  checkBackoff(backoff);
  const target = checkedUrl(url);
  if (!target.searchParams.has("heartbeat")) {
    target.searchParams.set("heartbeat", String(Math.ceil(heartbeatMs / 1000)));
  }
  return new ManagedConnection({
    dial: dialer(target.href, connectTimeoutMs, { ...tls }),
    topology,
    backoff,
    clock,
    onStatus,
    onError,
  });
}

function checkedUrl(url: string | URL): URL {
  let target: URL;
  try {
    target = new URL(url);
  } catch {
    // The URL may hold a password, so it is not told.
    throw new TypeError("Cannot connect as the target is not a URL");
  }
  if (target.protocol !== "amqp:" && target.protocol !== "amqps:") {
    throw new TypeError(
      `Cannot connect as the URL must be "amqp:" or "amqps:": current value is "${target.protocol}"`,
    );
  }
  return target;
}
