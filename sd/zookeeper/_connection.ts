/** One connection to one ZooKeeper server: the handshake, requests with their answers, pings. */
import type { Duplex } from "node:stream";
import { type Clock, KitError } from "@kit/endpoint";
import { Deferred } from "./_deferred.ts";
import { FrameSplitter, JuteReader, JuteWriter } from "./_jute.ts";
import * as protocol from "./_protocol.ts";
import { type ConnectAnswer, type ConnectRequest, type Request, XID } from "./_protocol.ts";

/** What ZooKeeper itself takes by default. */
const MAX_FRAME_BYTES = 0xfffff + 1024;
const MAX_PENDING = 1000;

interface Pending {
  readonly sentAt: number;
  readonly request: Request<unknown>;
  resolve(value: unknown): void;
  reject(error: KitError): void;
}

export interface ConnectionOptions {
  /** What the servers are called in errors. */
  readonly name: string;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly hello: ConnectRequest;
  /** Is told what watches tell. */
  readonly onEvent: (type: number, path: string) => void;
}

export class Connection {
  readonly #socket: Duplex;
  readonly #options: ConnectionOptions;
  readonly #frames = new FrameSplitter(MAX_FRAME_BYTES);
  readonly #pending = new Map<number, Pending>();
  readonly #answered = new Deferred<ConnectAnswer>();
  readonly #closed = new Deferred<KitError>();
  #isOpen = false;
  #error: KitError | undefined;
  #timer: Disposable;
  #xid = 0;
  #heardAt: number;
  /** The last transaction that was heard of. */
  lastZxid: bigint;
  /** Whether the server hung up instead of granting a session. */
  isRefused = false;

  constructor(socket: Duplex, options: ConnectionOptions) {
    const { clock, connectTimeoutMs, hello } = options;
    this.#socket = socket;
    this.#options = options;
    this.#heardAt = clock.now();
    this.lastZxid = hello.lastZxid;
    this.#timer = clock.after(
      connectTimeoutMs,
      () => this.destroy(`no session within ${connectTimeoutMs} ms`),
    );
    this.#answered.promise.catch(() => {}); // Whoever closes it may not care.
    socket.on("data", (chunk: Uint8Array) => this.#hear(chunk));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => {
      this.isRefused = !this.#isOpen && this.#error === undefined;
      this.destroy("the server hung up");
    });
    socket.on("end", () => socket.destroy());
    socket.write(protocol.connectFrame(hello));
  }

  /** The session that the server grants. */
  get answered(): Promise<ConnectAnswer> {
    return this.#answered.promise;
  }

  /** Resolves with the reason once the connection is over. */
  get closed(): Promise<KitError> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#error !== undefined;
  }

  /**
   * Sends a request.
   * @throws {KitError} What the server refused, or why there was no answer.
   */
  request<T>(request: Request<T>): Promise<T> {
    this.#xid = this.#xid % 0x7fffffff + 1;
    return this.#send(this.#xid, request);
  }

  /** Tells who one is; all that is requested later is done as that one. */
  async authenticate(scheme: string, credentials: string): Promise<void> {
    await this.#send(XID.auth, protocol.authenticate(scheme, credentials));
  }

  /** Ends the connection. The session goes on, until it has timed out. */
  destroy(cause: unknown): void {
    const { name } = this.#options;
    this.#fail(new KitError("unavailable", `Cannot reach ZooKeeper at "${name}"`, { cause }));
  }

  #send<T>(xid: number, request: Request<T>): Promise<T> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#pending.size >= MAX_PENDING) {
      const message = `Cannot ${request.what} as ${MAX_PENDING} requests are under way`;
      return Promise.reject(new KitError("resource_exhausted", message));
    }
    const writer = new JuteWriter().int(xid).int(request.op);
    request.write(writer);
    return new Promise((resolve, reject) => {
      const sentAt = this.#options.clock.now();
      this.#pending.set(xid, { sentAt, request, resolve: resolve as () => void, reject });
      this.#socket.write(writer.frame());
    });
  }

  #hear(chunk: Uint8Array): void {
    this.#heardAt = this.#options.clock.now();
    try {
      for (const frame of this.#frames.push(chunk)) {
        if (this.#error !== undefined) return;
        const reader = new JuteReader(frame);
        if (this.#isOpen) this.#answer(reader);
        else this.#open(protocol.readConnectAnswer(reader));
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : error;
      const message = `Cannot understand ZooKeeper at "${this.#options.name}" as ${why}`;
      this.#fail(new KitError("data_loss", message, { cause: error }));
    }
  }

  #open(answer: ConnectAnswer): void {
    this.#isOpen = true;
    this.#timer[Symbol.dispose]();
    if (answer.timeoutMs > 0) this.#pingEvery(answer.timeoutMs / 3);
    this.#answered.resolve(answer);
  }

  #answer(reader: JuteReader): void {
    const xid = reader.int();
    const zxid = reader.long();
    const error = reader.int();
    if (zxid > this.lastZxid) this.lastZxid = zxid;
    if (xid === XID.watch) {
      const type = reader.int();
      reader.int(); // The state of the session, which is known.
      return this.#options.onEvent(type, reader.string());
    }
    const pending = this.#pending.get(xid);
    if (pending === undefined) throw new RangeError(`nothing was asked with number ${xid}`);
    const value = error === 0 ? pending.request.read(reader) : undefined;
    this.#pending.delete(xid);
    if (error === 0) pending.resolve(value);
    else pending.reject(protocol.refusal(pending.request.what, error));
  }

  /** Pings, and gives up a server that has been silent since the last ping or sits on a request. */
  #pingEvery(ms: number): void {
    this.#timer = this.#options.clock.after(ms, () => {
      const now = this.#options.clock.now();
      const [oldest] = this.#pending.values();
      const ping = this.#pending.get(XID.ping);
      const isSilent = ping !== undefined && this.#heardAt <= ping.sentAt;
      if (isSilent || oldest !== undefined && now - oldest.sentAt > 2 * ms) {
        return this.destroy(isSilent ? "the server is silent" : "the server sits on a request");
      }
      if (ping === undefined) this.#send(XID.ping, protocol.ping).catch(() => {});
      this.#pingEvery(ms);
    });
  }

  #fail(error: KitError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#timer[Symbol.dispose]();
    this.#socket.destroy();
    this.#answered.reject(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#closed.resolve(error);
  }
}
