/**
 * One call of a client. It speaks to the channel of grpc-js, below its Node streams.
 * @module
 */
import {
  type ChannelInterface,
  type Metadata as GrpcMetadata,
  status,
  type StatusObject,
} from "@grpc/grpc-js";
import {
  codeOf,
  type Context,
  isKitError,
  KitError,
  type Metadata,
  NO_METADATA,
  remainingMs,
  systemClock,
  throwIfDone,
} from "@kit/endpoint";
import { Buffer } from "node:buffer";
import { type Schema, validate } from "../schema.ts";
import { forget, heldStatus, isLost, remedied } from "./_http2_shim.ts";
import { MessageStream } from "./_message_stream.ts";
import { IncomingMetadata, type OutgoingMetadata } from "./_metadata.ts";
import { Pump } from "./_pump.ts";
import { errorOfStatus } from "./_rich_error.ts";
import type { AnswerMetadata } from "./client.ts";
import type { Method } from "./method.ts";

/** What all calls of a client share. */
export interface Way {
  readonly channel: ChannelInterface;
  readonly method: Method<unknown, unknown>;
  readonly schema: Schema<unknown> | undefined;
  /** Whether a streamed response is given out only when the server has sent its header. */
  readonly isHeaderAwaited: boolean;
}

/** What comes back. */
export interface Answer extends AnswerMetadata {
  /** The response, or the stream of it. */
  response(): unknown;
}

/** Servers on grpc-js take a longer time for none at all. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** How grpc-js tells that nothing can be written any more. */
const BROKEN =
  /^Received RST_STREAM with code 2 triggered by internal client error: .*\b(?:EPIPE|ECONN[A-Z]+)\b/;

function lost(): KitError {
  return new KitError("unavailable", "Connection was lost");
}

/** One call: the listener of grpc-js, and the answer. */
export class OutgoingCall implements Answer {
  readonly #way: Way;
  readonly #ctx: Context;
  readonly #call: ReturnType<ChannelInterface["createCall"]>;
  header: Metadata = NO_METADATA;
  trailer: Metadata = NO_METADATA;
  #message: Uint8Array | undefined;
  #responses: MessageStream<unknown> | undefined;
  #pump: Pump<unknown> | undefined;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: unknown) => void;
  #id = "";
  #hasHeader = false;
  #isOver = false;

  constructor(way: Way, ctx: Context) {
    this.#way = way;
    this.#ctx = ctx;
    // A hook may have set another deadline since the call began.
    throwIfDone(ctx);
    const { deadline } = ctx;
    const until = deadline === undefined
      ? Infinity
      : Math.min(deadline, systemClock.now() + MAX_TIMEOUT_MS);
    try {
      this.#call = way.channel.createCall(way.method.path, until, null, null, null);
    } catch (cause) {
      throw new KitError("unavailable", "Cannot call as the channel is closed", { cause });
    }
  }

