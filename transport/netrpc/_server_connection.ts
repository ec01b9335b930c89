/**
 * One connection of a server.
 * @module
 */
import type { Socket } from "node:net";
import {
  background,
  type Clock,
  type Context,
  KitError,
  metadata,
  withMetadata,
  withSignal,
  withTimeout,
  withValue,
} from "@kit/endpoint";
import { remoteAddress } from "../http/keys.ts";
import { answer } from "../_server_call.ts";
import { errorText } from "./error_text.ts";
import { GobRequests, GobWriter } from "./_gob_wire.ts";
import { connectAnswer, HeadReader } from "./_head.ts";
import { JsonRequests, JsonWriter } from "./_json_wire.ts";
import type { BoundMethod } from "./_bound_method.ts";
import type { NetrpcServer } from "./server.ts";
import { Outbox } from "./_outbox.ts";
import { Reply } from "./_reply.ts";
import {
  type Codec,
  MAX_DEPTH,
  type MessageReader,
  type MessageWriter,
  type RequestHeader,
} from "./_wire.ts";

/** How long a client that is told to go has for it. */
const LINGER_MS = 250;

/** What a connection needs to know of its server. */
export interface ConnectionOptions {
  readonly server: NetrpcServer;
  readonly codec: Codec;
  readonly path: string | undefined;
  readonly maxBytes: number;
  readonly maxInflight: number;
  readonly handlerTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
  readonly onError: ((error: unknown) => void) | undefined;
}

/** Reads requests, runs them, and writes the replies in the order in which they are ready. */
export class ServerConnection {
  readonly #reader: MessageReader<RequestHeader>;
  readonly #outbox: Outbox;
  readonly #lost = new AbortController();
  #head: HeadReader | undefined;
  #ctx: Context;
  #header: RequestHeader | undefined;
  #method: BoundMethod | undefined;
  #isDraining = false;
  /** Whether nothing more is read: the client has ended, or what it sends makes no sense. */
  #isDeaf = false;
  #isEnding = false;
  #inflight = 0;
  /** Since when a message is on its way. */
  #pendingSince: number | undefined;
  #sentAt: number;
  /** The timers of the calls that run. */
  readonly #held = new Set<Disposable>();
  readonly closed: Promise<void>;

