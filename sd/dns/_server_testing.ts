/**
 * A DNS server that answers whatever a test wants.
 * @module
 */
import { createSocket } from "node:dgram";
import { createServer, type Server } from "node:net";

/** Makes the answer to a query; nothing is sent when it gives nothing. */
export type Reply = (
  query: Uint8Array,
  via: "udp" | "tcp",
  port: number,
) => Uint8Array | undefined;

/** A record: its type and its data. */
export type RecordData = readonly [type: number, data: readonly number[]];

/** The answer to a query. */
export function answer(
  query: Uint8Array,
  { rcode = 0, isTruncated = false, records = [] }: {
    rcode?: number;
    isTruncated?: boolean;
    records?: readonly RecordData[];
  } = {},
): Uint8Array {
  let end = 12;
  while (query[end] !== 0) end += query[end]! + 1;
  const head = [...query.subarray(0, end + 5)];
  head[2] = 0x84 | (isTruncated ? 2 : 0);
  head[3] = 0x80 | rcode;
  head.splice(6, 6, 0, records.length, 0, 0, 0, 0);
  const body = records.flatMap(([type, data]) => [
    ...[0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255],
    ...data,
  ]);
  return Uint8Array.from([...head, ...body]);
}

/** The data of an SRV record. */
export function srv(priority: number, weight: number, port: number, target: string): RecordData {
  const words = [priority, weight, port].flatMap((word) => [word >> 8, word & 255]);
  const labels = target.split(".").filter((label) => label !== "");
  const name = labels.flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  return [33, [...words, ...name, 0]];
}

/** Listens on one port of the loopback, for UDP and TCP. */
export class TestServer implements AsyncDisposable {
  /** The queries so far. */
  readonly queries: { readonly query: Uint8Array; readonly via: "udp" | "tcp" }[] = [];
  readonly #udp = createSocket("udp4");
  readonly #tcp: Server;

  private constructor(reply: Reply) {
    const receive = (query: Uint8Array, via: "udp" | "tcp", port = 0) => {
      this.queries.push({ query, via });
      return reply(query, via, port);
    };
    this.#udp.on("message", (query, from) => {
      const message = receive(query, "udp", from.port);
      if (message !== undefined) this.#udp.send(message, from.port, from.address);
    });
    this.#tcp = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (data: Uint8Array) => {
        const message = receive(data.subarray(2), "tcp");
        if (message === undefined) return socket.destroy();
        // Cut into pieces, as a network may.
        socket.setNoDelay();
        socket.write(Uint8Array.of(message.length >> 8));
        setTimeout(() => socket.write(Uint8Array.of(message.length & 255, message[0]!)), 5);
        setTimeout(() => socket.end(message.subarray(1)), 10);
      });
    });
  }

  /** Starts it. */
  static async start(reply: Reply): Promise<TestServer> {
    const server = new TestServer(reply);
    await new Promise<void>((resolve) => server.#tcp.listen(0, "127.0.0.1", resolve));
    await new Promise<void>((resolve) => server.#udp.bind(server.port, "127.0.0.1", resolve));
    return server;
  }

  /** Where it listens. */
  get port(): number {
    return (this.#tcp.address() as { port: number }).port;
  }

  /** Where it listens. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#udp.close(() => resolve()));
    await new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
  }
}
