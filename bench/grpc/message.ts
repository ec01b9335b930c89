/**
 * The one message: `google.protobuf.StringValue`, by hand, so that no codec is measured.
 * @module
 */
import { Buffer } from "node:buffer";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The full name of the method. */
export const PATH = "/bench.Strings/Uppercase";

/** Writes a text of fewer than 128 bytes; a `Buffer`, as grpc-js wants it. */
export function serialize(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  const message = Buffer.allocUnsafe(bytes.length + 2);
  message[0] = 10;
  message[1] = bytes.length;
  message.set(bytes, 2);
  return message;
}

/** Reads what {@linkcode serialize} writes. */
export function deserialize(message: Uint8Array): string {
  return decoder.decode(message.subarray(2));
}