  constructor(readonly socket: Socket, readonly options: ConnectionOptions) {
    const { codec, maxBytes, path, clock } = options;
    const writer: MessageWriter = codec === "gob" ? new GobWriter() : new JsonWriter();
    const limits = { maxBytes, maxDepth: MAX_DEPTH };
    this.#reader = codec === "gob" ? new GobRequests(limits) : new JsonRequests(limits);
    this.#outbox = new Outbox(socket, writer);
    this.#ctx = this.#contextOf([]);
    this.#sentAt = clock.now();
    if (path !== undefined) {
      this.#head = new HeadReader();
      this.#pendingSince = clock.now();
    }
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#isDeaf = true;
        this.#abort();
        for (const held of this.#held) held[Symbol.dispose]();
        resolve();
      });
    });
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    socket.on("end", () => {
      this.#isDeaf = true;
      // A client that sends no more has gone, as far as one can tell.
      this.#abort();
      this.#endIfIdle();
    });
  }

  /** Refuses the requests that still come, and ends when those that run are answered. */
  drain(): void {
    this.#isDraining = true;
    this.#endIfIdle();
  }

  /** Gives up on a client that neither sends the rest of a message nor takes what is sent to it. */
  sweep(now: number): void {
    const { stallTimeoutMs } = this.options;
    if (this.#outbox.unsent === 0) this.#sentAt = now;
    const since = this.#pendingSince ?? now;
    if (now - Math.min(since, this.#sentAt) < stallTimeoutMs || this.socket.destroyed) return;
    this.#tell(new KitError("deadline_exceeded", "Client took too long to send or to receive"));
    this.socket.destroy();
  }

  #contextOf(headers: readonly (readonly [string, string])[]): Context {
    const { remoteAddress: host, remotePort: port } = this.socket;
    let ctx = withMetadata(background(), metadata(headers));
    if (host !== undefined) {
      ctx = withValue(
        ctx,
        remoteAddress,
        host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
      );
    }
    return withSignal(ctx, this.#lost.signal);
  }

  #abort(): void {
    this.#lost.abort(new KitError("cancelled", "Client went away"));
  }

  #onData(bytes: Uint8Array): void {
    if (this.#isDeaf || this.#isEnding) return;
    if (this.#head === undefined) this.#reader.push(bytes);
    else if (!this.#shakeHands(this.#head, bytes)) return;
    this.#read();
  }

  #shakeHands(reader: HeadReader, bytes: Uint8Array): boolean {
    try {
      const head = reader.push(bytes);
      if (head === undefined) return false;
      this.#head = undefined;
      this.#pendingSince = undefined;
      const { text, isOpen } = connectAnswer(head.line, this.options.path!);
      this.socket.write(text);
      if (!isOpen) {
        this.#end();
        return false;
      }
      this.#ctx = this.#contextOf(head.headers);
      this.#reader.push(head.rest);
      return true;
    } catch (error) {
      this.#tell(error);
      this.socket.destroy();
      return false;
    }
  }

  #read(): void {
    try {
      while (!this.#isDeaf && this.#inflight < this.options.maxInflight && this.#readOne()) {
        this.#pendingSince = undefined;
      }
    } catch (error) {
      this.#tell(error);
      this.#isDeaf = true;
      this.#endIfIdle();
    }
    const isFull = this.#inflight >= this.options.maxInflight && !this.#isDeaf;
    if (isFull) this.socket.pause();
    else if (this.socket.isPaused()) this.socket.resume();
    if (isFull || this.#isDeaf || !this.#reader.isPending) this.#pendingSince = undefined;
    else this.#pendingSince ??= this.options.clock.now();
  }

  /** Reads one request and starts it; `false` if it is not all here. */
  #readOne(): boolean {
    if (this.#header === undefined) {
      this.#header = this.#reader.header();
      if (this.#header === undefined) return false;
    }
    const header = this.#header;
    let refused: unknown;
    if (this.#method === undefined) {
      try {
        if (this.#isDraining) throw new KitError("unavailable", "Server is stopping");
        this.#method = this.options.server.find(header.method) as BoundMethod;
      } catch (error) {
        refused = error;
      }
    }
    const method = this.#method;
    let body: { readonly value: unknown } | undefined;
    try {
      body = this.#reader.body(method?.args);
      if (body === undefined) return false;
    } catch (error) {
      refused = error;
    }
    this.#header = this.#method = undefined;
    const reply = new Reply(this.#outbox, header, body?.value, () => this.#answered());
    this.#inflight++;
    if (method === undefined || refused !== undefined) {
      this.#tell(refused);
      // Go's own texts come as they are, so that Go's clients see what they know.
      const { message } = refused as KitError;
      reply.fail(message.startsWith("rpc: ") ? message : errorText(refused));
      if (this.#reader.error !== undefined) throw this.#reader.error;
    } else this.#run(method, reply);
    return true;
  }

  #run(method: BoundMethod, reply: Reply): void {
    const { handlerTimeoutMs, clock } = this.options;
    if (handlerTimeoutMs === Infinity) {
      answer(method.steps, this.#ctx, reply, reply).catch((error) => this.#tell(error));
      return;
    }
    const ctx = withTimeout(this.#ctx, handlerTimeoutMs, { clock });
    const timer = clock.after(
      handlerTimeoutMs,
      () => reply.fail(errorText(new KitError("deadline_exceeded", "Server took too long"))),
      { keepAlive: false },
    );
    const held = {
      [Symbol.dispose]: () => {
        timer[Symbol.dispose]();
        ctx[Symbol.dispose]();
      },
    };
    this.#held.add(held);
    answer(method.steps, ctx, reply, reply).catch((error) => this.#tell(error)).finally(() => {
      held[Symbol.dispose]();
      this.#held.delete(held);
    });
  }

  #answered(): void {
    this.#inflight--;
    this.#sentAt = this.options.clock.now();
    if (this.#isDeaf || this.#isDraining) this.#endIfIdle();
    if (!this.#isDeaf && !this.#isEnding && this.#inflight === this.options.maxInflight - 1) {
      this.#read();
    }
  }

  #endIfIdle(): void {
    if (this.#inflight === 0 && (this.#isDeaf || this.#isDraining)) this.#end();
  }

  /**
   * Says that nothing more comes. What the client has sent meanwhile is read and dropped: a socket
   * that is closed with something unread takes replies that are on their way with it.
   */
  #end(): void {
    if (this.#isEnding || this.socket.destroyed) return;
    this.#isEnding = true;
    this.#pendingSince = undefined;
    const { socket } = this;
    socket.resume();
    socket.end();
    if (socket.readableEnded) return;
    const timer = this.options.clock.after(LINGER_MS, () => socket.destroy());
    socket.once("end", () => socket.destroySoon());
    socket.once("close", () => timer[Symbol.dispose]());
  }

  #tell(error: unknown): void {
    try {
      this.options.onError?.(error);
    } catch {
      // Who is told of an error cannot change what comes of it.
    }
  }
}