  /** Begins the call; resolves when there is an answer to read. */
  run(request: unknown, metadata: OutgoingMetadata): Promise<Answer> {
    const { method, isHeaderAwaited } = this.#way;
    const bytes = method.requestStream ? undefined : this.#serialize(request);
    if (this.#ctx.canAbort) this.#ctx.signal.addEventListener("abort", this.#onAbort);
    if (method.responseStream) {
      this.#responses = new MessageStream({
        read: () => this.#call.startRead(),
        decode: (bytes) => this.#decode(bytes),
        abandon: () => this.#cancel(new KitError("cancelled", "Call was cancelled")),
      });
    }
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#id = remedied(metadata.target, () => this.#cancel(lost()));
      this.#call.start(metadata.target, this);
      if (this.#responses === undefined) this.#call.startRead();
      if (bytes !== undefined) {
        this.#call.sendMessageWithContext({}, bytes);
        this.#call.halfClose();
      } else this.#stream(request as AsyncIterable<unknown>);
      if (this.#responses !== undefined && !isHeaderAwaited) resolve(this);
    });
  }

  #stream(request: AsyncIterable<unknown>): void {
    // grpc-js takes one message at a time before there is a connection, and one at a time to compress.
    this.#pump = new Pump(request, (item, taken) => {
      const bytes = this.#serialize(item);
      this.#call.sendMessageWithContext({ callback: taken }, bytes);
      return bytes.length;
    }, 0);
    this.#pump.run().then(
      () => this.#call.halfClose(),
      (error) => this.#cancel(error),
    );
  }

  readonly #onAbort = (): void => this.#cancel(this.#ctx.signal.reason);

  /** Ends the call from this side. */
  #cancel(error: unknown): void {
    if (this.#isOver) return;
    this.#fail(error);
    const isLate = codeOf(error) === "deadline_exceeded";
    this.#call.cancelWithStatus(isLate ? status.DEADLINE_EXCEEDED : status.CANCELLED, "");
  }

  #fail(error: unknown): void {
    this.#finish();
    this.#pump?.stop(error);
    this.#responses?.end({ error });
    this.#reject(error);
  }

  #finish(): void {
    this.#isOver = true;
    forget(this.#id);
    if (this.#ctx.canAbort) this.#ctx.signal.removeEventListener("abort", this.#onAbort);
  }

  onReceiveMetadata(metadata: GrpcMetadata): void {
    this.#hasHeader = true;
    this.header = new IncomingMetadata(metadata);
    if (this.#responses !== undefined) this.#resolve(this);
  }

  onReceiveMessage(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#responses !== undefined) return this.#responses.push(bytes);
    if (this.#message !== undefined) {
      return this.#cancel(new KitError("unimplemented", "Cannot use response as it is a stream"));
    }
    this.#message = bytes;
    this.#call.startRead();
  }

  onReceiveStatus(outcome: StatusObject): void {
    if (this.#isOver) return;
    const held = heldStatus(outcome.metadata);
    const received = held === undefined ? outcome : { ...outcome, code: held };
    this.trailer = new IncomingMetadata(received.metadata);
    if (received.code !== status.OK) return this.#fail(this.#errorOf(received));
    if (this.#responses === undefined && this.#message === undefined) {
      return this.#fail(new KitError("unimplemented", "Cannot use response as it is empty"));
    }
    this.#finish();
    this.#pump?.stop(new KitError("cancelled", "Call has ended"));
    this.#responses?.end();
    this.#resolve(this);
  }

  #errorOf(received: StatusObject): KitError {
    // A server that gives up at the same deadline may be ahead of our clock.
    if (received.code === status.CANCELLED && remainingMs(this.#ctx) <= 0) {
      return new KitError("deadline_exceeded", "Deadline exceeded");
    }
    if (received.code === status.CANCELLED && isLost(this.#id)) return lost();
    if (received.code === status.INTERNAL && BROKEN.test(received.details)) return lost();
    const isFromPeer = this.#hasHeader || Object.keys(received.metadata.toJSON()).length > 0;
    return errorOfStatus(received, isFromPeer);
  }

  response(): unknown {
    return this.#responses ?? this.#decode(this.#message!);
  }

  #decode(bytes: Uint8Array): unknown {
    const { method, schema } = this.#way;
    const unreadable = (cause: unknown) =>
      new KitError("internal", "Cannot decode response", { cause });
    let value: unknown;
    try {
      value = method.response.deserialize(bytes);
      if (schema !== undefined) value = validate(schema, value, "response");
    } catch (cause) {
      throw unreadable(cause);
    }
    return value instanceof Promise
      ? value.catch((cause) => {
        throw unreadable(cause);
      })
      : value;
  }

  #serialize(value: unknown): Buffer {
    try {
      const bytes = this.#way.method.request.serialize(value);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (cause) {
      if (isKitError(cause)) throw cause;
      throw new KitError("internal", "Cannot encode request", { cause });
    }
  }
}
