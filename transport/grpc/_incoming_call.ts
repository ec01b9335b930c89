/**
 * One call on a server. It speaks to grpc-js as an interceptor does, below its Node streams, so that
 * a message is read when it is asked for and written when there is room.
 * @module
 */
import {
  Metadata as GrpcMetadata,
  type ServerInterceptingCallInterface,
  status,
} from "@grpc/grpc-js";
import { isKitError, KitError, type Metadata, systemClock } from "@kit/endpoint";
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import { validate } from "../schema.ts";
import type { Answerer } from "./_answerer.ts";
import { CallContext } from "./_context.ts";
import { isAccepted, isCutOff } from "./_mend.ts";
import { MessageStream } from "./_message_stream.ts";
import { OutgoingMetadata } from "./_metadata.ts";
import { Pump } from "./_pump.ts";
import { statusOfError } from "./_rich_error.ts";
import { isZipped, zip } from "./_zip.ts";
import type { MetadataWriter } from "./metadata_writer.ts";
import type { Compression } from "./serve.ts";
import type { Reply } from "./server.ts";

/** How many bytes of a streamed response may wait in HTTP/2. */
const WINDOW_BYTES = 64 * 1024;

/** A call that a server is busy with. */
export interface RunningCall {
  /** Ends the call: the caller is told the error, and the context of the call is aborted with it. */
  abandon(error: KitError): void;
}

/** What the calls of a server share. */
export interface Serving {
  /** Holds each call until it is over. */
  readonly running: Set<RunningCall>;
  /** The most bytes that a message may have. */
  readonly maxBytes: number;
  /** How messages are compressed, where the caller takes that. */
  readonly compression: Compression;
}

/** What a call uses of its {@linkcode Answerer}. */
type Answers = Pick<Answerer<unknown, unknown>, "method" | "schema" | "compress" | "answer">;

/** The header and the trailer of a reply, each made when somebody wants it. */
class ReplyMetadata implements Reply {
  ownHeader: OutgoingMetadata | undefined;
  ownTrailer: OutgoingMetadata | undefined;

  get header(): MetadataWriter {
    return this.ownHeader ??= new OutgoingMetadata();
  }
  get trailer(): MetadataWriter {
    return this.ownTrailer ??= new OutgoingMetadata();
  }
}

/** One call: the listener of grpc-js, and what the steps work on. */
export class IncomingCall implements RunningCall {
  readonly #answerer: Answers;
  readonly #call: ServerInterceptingCallInterface;
  readonly #serving: Serving;
  #ctx!: CallContext;
  #reply: ReplyMetadata | undefined;
  #message: Uint8Array | undefined;
  #requests: MessageStream<unknown> | undefined;
  #pump: Pump<unknown> | undefined;
  #isOver = false;

  constructor(
    answerer: Answers,
    call: ServerInterceptingCallInterface,
    serving: Serving,
  ) {
    this.#answerer = answerer;
    this.#call = call;
    this.#serving = serving;
  }

  get metadata(): Metadata {
    return this.#ctx.metadata;
  }

  get reply(): ReplyMetadata {
    return this.#reply ??= new ReplyMetadata();
  }

