/**
 * Sends one message to a DNS server and waits for the answer, over UDP or TCP.
 * @module
 */
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import { isAnswerTo } from "./_message.ts";

/** A DNS server. */
export interface Server {
  /** Its IP address, or a name that the system knows. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
}

const RESEND_MS = 500;

/** Asks over UDP, again every 500 ms as a packet may be lost, until answered or aborted. */
export async function askOverUdp(
  server: Server,
  query: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { address, family } = await locate(server.host);
  signal.throwIfAborted();
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  let resend: ReturnType<typeof setInterval> | undefined;
  const { promise, resolve, reject } = withResolvers<Uint8Array>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    socket.on("error", reject);
    socket.on("message", (message, from) => {
      const isFromServer = from.port === server.port && canonical(from.address) === address;
      if (isFromServer && isAnswerTo(message, query)) resolve(message);
    });
    const send = () => {
      socket.send(query, server.port, address, (error) => {
        if (error) reject(error);
      });
    };
    send();
    resend = setInterval(send, RESEND_MS);
    return await promise;
  } finally {
    clearInterval(resend);
    signal.removeEventListener("abort", onAbort);
    await new Promise<void>((closed) => socket.close(() => closed()));
  }
}

/** Asks over TCP, where an answer of any length comes whole. */
export async function askOverTcp(
  server: Server,
  query: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { address } = await locate(server.host);
  signal.throwIfAborted();
  const socket = connect({ host: address, port: server.port });
  const { promise, resolve, reject } = withResolvers<Uint8Array>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    let received = new Uint8Array(0);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("Connection closed before the answer")));
    socket.on("data", (chunk: Uint8Array) => {
      received = Uint8Array.from([...received, ...chunk]);
      if (received.length < 2) return;
      const end = 2 + (received[0]! << 8 | received[1]!);
      if (received.length < end) return;
      const message = received.subarray(2, end);
      if (isAnswerTo(message, query)) resolve(message);
      else reject(new Error("Answer is to another question"));
    });
    socket.write(Uint8Array.of(query.length >> 8, query.length & 255, ...query));
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  }
}

async function locate(host: string): Promise<{ address: string; family: number }> {
  const family = isIP(host);
  return family === 0 ? await lookup(host) : { address: canonical(host), family };
}

/** Writes an IPv6 address in the one way that the system does. */
function canonical(address: string): string {
  const url = `http://[${address}]`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : address;
}

/** `Promise.withResolvers`, which Node 20 has not. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => [resolve, reject] = [yes, no]);
  return { promise, resolve, reject };
}
