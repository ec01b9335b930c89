/**
 * Connections to servers of Go's net/rpc.
 * @module
 */
import { type Clock, type Context, KitError, systemClock } from "@kit/endpoint";
import { checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { untilAborted } from "../_client_call.ts";
import { ClientLink, type LinkCall } from "./_client_link.ts";
import type { GobType } from "./gob/type.ts";
import { DEFAULT_PATH } from "./_head.ts";

/** Options for {@linkcode connect}. */
export interface ConnectOptions {
  /**
   * How messages are encoded: `gob`, or `json` as Go's net/rpc/jsonrpc has it.
   * @default {"gob"}
   */
  readonly codec?: "gob" | "json";
  /**
   * Whether to come by HTTP CONNECT, as Go's `rpc.DialHTTP` does, and to which path; `true` is Go's
   * own, `/_goRPC_`.
   * @default {false}
   */
  readonly http?: boolean | string;
  /**
   * Headers of the CONNECT request; for a server of Kit they are the metadata of every call.
   * @default {{}}
   */
  readonly headers?: HeadersInit;
  /**
   * The most bytes that a message may have.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * How long it may take to connect.
   * @default {10000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * Where the time comes from.
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * A call to make on a {@linkcode NetrpcConnection}.
 * @typeParam Args The arguments.
 * @typeParam Reply The reply.
 */
export interface NetrpcCall<Args, Reply> {
  /** The method: `Arith.Multiply`. */
  readonly method: string;
  /** The type of the arguments. */
  readonly args: GobType<Args>;
  /** The type of the reply. */
  readonly reply: GobType<Reply>;
  /** The arguments. */
  readonly value: Args;
}

/**
 * A connection that is made when it is needed and made again when it was lost. Disposing it fails
 * what is in flight; `await using` waits until nothing of it is left.
 */
export interface NetrpcConnection extends Disposable, AsyncDisposable {
  /**
   * Makes one call; {@linkcode client} makes endpoints of it.
   * @typeParam Args The arguments.
   * @typeParam Reply The reply.
   * @param call The call.
   * @param ctx Its context.
   * @returns The reply.
   */
  call<Args, Reply>(call: NetrpcCall<Args, Reply>, ctx: Context): Promise<Reply>;
}

/**
 * Makes a connection to a server of net/rpc, which any number of clients can share: their calls are
 * in flight together, and each gets its own answer.
 *
 * It connects with the first call. When it is lost the calls in flight fail with `unavailable`, and the
 * next call connects again. The wire can neither cancel a call nor tell of its deadline: one that is
 * given up runs on at the server, and its answer is dropped. When one is late and nothing at all has
 * come meanwhile, calls after it go over a new connection.
 * @param target Where to, as `host:port`.
 * @param options Codec and limits.
 * @returns The connection.
 * @throws {TypeError} If `target` is no such address, or `http` or `headers` cannot be.
 * @throws {RangeError} If a limit is not positive.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import { client, connect } from "@kit/transport/netrpc";
 * import { int } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * await using connection = connect("127.0.0.1:1");
 * const double = client(connection, "Arith.Double", { args: int, reply: int });
 * await assert.rejects(double(4, background()), { code: "unavailable" });
 * ```
 */
export function connect(target: string, options: ConnectOptions = {}): NetrpcConnection {
  const {
    codec = "gob",
    http = false,
    headers = {},
    maxBytes = 4_194_304,
    connectTimeoutMs = 10_000,
    clock = systemClock,
  } = options;
  checkPositiveInteger("maxBytes", maxBytes);
  checkPositive("connectTimeoutMs", connectTimeoutMs);
  const { host, port } = parseTarget(target);
  const path = http === true ? DEFAULT_PATH : http === false ? undefined : http;
  if (path !== undefined && !/^\/[^\s]*$/.test(path)) {
    throw new TypeError(`Cannot connect as "http" must be a path: current value is "${path}"`);
  }
  const linkOptions = {
    host,
    port,
    codec,
    path,
    headers: new Headers(headers),
    maxBytes,
    connectTimeoutMs,
    clock,
  };
  const links = new Set<ClientLink>();
  let current: ClientLink | undefined;
  let isDisposed = false;

  function link(): ClientLink {
    if (isDisposed) throw new KitError("unavailable", "Cannot call as the connection is closed");
    if (current === undefined || current.isDone) {
      const made = current = new ClientLink(linkOptions);
      links.add(made);
      made.closed.then(() => links.delete(made));
    }
    return current;
  }

  async function call(call: LinkCall, ctx: Context): Promise<unknown> {
    let to = link();
    await untilAborted(to.ready, ctx);
    for (let room = to.drained; room !== undefined; room = to.drained) {
      await untilAborted(room, ctx);
    }
    if (to.isDone) {
      to = link();
      await untilAborted(to.ready, ctx);
    }
    return await to.call(call, ctx);
  }

  function close(): void {
    isDisposed = true;
    for (const link of links) link.destroy(new KitError("unavailable", "Connection was closed"));
  }

  return {
    call: call as NetrpcConnection["call"],
    [Symbol.dispose]: close,
    [Symbol.asyncDispose]: async () => {
      close();
      await Promise.all([...links].map(({ closed }) => closed));
    },
  };
}

function parseTarget(target: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([\da-f:.%\w]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/i.exec(target);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65535) {
    throw new TypeError(
      `Cannot connect as the target must be "host:port": current value is "${target}"`,
    );
  }
  return { host: match[1] ?? match[2]!, port };
}
