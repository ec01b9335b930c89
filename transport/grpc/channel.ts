/**
 * Connections to a gRPC service.
 * @module
 */
import { Channel as GrpcChannel, compressionAlgorithms, credentials } from "@grpc/grpc-js";
import { checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { Buffer } from "node:buffer";
import { keepInner } from "./_inner.ts";
import { shimHttp2 } from "./_http2_shim.ts";
import { closeChannel, silence } from "./_mend.ts";

/** How a channel speaks TLS. */
export interface ChannelTls {
  /**
   * Certificates, as PEM, of those who sign the certificates of servers.
   * @default Those of the system.
   */
  readonly ca?: string;
  /** Certificate chain of the client, as PEM, for servers that ask for one; it takes `key` too. */
  readonly cert?: string;
  /** Private key of the client, as PEM; it takes `cert` too. */
  readonly key?: string;
  /**
   * The name that the certificate of the server must have.
   * @default The host of the target.
   */
  readonly serverName?: string;
}

/** Pings that find out whether a server is still there. */
export interface ChannelKeepalive {
  /** How long a connection with calls may be silent before it is pinged; 10 seconds or more. */
  readonly timeMs: number;
  /**
   * How long the answer to a ping may take before the connection is given up.
   * @default {20000}
   */
  readonly timeoutMs?: number;
  /**
   * Whether connections without calls are pinged as well. Servers may close one that does.
   * @default {false}
   */
  readonly withoutCalls?: boolean;
}

/** Options for {@linkcode channel}. */
export interface ChannelOptions {
  /** Speaks TLS; `{}` trusts what the system trusts. Left out, connections are not encrypted. */
  readonly tls?: ChannelTls;
  /** Pings on connections that are silent. Left out, there are none. */
  readonly keepalive?: ChannelKeepalive;
  /**
   * The most bytes that a message may have, decompressed, in either direction.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * How messages are compressed that go out. Those that come in may be compressed in any case.
   * @default {"identity"}
   */
  readonly compression?: "identity" | "gzip" | "deflate";
  /**
   * How calls are spread over the addresses of the target: all to the first that answers, or to one
   * after the other.
   * @default {"pick_first"}
   */
  readonly balance?: "pick_first" | "round_robin";
  /**
   * How long to wait after a first failed attempt to connect; 1.6 times as long after each further
   * one. Calls fail at once in the meantime.
   * @default {200}
   */
  readonly reconnectMinMs?: number;
  /**
   * The longest to wait between two attempts to connect.
   * @default {5000}
   */
  readonly reconnectMaxMs?: number;
  /** The host name that requests name, in place of that of the target. */
  readonly authority?: string;
  /** Put in front of the name of the library in the header `user-agent`. */
  readonly userAgent?: string;
}

/** Connections to a service, which many clients may share. Disposing it closes them. */
export interface Channel extends Disposable {
  /** Where it leads. */
  readonly target: string;
}

/**
 * Opens connections to a service when they are first needed, and anew when they were lost. A call
 * while there is none waits for one, and fails with `unavailable` when the attempt to get one fails.
 *
 * Needs `--allow-net` for the target and `--allow-env`, as grpc-js reads its settings when it loads.
 * On Deno the first channel puts a remedy into `node:http2`, without which the process can crash when
 * a server goes away.
 * @param target Where to: `host:port`, or what grpc-js takes else, as `ipv4:10.0.0.1:80,10.0.0.2:80`
 * or `unix:/run/my.sock`.
 * @param options TLS, limits, pings.
 * @returns The channel.
 * @throws {TypeError} If `target` is empty or `tls` has a `cert` without a `key`.
 * @throws {RangeError} If a time or a limit is out of range.
 * @example Usage
 * ```ts
 * import { channel } from "@kit/transport/grpc";
 * import assert from "node:assert/strict";
 * using there = channel("127.0.0.1:8081");
 * assert.equal(there.target, "127.0.0.1:8081");
 * ```
 */
export function channel(target: string, options: ChannelOptions = {}): Channel {
  const {
    maxBytes = 4 * 1024 * 1024,
    compression = "identity",
    balance = "pick_first",
    reconnectMinMs = 200,
    reconnectMaxMs = 5000,
    tls,
    keepalive,
    authority,
    userAgent,
  } = options;
  if (target === "") throw new TypeError("Cannot open channel as its target is empty");
  checkPositiveInteger("maxBytes", maxBytes);
  checkPositive("reconnectMinMs", reconnectMinMs);
  checkPositive("reconnectMaxMs", reconnectMaxMs);
  shimHttp2();
  silence();
  const inner = new GrpcChannel(target, credentialsOf(tls), {
    "grpc.max_receive_message_length": maxBytes,
    "grpc.max_send_message_length": maxBytes,
    "grpc.initial_reconnect_backoff_ms": Math.min(reconnectMinMs, reconnectMaxMs),
    "grpc.max_reconnect_backoff_ms": reconnectMaxMs,
    "grpc.default_compression_algorithm": compressionAlgorithms[compression],
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ [balance]: {} }] }),
    // Neither names nor proxies that the user has not set.
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.enable_channelz": 0,
    // Each channel has its own connections, so that disposing it closes them.
    "grpc.use_local_subchannel_pool": 1,
    // What of a stream is kept to send it again where the server has not seen it.
    "grpc.per_rpc_retry_buffer_size": 256 * 1024,
    "grpc.client_idle_timeout_ms": 30 * 60_000,
    ...keepaliveOf(keepalive),
    ...(tls?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": tls.serverName }),
    ...(authority === undefined ? {} : { "grpc.default_authority": authority }),
    ...(userAgent === undefined ? {} : { "grpc.primary_user_agent": userAgent }),
  });
  return keepInner({ target, [Symbol.dispose]: () => closeChannel(inner) }, inner);
}

function credentialsOf(tls: ChannelTls | undefined): ReturnType<typeof credentials.createSsl> {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, cert, key } = tls;
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError('Cannot open channel as TLS takes both "cert" and "key"');
  }
  return credentials.createSsl(bytes(ca), bytes(key), bytes(cert));
}

function bytes(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text);
}

function keepaliveOf(keepalive: ChannelKeepalive | undefined): Record<string, number> {
  if (keepalive === undefined) return {};
  const { timeMs, timeoutMs = 20_000, withoutCalls = false } = keepalive;
  // Proposal A8: servers take more for an attack.
  if (!(timeMs >= 10_000)) {
    throw new RangeError(
      `Cannot use "keepalive.timeMs" as it must be 10000 or more: current value is ${timeMs}`,
    );
  }
  checkPositive("keepalive.timeoutMs", timeoutMs);
  return {
    "grpc.keepalive_time_ms": Math.min(timeMs, 2 ** 31 - 1),
    "grpc.keepalive_timeout_ms": Math.min(timeoutMs, 2 ** 31 - 1),
    "grpc.keepalive_permit_without_calls": withoutCalls ? 1 : 0,
  };
}
