/**
 * What several tests of this folder share. Named as a test, so that it is not published.
 * @module
 */
import { Buffer } from "node:buffer";
import { constants, createBrotliCompress, createDeflate, createGzip } from "node:zlib";
import type { Handler, HandlerInfo } from "./handler.ts";

/** The address of the tests' own servers. */
export const HOST = "127.0.0.1";

/** Text as UTF-8. */
export const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A POST request with a body, whose length is declared if it is known. */
export function post(body: string | Uint8Array<ArrayBuffer>, headers: HeadersInit = {}): Request {
  const all = new Headers(headers);
  const sent = typeof body === "string" ? bytes(body) : body;
  all.set("content-length", String(sent.length));
  return new Request("http://localhost/", { method: "POST", headers: all, body: sent });
}

/** A POST request whose body comes in pieces of unknown number. */
export function chunked(pieces: Iterable<Uint8Array>, headers: HeadersInit = {}): Request {
  return new Request("http://localhost/", {
    method: "POST",
    headers,
    body: ReadableStream.from(pieces),
    duplex: "half",
  } as RequestInit);
}

/** Runs a handler on a server of the runtime while `use` runs. */
export async function serving<T>(
  handler: Handler,
  use: (url: string, port: number) => Promise<T>,
): Promise<T> {
  const server = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {} },
    (request, info) => handler(request, info as HandlerInfo),
  );
  try {
    return await use(`http://${HOST}:${server.addr.port}`, server.addr.port);
  } finally {
    await server.shutdown();
  }
}

/** Answers one connection with fixed bytes, and tells what it was asked. */
export async function answering(
  reply: string | Uint8Array<ArrayBuffer>,
  use: (url: string) => Promise<void>,
): Promise<string> {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const asked = (async () => {
    using connection = await listener.accept();
    const text = await readRequest(connection);
    await connection.write(typeof reply === "string" ? new TextEncoder().encode(reply) : reply)
      .catch(() => {});
    return text;
  })();
  try {
    await use(`http://${HOST}:${(listener.addr as Deno.NetAddr).port}/`);
    return await asked;
  } finally {
    listener.close();
  }
}

/** Reads one request with its body. */
async function readRequest(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(65536);
  let text = "";
  for (;;) {
    const n = await connection.read(buffer);
    if (n === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, n));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
    const isWhole = /\r\ntransfer-encoding: chunked/i.test(text)
      ? text.endsWith("0\r\n\r\n")
      : text.length >= end + 4 + length;
    if (isWhole) return text;
  }
}

/** A client that speaks bytes, for what `fetch` would never send. */
export class Raw implements Disposable {
  #text = "";
  readonly #connection: Deno.Conn;

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async connect(port: number): Promise<Raw> {
    return new Raw(await Deno.connect({ hostname: HOST, port }));
  }

  async write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /** Reads until the text matches; tells all that came, also when the server closes before. */
  async read(until: RegExp): Promise<string> {
    const buffer = new Uint8Array(65536);
    while (!until.test(this.#text)) {
      const n = await this.#connection.read(buffer).catch(() => null);
      if (n === null) break;
      this.#text += new TextDecoder().decode(buffer.subarray(0, n));
    }
    return this.#text;
  }

  /** Reads until the server closes. */
  readAll(): Promise<string> {
    return this.read(/(?!)/);
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // It is closed already.
    }
  }
}

/** A coding, and what makes it. */
const ENCODERS = {
  gzip: createGzip,
  deflate: createDeflate,
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
};

/** Compresses `megabytes` of zeros. */
export async function bomb(
  coding: keyof typeof ENCODERS,
  megabytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const encoder = ENCODERS[coding]();
  const pieces: Uint8Array[] = [];
  encoder.on("data", (piece: Uint8Array) => pieces.push(piece));
  const zeros = new Uint8Array(1 << 20);
  for (let i = 0; i < megabytes; i++) {
    await new Promise<void>((resolve) => encoder.write(zeros, () => resolve()));
  }
  await new Promise<void>((resolve) => {
    encoder.on("end", resolve);
    encoder.end();
  });
  return new Uint8Array(Buffer.concat(pieces));
}

/** A promise and what settles it, with a limit so that a test that fails does not hang. */
export async function soon<T>(promise: Promise<T>, ms = 5000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`Nothing after ${ms} ms`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
