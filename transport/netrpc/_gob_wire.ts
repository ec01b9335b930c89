/**
 * The messages of net/rpc as gob.
 * @module
 */
import { string, uint64 } from "./gob/basic_types.ts";
import { struct } from "./gob/composite_types.ts";
import { Decoder, type DecoderOptions } from "./gob/decoder.ts";
import { Encoder } from "./gob/encoder.ts";
import type { GobType } from "./gob/type.ts";
import type {
  CallId,
  MessageReader,
  MessageWriter,
  RequestHeader,
  ResponseHeader,
} from "./_wire.ts";

const Request = struct("Request", { ServiceMethod: string, Seq: uint64 });
const Response = struct("Response", { ServiceMethod: string, Seq: uint64, Error: string });
/** What goes in place of a reply. */
const InvalidRequest = struct("InvalidRequest", {});

abstract class GobReader {
  protected readonly decoder: Decoder;

  constructor(options: DecoderOptions) {
    this.decoder = new Decoder(options);
  }

  get error() {
    return this.decoder.error;
  }

  get isPending(): boolean {
    return this.decoder.isPending || this.isInMessage;
  }
  /** Whether a header has come and its body has not. */
  protected isInMessage = false;

  push(bytes: Uint8Array): void {
    this.decoder.push(bytes);
  }

  body(type: GobType<unknown> | undefined): { readonly value: unknown } | undefined {
    if (type === undefined) {
      if (!this.decoder.skip()) return undefined;
      this.isInMessage = false;
      return { value: undefined };
    }
    try {
      const decoded = this.decoder.decode(type);
      if (decoded !== undefined) this.isInMessage = false;
      return decoded;
    } catch (error) {
      this.isInMessage = false;
      throw error;
    }
  }
}

/** Reads what a client sends. */
export class GobRequests extends GobReader implements MessageReader<RequestHeader> {
  header(): RequestHeader | undefined {
    const decoded = this.decoder.decode(Request);
    if (decoded === undefined) return undefined;
    this.isInMessage = true;
    return { method: decoded.value.ServiceMethod, id: decoded.value.Seq };
  }
}

/** Reads what a server sends. */
export class GobResponses extends GobReader implements MessageReader<ResponseHeader> {
  header(): ResponseHeader | undefined {
    const decoded = this.decoder.decode(Response);
    if (decoded === undefined) return undefined;
    this.isInMessage = true;
    return { id: Number(decoded.value.Seq), error: decoded.value.Error };
  }
}

/** Writes what either sends. */
export class GobWriter implements MessageWriter {
  readonly #encoder = new Encoder();

  request(method: string, id: number, type: GobType<unknown>, args: unknown): void {
    this.#encoder.addPair([Request, { ServiceMethod: method, Seq: BigInt(id) }], [type, args]);
  }

  reply(method: string, id: CallId, type: GobType<unknown>, reply: unknown): void {
    this.#encoder.addPair(
      [Response, { ServiceMethod: method, Seq: BigInt(id), Error: "" }],
      [type, reply],
    );
  }

  fail(method: string, id: CallId, text: string): void {
    this.#encoder.addPair(
      [Response, { ServiceMethod: method, Seq: BigInt(id), Error: text }],
      [InvalidRequest, {}],
    );
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#encoder.take();
  }
}
