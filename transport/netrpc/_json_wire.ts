/**
 * The messages of net/rpc as JSON, as Go's net/rpc/jsonrpc has them: JSON-RPC 1.0.
 * @module
 */
import { KitError, toKitError } from "@kit/endpoint";
import { nodeOf } from "./gob/_node.ts";
import type { GobType } from "./gob/type.ts";
import { JsonFrames } from "./_json_frames.ts";
import { fromJson, parseExact, toJson } from "./_json_value.ts";
import type {
  CallId,
  MessageReader,
  MessageWriter,
  RequestHeader,
  ResponseHeader,
} from "./_wire.ts";

type Message = Record<string, unknown>;

abstract class JsonReader {
  readonly #frames: JsonFrames;
  error: KitError | undefined;
  protected message: Message = {};

  constructor({ maxBytes, maxDepth }: { readonly maxBytes: number; readonly maxDepth: number }) {
    this.#frames = new JsonFrames(maxBytes, maxDepth);
  }

  get isPending(): boolean {
    return this.#frames.isPending;
  }

  push(bytes: Uint8Array): void {
    if (this.error !== undefined) return;
    try {
      this.#frames.push(bytes);
    } catch (error) {
      // What came before it is still to be read.
      this.error = toKitError(error);
    }
  }

  /** Parses the next message, if it is here. */
  protected next(): Message | undefined {
    const text = this.#frames.shift();
    if (text === undefined) {
      if (this.error !== undefined) throw this.error;
      return undefined;
    }
    try {
      return this.message = parseExact(text) as Message;
    } catch (cause) {
      throw this.error = new KitError("invalid_argument", "Cannot decode JSON as it is none", {
        cause,
      });
    }
  }
}

/** Reads what a client sends. */
export class JsonRequests extends JsonReader implements MessageReader<RequestHeader> {
  header(): RequestHeader | undefined {
    const message = this.next();
    if (message === undefined) return undefined;
    const { method, id } = message;
    return {
      method: typeof method === "string" ? method : "",
      // Whatever it is, it goes back as it came.
      id: typeof id === "bigint" ? String(id) : JSON.stringify(id ?? null, exactly),
    };
  }

  body(type: GobType<unknown> | undefined): { readonly value: unknown } {
    if (type === undefined) return { value: undefined };
    const { params } = this.message;
    if (params === undefined) {
      throw new KitError("invalid_argument", "jsonrpc: request body missing params");
    }
    if (!Array.isArray(params)) {
      throw new KitError("invalid_argument", "Cannot decode params as they are no array");
    }
    return { value: fromJson(nodeOf(type), params[0]) };
  }
}

function exactly(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

/** Reads what a server sends. */
export class JsonResponses extends JsonReader implements MessageReader<ResponseHeader> {
  header(): ResponseHeader | undefined {
    const message = this.next();
    if (message === undefined) return undefined;
    const { id, result, error } = message;
    // Go takes a response without either for one that failed.
    const isFailed = (error !== null && error !== undefined) || result === undefined;
    const text = typeof error === "string"
      ? error
      : error == null
      ? ""
      : JSON.stringify(error, exactly);
    return {
      id: typeof id === "number" ? id : -1,
      error: isFailed ? text || "unspecified error" : "",
    };
  }

  body(type: GobType<unknown> | undefined): { readonly value: unknown } {
    if (type === undefined) return { value: undefined };
    return { value: fromJson(nodeOf(type), this.message.result) };
  }
}

const utf8 = new TextEncoder();

/** Writes what either sends, each message with a newline after it, as Go does. */
export class JsonWriter implements MessageWriter {
  #text = "";

  request(method: string, id: number, type: GobType<unknown>, args: unknown): void {
    const params = JSON.stringify([toJson(nodeOf(type), args)]);
    this.#text += `{"method":${JSON.stringify(method)},"params":${params},"id":${id}}\n`;
  }

  reply(_: string, id: CallId, type: GobType<unknown>, reply: unknown): void {
    const result = JSON.stringify(toJson(nodeOf(type), reply));
    this.#text += `{"id":${id},"result":${result},"error":null}\n`;
  }

  fail(_: string, id: CallId, text: string): void {
    this.#text += `{"id":${id},"result":null,"error":${JSON.stringify(text)}}\n`;
  }

  take(): Uint8Array<ArrayBuffer> {
    const bytes = utf8.encode(this.#text);
    this.#text = "";
    return bytes;
  }
}
