/**
 * A client and a server that speak HTTP/2 by hand, to send what no gRPC library sends.
 * @module
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import http2, { type ClientHttp2Session, type OutgoingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";

/** What came back. */
export interface RawAnswer {
  readonly header: Record<string, unknown>;
  readonly trailer: Record<string, unknown>;
  readonly body: Buffer;
  readonly rstCode: number | undefined;
}

/** A message with its prefix. */
export function frame(bytes: Uint8Array, flag = 0, length = bytes.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

/** A connection. */
export class RawClient implements AsyncDisposable {
  readonly session: ClientHttp2Session;

  constructor(port: number) {
    this.session = http2.connect(`http://127.0.0.1:${port}`);
    this.session.on("error", () => {});
  }

  /** Sends a request and waits for the end of its answer. */
  async call(path: string, headers: OutgoingHttpHeaders, body: Uint8Array): Promise<RawAnswer> {
    const stream = this.session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    let header: Record<string, unknown> = {};
    let trailer: Record<string, unknown> = {};
    const chunks: Uint8Array[] = [];
    stream.on("response", (found) => header = { ...found });
    stream.on("trailers", (found) => trailer = { ...found });
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("error", () => {});
    stream.end(body);
    await once(stream, "close").catch(() => {});
    return { header, trailer, body: Buffer.concat(chunks), rstCode: stream.rstCode };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.session.destroyed) return;
    const closed = once(this.session, "close");
    this.session.destroy();
    await closed;
  }
}

/** A server of HTTP/2 that answers as it likes. */
export class RawServer implements AsyncDisposable {
  readonly #server = http2.createServer();
  readonly #sessions = new Set<http2.ServerHttp2Session>();
  headers: http2.IncomingHttpHeaders = {};

  static async open(
    answer: (stream: http2.ServerHttp2Stream) => void,
  ): Promise<RawServer> {
    const peer = new RawServer();
    peer.#server.on("session", (session) => peer.#sessions.add(session));
    peer.#server.on("stream", (stream, headers) => {
      peer.headers = headers;
      stream.on("error", () => {});
      stream.resume();
      answer(stream as http2.ServerHttp2Stream);
    });
    peer.#server.listen(0, "127.0.0.1");
    await once(peer.#server, "listening");
    return peer;
  }

  get target(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const session of this.#sessions) session.destroy();
    await closed;
  }
}

/** Answers a call with messages and trailers. */
export function answering(
  trailers: http2.OutgoingHttpHeaders,
  body: Uint8Array = new Uint8Array(),
  headers: http2.OutgoingHttpHeaders = {},
): (stream: http2.ServerHttp2Stream) => void {
  return (stream) => {
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", ...headers },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}
