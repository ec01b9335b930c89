/**
 * Clients and servers that speak bytes. Named as a test, so that it is not published.
 * @module
 */
import { background, codeOf, type Endpoint, withTimeout } from "@kit/endpoint";

/** The address of all servers. */
export const HOST = "127.0.0.1";

/** After how long who stalls is given up. */
export const STALL_MS = 40;

export interface Question {
  readonly s: string;
}
export interface Answer {
  readonly v: string;
}
export type Ask = Endpoint<Question, Answer>;

/** Calls and tells the code of what comes of it. */
export async function codeOfCall(call: Ask, timeoutMs: number): Promise<string> {
  using ctx = withTimeout(background(), timeoutMs);
  // The timer of a context does not keep the process, so something else has to.
  const alive = setTimeout(() => {}, 60_000);
  try {
    return JSON.stringify(await call({ s: "x" }, ctx));
  } catch (error) {
    return codeOf(error);
  } finally {
    clearTimeout(alive);
  }
}

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** Puts bytes one behind the other. */
export function joined(...parts: readonly (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const all = parts.map((part) => typeof part === "string" ? utf8(part) : part);
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A number of four bytes. */
export function be32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

/** What a client does when it has sent all: it waits, or says first that nothing more will come. */
export type Then = "waits" | "ends";

/** Options for {@linkcode exchange}. */
export interface ExchangeOptions {
  readonly then?: Then | undefined;
  /** Whether what has come is all; without it, when the other side has closed. */
  readonly until?: (got: Uint8Array) => boolean;
}

/** Sends bytes on a connection of their own, and gives what comes back. */
export async function exchange(
  port: number,
  bytes: Uint8Array,
  { then = "waits", until = () => false }: ExchangeOptions = {},
): Promise<Uint8Array> {
  const socket = await Deno.connect({ hostname: HOST, port });
  const late = setTimeout(() => socket.close(), 5000);
  try {
    // The other side may have had enough before it has all.
    const sending = write(socket, bytes).then(() =>
      then === "ends" ? socket.closeWrite() : undefined
    )
      .catch(() => {});
    let got = new Uint8Array();
    const buffer = new Uint8Array(16_384);
    while (!until(got)) {
      const n = await socket.read(buffer).catch(() => null);
      if (n === null) break;
      got = joined(got, buffer.subarray(0, n));
    }
    close(socket);
    await sending;
    return got;
  } finally {
    clearTimeout(late);
    close(socket);
  }
}

/** Sends bytes and is gone. */
export async function vanish(port: number, bytes: Uint8Array): Promise<string> {
  const socket = await Deno.connect({ hostname: HOST, port });
  await write(socket, bytes);
  close(socket);
  return "gone";
}

async function write(socket: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await socket.write(bytes.subarray(sent));
}

function close(socket: { close(): void }): void {
  try {
    socket.close();
  } catch {
    // It is closed.
  }
}

/**
 * What a server does when it has answered: it closes the connection, or not, or is not expected to say
 * anything more before the caller gives up.
 */
export type EvilThen = "closes" | "stays" | "stalls";

/** A server that answers whatever comes with the same bytes. */
export class EvilServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: HOST, port: 0 });
  readonly #sockets = new Set<Deno.Conn>();
  readonly #running: Promise<void>;
  #reply: Uint8Array = new Uint8Array();
  #closes = true;

  /** How many connections there have been. */
  connections = 0;

  /**
   * Starts it.
   * @param hello What it says as soon as anything comes.
   * @param isRequest Whether what has come is a request, and so is answered.
   */
  constructor(
    readonly hello: Uint8Array = new Uint8Array(),
    readonly isRequest: (bytes: Uint8Array) => boolean = () => true,
  ) {
    this.#running = this.#run();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Makes a call, answers it with these bytes, and tells the code of what comes of it. */
  async answering(call: Ask, bytes: Uint8Array, then: EvilThen = "closes"): Promise<string> {
    this.#reply = bytes;
    this.#closes = then === "closes";
    return await codeOfCall(call, then === "stalls" ? STALL_MS : 5000);
  }

  async #run(): Promise<void> {
    const ends: Promise<void>[] = [];
    for await (const socket of this.#listener) ends.push(this.#serve(socket));
    await Promise.all(ends);
  }

  async #serve(socket: Deno.Conn): Promise<void> {
    this.#sockets.add(socket);
    this.connections++;
    const buffer = new Uint8Array(65_536);
    let isGreeted = false;
    try {
      for (let n = await socket.read(buffer); n !== null; n = await socket.read(buffer)) {
        if (!isGreeted) await write(socket, this.hello);
        isGreeted = true;
        if (!this.isRequest(buffer.subarray(0, n))) continue;
        await write(socket, this.#reply);
        if (this.#closes) break;
      }
    } catch {
      // The client has had enough.
    }
    close(socket);
    this.#sockets.delete(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const socket of this.#sockets) close(socket);
    await this.#running;
  }
}
