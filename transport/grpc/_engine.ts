/**
 * The server of grpc-js, with Kit in place of its handling of calls.
 * @module
 */
import { Server, ServerCredentials, type ServerInterceptingCall } from "@grpc/grpc-js";
import { KitError } from "@kit/endpoint";
import { checkPositive, checkPositiveInteger } from "@kit/endpoint/check";
import { Buffer } from "node:buffer";
import type { RunningCall, Serving } from "./_incoming_call.ts";
import { type Accept, acceptOf } from "./_inner.ts";
import { mendCall, silence } from "./_mend.ts";
import type { ServeOptions, ServerTls } from "./serve.ts";
import type { Binding } from "./server.ts";

/** The longest time that grpc-js can wait; it stands for "never". */
const NEVER_MS = 2 ** 31 - 1;

/** The server of grpc-js, each method answered by its binding. */
export function engine(
  bindings: readonly Binding[],
  running: Set<RunningCall>,
  options: ServeOptions,
): Server {
  const { maxBytes = 4 * 1024 * 1024, maxStreams = 100, keepalive = {} } = options;
  const { compression = "identity" } = options;
  const { maxAgeMs = Infinity, maxAgeGraceMs = Infinity, maxIdleMs = Infinity } = options;
  const { timeMs = 7_200_000, timeoutMs = 20_000 } = keepalive;
  checkPositiveInteger("maxBytes", maxBytes);
  checkPositiveInteger("maxStreams", maxStreams);
  checkPositive("keepalive.timeMs", timeMs);
  checkPositive("keepalive.timeoutMs", timeoutMs);
  checkPositive("maxAgeMs", maxAgeMs);
  checkPositive("maxAgeGraceMs", maxAgeGraceMs);
  checkPositive("maxIdleMs", maxIdleMs);
  const serving: Serving = { running, maxBytes, compression };
  silence();
  const byPath = new Map<string, Accept>();
  const server = new Server({
    "grpc.max_receive_message_length": maxBytes,
    "grpc.max_send_message_length": maxBytes,
    "grpc.max_concurrent_streams": maxStreams,
    "grpc.keepalive_time_ms": Math.min(timeMs, NEVER_MS),
    "grpc.keepalive_timeout_ms": Math.min(timeoutMs, NEVER_MS),
    "grpc.max_connection_age_ms": Math.min(maxAgeMs, NEVER_MS),
    "grpc.max_connection_age_grace_ms": Math.min(maxAgeGraceMs, NEVER_MS),
    "grpc.max_connection_idle_ms": Math.min(maxIdleMs, NEVER_MS),
    "grpc.enable_channelz": 0,
    interceptors: [
      // Takes the place of grpc-js's own handling of a call, which begins with `start`.
      ({ path }, call) => {
        mendCall(call);
        const start = () => byPath.get(path)!(call, serving);
        return { start } as unknown as ServerInterceptingCall;
      },
    ],
  });
  const asIs = <T>(value: T): T => value;
  for (const binding of bindings) {
    const { path } = binding.method;
    if (byPath.has(path)) throw new TypeError(`Cannot serve "${path}" as it is bound twice`);
    byPath.set(path, acceptOf(binding));
    server.register(path, () => {}, asIs<Buffer>, asIs<Buffer>, "bidi");
  }
  return server;
}

/** Listens; resolves to the port. */
export function bind(server: Server, address: string, tls: ServerTls | undefined): Promise<number> {
  const credentials = tls === undefined ? ServerCredentials.createInsecure() : secure(tls);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      if (cause === null) return resolve(port);
      server.forceShutdown();
      reject(
        new KitError("unavailable", `Cannot listen on "${address}" as ${why(cause)}`, { cause }),
      );
    });
  });
}

function secure({ cert, key, clientCa }: ServerTls): ServerCredentials {
  // Without a root of our own grpc-js takes that of its environment, which breaks Deno's TLS.
  return ServerCredentials.createSsl(
    Buffer.from(clientCa ?? cert),
    [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
    clientCa !== undefined,
  );
}

function why({ message }: Error): string {
  if (message.includes("EADDRINUSE")) return "it is in use";
  if (message.includes("EADDRNOTAVAIL")) return "this host has no such address";
  return "the system refuses it";
}