  onReceiveMetadata(metadata: GrpcMetadata): void {
    const { path, requestStream } = this.#answerer.method;
    this.#ctx = new CallContext(path, this.#call, metadata);
    this.#serving.running.add(this);
    if (!requestStream) return this.#call.startRead();
    this.#requests = new MessageStream({
      read: () => this.#call.startRead(),
      decode: (bytes) => this.#decode(bytes),
      abandon: () => {},
    });
    this.#begin();
  }

  onReceiveMessage(bytes: Uint8Array): void {
    if (this.#requests !== undefined) return this.#requests.push(bytes);
    if (this.#message !== undefined) return this.#refuse("more than one message");
    this.#message = bytes;
    // The endpoint is not called before the caller has said that this is all.
    this.#call.startRead();
  }

  onReceiveHalfClose(): void {
    // A request that the caller has reset seems to end first: only what follows tells the difference.
    if (this.#requests !== undefined) setImmediate(() => this.#endRequests());
    else if (isCutOff(this.#call)) this.#refuseCutOff();
    else if (this.#message === undefined) this.#refuse("no message");
    else this.#begin();
  }

  #endRequests(): void {
    if (this.#isOver) return;
    if (isCutOff(this.#call)) this.#refuseCutOff();
    else this.#requests!.end();
  }

  /** Called when the caller goes away or the deadline passes, and after every status sent. */
  onCancel(): void {
    if (this.#isOver) return;
    const { deadline = Infinity } = this.#ctx;
    // The caller's timer may be a little ahead of ours.
    const isLate = deadline - systemClock.now() <= 2;
    this.#stop(
      isLate
        ? new KitError("deadline_exceeded", "Deadline exceeded")
        : new KitError("cancelled", "Call was cancelled"),
    );
  }

  abandon(error: KitError): void {
    if (this.#isOver) return;
    this.#sendStatus(error);
    this.#stop(error);
  }

  #refuse(what: string): void {
    const { path } = this.#answerer.method;
    this.abandon(
      new KitError("unimplemented", `Cannot call "${path}" with ${what}: it takes one`),
    );
  }

  #refuseCutOff(): void {
    this.abandon(new KitError("internal", "Cannot read request as it ends in a message"));
  }

  #begin(): void {
    const finish = () => this.#finish();
    this.#answerer.answer(this.#ctx, this).then(finish, finish);
  }

  #stop(error: KitError): void {
    this.#finish();
    this.#ctx.abort(error);
    this.#requests?.end({ error });
    this.#pump?.stop(error);
  }

  #finish(): void {
    this.#isOver = true;
    this.#serving.running.delete(this);
  }

  /** The request, or the stream of it. */
  decode(): unknown {
    return this.#requests ?? this.#decode(this.#message!);
  }

  #decode(bytes: Uint8Array): unknown {
    const { method, schema } = this.#answerer;
    let value: unknown;
    try {
      value = method.request.deserialize(bytes);
    } catch (cause) {
      if (isKitError(cause)) throw cause;
      throw new KitError("internal", "Cannot decode request", { cause });
    }
    return schema === undefined ? value : validate(schema, value, "request");
  }

  encode(response: unknown): void | Promise<void> {
    const isStream = this.#answerer.method.responseStream;
    const message = isStream ? undefined : this.#pack(response);
    if (message instanceof Promise) return message.then((message) => this.#send(message));
    if (message !== undefined) return this.#send(message);
    this.#checkWanted();
    this.#sendHeader(this.#compression);
    return this.#stream(response as AsyncIterable<unknown>);
  }

  #send(message: Buffer): void {
    this.#checkWanted();
    this.#sendHeader(isZipped(message) ? this.#compression : "identity");
    // grpc-js takes nothing more after a status, so no write has to be waited for.
    this.#call.sendMessage(message, () => {});
    this.#sendOk();
  }

  #checkWanted(): void {
    // The caller has gone in the meantime.
    if (this.#isOver) throw this.#ctx.signal.reason;
  }

  #sendHeader(compression: Compression): void {
    const header = this.#reply?.ownHeader?.target ?? new GrpcMetadata();
    if (compression !== "identity") header.set("grpc-encoding", compression);
    this.#call.sendMetadata(header);
  }

  async #stream(response: AsyncIterable<unknown>): Promise<void> {
    const send = (message: Buffer, taken: () => void): number => {
      // What was compressed in vain is on no wire.
      if (!this.#isOver) this.#call.sendMessage(message, taken);
      return message.length;
    };
    const write = (item: unknown, taken: () => void): number | Promise<number> => {
      const message = this.#pack(item);
      return message instanceof Promise
        ? message.then((message) => send(message, taken))
        : send(message, taken);
    };
    this.#pump = new Pump(response, write, WINDOW_BYTES);
    await this.#pump.run();
    this.#sendOk();
  }

  /** How messages of this call may be compressed. */
  get #compression(): Compression {
    const { compression } = this.#serving;
    return compression !== "identity" && isAccepted(this.#call, compression)
      ? compression
      : "identity";
  }

  #pack(value: unknown): Buffer | Promise<Buffer> {
    const bytes = this.#serialize(value);
    const compression = this.#compression;
    return compression === "identity" || !this.#answerer.compress(value)
      ? bytes
      : zip(bytes, compression, () => !this.#isOver);
  }

  #serialize(value: unknown): Buffer {
    let bytes: Uint8Array;
    try {
      bytes = this.#answerer.method.response.serialize(value);
    } catch (cause) {
      if (isKitError(cause)) throw cause;
      throw new KitError("internal", "Cannot encode response", { cause });
    }
    const { maxBytes } = this.#serving;
    if (bytes.length > maxBytes) {
      const text = `Cannot send message as it has more than ${maxBytes} bytes`;
      throw new KitError("resource_exhausted", text);
    }
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #sendOk(): void {
    this.#isOver = true;
    const metadata = this.#reply?.ownTrailer?.target ?? null;
    this.#call.sendStatus({ code: status.OK, details: "", metadata });
  }

  fail(error: KitError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sendStatus(error);
  }

  #sendStatus(error: KitError): void {
    const trailer = this.#reply?.ownTrailer?.target ?? new GrpcMetadata();
    this.#call.sendStatus(statusOfError(error, trailer));
  }
}
