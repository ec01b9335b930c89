/**
 * The readers and writers of the protocols.
 * @module
 */
import { BinaryReader, BinaryWriter } from "./_binary.ts";
import type { ByteReader } from "./_byte_reader.ts";
import { CompactReader, CompactWriter } from "./_compact.ts";
import { JsonReader } from "./_json_reader.ts";
import { JsonWriter } from "./_json_writer.ts";
import type { Limits } from "./_limits.ts";
import type { MessageHead, Protocol, Reader, Writer } from "./protocol.ts";

const READERS = { binary: BinaryReader, compact: CompactReader, json: JsonReader };
const WRITERS = { binary: BinaryWriter, compact: CompactWriter, json: JsonWriter };

/** A writer that can be used again. */
interface ReusableWriter extends Writer {
  finish(): Uint8Array;
  clear(): void;
}

/** Writers that nobody uses at the moment: to make one takes longer than a small message. */
const idle: { [P in Protocol]?: ReusableWriter | undefined } = {};

/** Makes a reader. */
export function readerOf(protocol: Protocol, limits: Limits): ByteReader & Reader {
  return new READERS[protocol](limits);
}

/** Writes a message whose body is a value. */
export function encodeMessage<T>(
  protocol: Protocol,
  head: MessageHead,
  body: { write(output: Writer, value: T): void },
  value: T,
): Uint8Array {
  const output = idle[protocol] ?? new WRITERS[protocol]();
  idle[protocol] = undefined;
  try {
    output.messageBegin(head);
    body.write(output, value);
    output.messageEnd();
    return output.finish();
  } finally {
    output.clear();
    idle[protocol] = output;
  }
}
