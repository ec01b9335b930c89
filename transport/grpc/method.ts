/**
 * The methods of gRPC services: where they are, what they stream, how their messages look on the
 * wire.
 * @module
 */

/** What is used of a described method: every `DescMethod` of `@bufbuild/protobuf` is one. */
export interface DescribedMethod {
  /** Its name, as `Sum`. */
  readonly name: string;
  /** What it streams. */
  readonly methodKind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
  /** The description of a message of the request. */
  readonly input: object;
  /** The description of a message of the response. */
  readonly output: object;
  /** The service that it belongs to. */
  readonly parent: {
    /** The full name, as `pkg.Service`. */
    readonly typeName: string;
    /** The description of the file. */
    readonly file: object;
  };
}

/**
 * Turns messages into bytes and back.
 * @typeParam T The message.
 */
export interface Codec<T> {
  /**
   * Makes the bytes of a message.
   * @param value The message.
   * @returns Its bytes.
   */
  serialize(value: T): Uint8Array;
  /**
   * Reads a message. What it throws ends the call with `internal`, unless it is a `KitError`.
   * @param bytes The bytes. They may be a view of a larger buffer.
   * @returns The message.
   */
  deserialize(bytes: Uint8Array): T;
}

/**
 * The codecs of a method.
 * @typeParam Req One message of the request.
 * @typeParam Res One message of the response.
 */
export interface Codecs<Req, Res> {
  /** The codec of the request, or of each message of a streamed one. */
  readonly request: Codec<Req>;
  /** The codec of the response, or of each message of a streamed one. */
  readonly response: Codec<Res>;
}

/**
 * A method of a gRPC service. It is the same thing on a server and on a client.
 * @typeParam Req The request of its endpoint: a message, or an `AsyncIterable` of them.
 * @typeParam Res The response of its endpoint: a message, or an `AsyncIterable` of them.
 */
export interface Method<Req, Res> {
  /** Its full name, as `/pkg.Service/Method`. */
  readonly path: string;
  /** Whether the request is a stream. */
  readonly requestStream: boolean;
  /** Whether the response is a stream. */
  readonly responseStream: boolean;
  /** The codec of one message of the request. */
  readonly request: Codec<unknown>;
  /** The codec of one message of the response. */
  readonly response: Codec<unknown>;
  /** Its description, where it was made of one; reflection serves it. */
  readonly descriptor?: DescribedMethod | undefined;
  /** Carries the types; it is never set. */
  readonly types?: { readonly request: Req; readonly response: Res };
}

/**
 * Describes a method that takes a message and answers with one.
 * @typeParam Req The request.
 * @typeParam Res The response.
 * @param path Its full name, as `/pkg.Service/Method`.
 * @param codecs The codecs of its messages.
 * @returns The method.
 * @throws {TypeError} If `path` is no such name.
 * @example Usage
 * ```ts
 * import { type Codec, unary } from "@kit/transport/grpc";
 * import assert from "node:assert/strict";
 * const text: Codec<string> = {
 *   serialize: (value) => new TextEncoder().encode(value),
 *   deserialize: (bytes) => new TextDecoder().decode(bytes),
 * };
 * const uppercase = unary("/pkg.Strings/Uppercase", { request: text, response: text });
 * assert.equal(uppercase.requestStream, false);
 * ```
 */
export function unary<Req, Res>(path: string, codecs: Codecs<Req, Res>): Method<Req, Res> {
  return method(path, codecs, {});
}

/**
 * Describes a method that takes a message and answers with a stream.
 * @typeParam Req The request.
 * @typeParam Res One message of the response.
 * @param path Its full name, as `/pkg.Service/Method`.
 * @param codecs The codecs of its messages.
 * @returns The method.
 * @throws {TypeError} If `path` is no such name.
 */
export function serverStream<Req, Res>(
  path: string,
  codecs: Codecs<Req, Res>,
): Method<Req, AsyncIterable<Res>> {
  return method(path, codecs, { responseStream: true });
}

/**
 * Describes a method that takes a stream and answers with a message.
 * @typeParam Req One message of the request.
 * @typeParam Res The response.
 * @param path Its full name, as `/pkg.Service/Method`.
 * @param codecs The codecs of its messages.
 * @returns The method.
 * @throws {TypeError} If `path` is no such name.
 */
export function clientStream<Req, Res>(
  path: string,
  codecs: Codecs<Req, Res>,
): Method<AsyncIterable<Req>, Res> {
  return method(path, codecs, { requestStream: true });
}

/**
 * Describes a method that takes a stream and answers with one, both at the same time.
 * @typeParam Req One message of the request.
 * @typeParam Res One message of the response.
 * @param path Its full name, as `/pkg.Service/Method`.
 * @param codecs The codecs of its messages.
 * @returns The method.
 * @throws {TypeError} If `path` is no such name.
 */
export function bidiStream<Req, Res>(
  path: string,
  codecs: Codecs<Req, Res>,
): Method<AsyncIterable<Req>, AsyncIterable<Res>> {
  return method(path, codecs, { requestStream: true, responseStream: true });
}

function method(
  path: string,
  { request, response }: Codecs<unknown, unknown>,
  { requestStream = false, responseStream = false },
): Method<never, never> {
  if (!/^\/[\w.]+\/\w+$/.test(path)) {
    throw new TypeError(
      `Cannot describe method as its path must be "/pkg.Service/Method": current value is "${path}"`,
    );
  }
  return { path, requestStream, responseStream, request, response };
}
