/**
 * One connection of a client, from its start to its end.
 * @module
 */
import { connect as open, type Socket } from "node:net";
import { type Clock, codeOf, type Context, KitError, toKitError } from "@kit/endpoint";
import { untilAborted } from "../_client_call.ts";
import { GobResponses, GobWriter } from "./_gob_wire.ts";
import { CONNECTED, connectRequest, HeadReader } from "./_head.ts";
import { JsonResponses, JsonWriter } from "./_json_wire.ts";
import { Outbox } from "./_outbox.ts";
import { parseErrorText } from "./error_text.ts";
import type { GobType } from "./gob/type.ts";
import {
  type Codec,
  MAX_DEPTH,
  type MessageReader,
  type MessageWriter,
  type ResponseHeader,
  SOCKET,
} from "./_wire.ts";

/** What a connection needs to know. */
export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly codec: Codec;
  readonly path: string | undefined;
  readonly headers: Headers;
  readonly maxBytes: number;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
}

/** A call as the connection sees it. */
export interface LinkCall {
  readonly method: string;
  readonly args: GobType<unknown>;
  readonly reply: GobType<unknown>;
  readonly value: unknown;
}

interface Pending {
  readonly reply: GobType<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: KitError) => void;
}

/** How much may wait to be sent before the next call does. */
const MAX_UNSENT_BYTES = 1 << 20;

/** One connection, with its calls in flight. */
export class ClientLink {
  readonly #socket: Socket;
  readonly #reader: MessageReader<ResponseHeader>;
  readonly #outbox: Outbox;
  readonly #pending = new Map<number, Pending>();
  #head: HeadReader | undefined;
  #header: ResponseHeader | undefined;
  #seq = 0;
  /** How many times something has come, to tell a slow call from a dead connection. */
  #received = 0;
  #isRetired = false;
  #drained: PromiseWithResolvers<void> | undefined;
  /** Resolves when calls can be made; rejects if that cannot be. */
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
  #isReady!: () => void;
  isClosed = false;

  constructor(readonly options: LinkOptions) {
    const { host, port, codec, maxBytes, path, clock, connectTimeoutMs } = options;
    const limits = { maxBytes, maxDepth: MAX_DEPTH };
    const writer: MessageWriter = codec === "gob" ? new GobWriter() : new JsonWriter();
    this.#reader = codec === "gob" ? new GobResponses(limits) : new JsonResponses(limits);
    const socket = this.#socket = open({ host, port, ...SOCKET });
    this.#outbox = new Outbox(socket, writer);
    if (path !== undefined) this.#head = new HeadReader();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    promise.catch(() => {});
    const timer = clock.after(connectTimeoutMs, () => this.destroy(), { keepAlive: false });
    this.#isReady = () => {
      timer[Symbol.dispose]();
      resolve();
    };
    let cause: unknown;
    socket.on("error", (error) => cause = error);
    socket.on("connect", () => {
      if (path === undefined) this.#isReady();
      else socket.write(connectRequest(path, options.headers));
    });
    socket.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    socket.on("drain", () => this.#release());
    socket.on("end", () => this.#isRetired = true);
    this.closed = new Promise((done) => {
      socket.once("close", () => {
        timer[Symbol.dispose]();
        this.isClosed = true;
        this.#lose(new KitError("unavailable", "Connection was lost", { cause }));
        reject(this.#error ?? new KitError("unavailable", "Cannot reach service", { cause }));
        done();
      });
    });
  }
  #error: KitError | undefined;

  /** Whether new calls should go elsewhere. */
  get isDone(): boolean {
    return this.isClosed || this.#isRetired || this.#socket.destroyed;
  }

  /** Waits until there is room for another call. */
  get drained(): Promise<void> | undefined {
    if (this.#socket.writableLength < MAX_UNSENT_BYTES || this.isDone) return undefined;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  call({ method, args, reply, value }: LinkCall, ctx: Context): Promise<unknown> {
    const seq = this.#seq++;
    this.#outbox.writer.request(method, seq, args, value);
    this.#outbox.flushSoon();
    const received = this.#received;
    const outcome = new Promise((resolve, reject) => {
      this.#pending.set(seq, { reply, resolve, reject });
    });
    return untilAborted(outcome, ctx, () => {
      this.#pending.delete(seq);
      // Nothing has come since: it may be that nothing ever will, so others had better not wait.
      const isSilent = received === this.#received;
      if (isSilent && codeOf(ctx.signal.reason) === "deadline_exceeded") this.#isRetired = true;
      this.#endIfIdle();
    });
  }

  /** Ends the connection, and with it the calls in flight. */
  destroy(why?: KitError): void {
    this.#error ??= why;
    this.#socket.destroy();
    if (why !== undefined) this.#lose(why);
  }

  #endIfIdle(): void {
    if (this.#isRetired && this.#pending.size === 0) this.#socket.destroy();
  }

  #lose(error: KitError): void {
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of lost) reject(error);
    this.#release();
  }

  #release(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #onData(bytes: Uint8Array): void {
    if (this.isDone && this.#pending.size === 0) return;
    this.#received++;
    try {
      if (this.#head === undefined) this.#reader.push(bytes);
      else {
        const head = this.#head.push(bytes);
        if (head === undefined) return;
        if (!head.line.endsWith(` ${CONNECTED}`)) {
          const text = "Cannot connect as the server answers otherwise than Go's does";
          return this.destroy(new KitError("unavailable", text, { cause: head.line }));
        }
        this.#head = undefined;
        this.#isReady();
        this.#reader.push(head.rest);
      }
      while (this.#readOne());
    } catch (cause) {
      this.destroy(new KitError("unavailable", "Connection was lost", { cause }));
    }
    this.#endIfIdle();
  }

  #readOne(): boolean {
    const header = this.#header ??= this.#reader.header();
    if (header === undefined) return false;
    const call = this.#pending.get(header.id as number);
    let body: { readonly value: unknown } | undefined;
    let wrong: unknown;
    try {
      body = this.#reader.body(header.error === "" ? call?.reply : undefined);
      if (body === undefined) return false;
    } catch (error) {
      wrong = error;
    }
    this.#header = undefined;
    // The answer of a call that nobody waits for is dropped.
    this.#pending.delete(header.id as number);
    if (wrong !== undefined) call?.reject(unusable(wrong));
    else if (header.error !== "") call?.reject(parseErrorText(header.error));
    else call?.resolve(body!.value);
    if (this.#reader.error !== undefined) throw this.#reader.error;
    return true;
  }
}

/** What is wrong with a response is no fault of the caller. */
function unusable(cause: unknown): KitError {
  const { code, message } = toKitError(cause);
  return new KitError(code === "resource_exhausted" ? code : "internal", message, { cause });
}
