/**
 * The message google.protobuf.Struct: JSON objects as protobuf.
 * @module
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper than this nothing is read or written. */
const MAX_DEPTH = 32;

/** Makes the bytes of an object. */
export function encodeStruct(object: JsonObject, depth = 0): Uint8Array {
  if (depth > MAX_DEPTH) throw new RangeError(`Cannot encode object deeper than ${MAX_DEPTH}`);
  const writer = new BinaryWriter();
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) continue;
    writer.tag(1, WireType.LengthDelimited).fork()
      .tag(1, WireType.LengthDelimited).string(key)
      .tag(2, WireType.LengthDelimited).bytes(encodeValue(value, depth + 1))
      .join();
  }
  return writer.finish();
}

function encodeValue(value: unknown, depth: number): Uint8Array {
  const writer = new BinaryWriter();
  if (typeof value === "number") writer.tag(2, WireType.Bit64).double(value);
  else if (typeof value === "string") writer.tag(3, WireType.LengthDelimited).string(value);
  else if (typeof value === "boolean") writer.tag(4, WireType.Varint).bool(value);
  else if (Array.isArray(value)) {
    if (depth > MAX_DEPTH) throw new RangeError(`Cannot encode list deeper than ${MAX_DEPTH}`);
    writer.tag(6, WireType.LengthDelimited).fork();
    for (const item of value) {
      writer.tag(1, WireType.LengthDelimited).bytes(encodeValue(item, depth + 1));
    }
    writer.join();
  } else if (typeof value === "object" && value !== null) {
    writer.tag(5, WireType.LengthDelimited).bytes(encodeStruct(value as JsonObject, depth));
  } else writer.tag(1, WireType.Varint).int32(0);
  return writer.finish();
}

/** Reads an object; throws if the bytes are none. */
export function decodeStruct(bytes: Uint8Array, depth = 0): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new RangeError(`Cannot decode object deeper than ${MAX_DEPTH}`);
  const entries: [string, unknown][] = [];
  each(bytes, (field, reader) => {
    if (field !== 1) return false;
    let key = "";
    let value: unknown = null;
    each(reader.bytes(), (field, reader) => {
      if (field === 1) key = reader.string();
      else if (field === 2) value = decodeValue(reader.bytes(), depth + 1);
      else return false;
      return true;
    });
    entries.push([key, value]);
    return true;
  });
  return Object.fromEntries(entries);
}

function decodeValue(bytes: Uint8Array, depth: number): unknown {
  let value: unknown = null;
  each(bytes, (field, reader) => {
    if (field === 1) reader.int32();
    else if (field === 2) value = reader.double();
    else if (field === 3) value = reader.string();
    else if (field === 4) value = reader.bool();
    else if (field === 5) value = decodeStruct(reader.bytes(), depth);
    else if (field === 6) value = decodeList(reader.bytes(), depth);
    else return false;
    return true;
  });
  return value;
}

function decodeList(bytes: Uint8Array, depth: number): unknown[] {
  if (depth > MAX_DEPTH) throw new RangeError(`Cannot decode list deeper than ${MAX_DEPTH}`);
  const list: unknown[] = [];
  each(bytes, (field, reader) => {
    if (field !== 1) return false;
    list.push(decodeValue(reader.bytes(), depth + 1));
    return true;
  });
  return list;
}

function each(bytes: Uint8Array, take: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (!take(field, reader)) reader.skip(type, field);
  }
}
