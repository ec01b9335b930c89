/**
 * Thrift's binary protocol.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md
 * @module
 */
import { ByteReader } from "./_byte_reader.ts";
import { ByteWriter } from "./_byte_writer.ts";
import { Fault } from "./_fault.ts";
import type { MessageHead, Reader, WireType, Writer } from "./protocol.ts";

const VERSION = 0x8001;

/** The fewest bytes that a value takes, by its kind; 0 where there is no such kind. */
const MIN_BYTES: readonly number[] = [0, 0, 1, 1, 8, 0, 2, 0, 4, 0, 8, 4, 1, 6, 5, 5, 16];

function minBytes(type: WireType): number {
  return MIN_BYTES[type] || unknownType();
}

function unknownType(): never {
  throw new Fault("a kind of values in it is not known");
}

/** Reads the binary protocol, strict or not. */
export class BinaryReader extends ByteReader implements Reader {
  messageBegin(): MessageHead {
    const first = this.view.getInt32(this.take(4));
    if (first < 0) {
      if (first >>> 16 !== VERSION) throw new Fault("it does not begin with the binary version");
      return { name: this.string(), type: first & 0xff, seqid: this.i32() };
    }
    // As it was before versions: what came first is the length of the name.
    this.at -= 4;
    return { name: this.string(), type: this.i8(), seqid: this.i32() };
  }

  structBegin(): void {
    this.enter();
  }
  structEnd(): void {
    this.leave();
  }
  fieldBegin(): WireType {
    const type = this.bytes[this.take(1)]!;
    if (type === 0) return 0;
    if (type === 1 || type > 16) unknownType();
    this.fieldId = this.view.getInt16(this.take(2));
    return type;
  }
  listBegin(): number {
    const start = this.take(5);
    const itemType = this.itemType = this.view.getUint8(start);
    const size = this.view.getInt32(start + 1);
    if (size !== 0) this.count(size, minBytes(itemType));
    this.enter();
    return size;
  }
  mapBegin(): number {
    const start = this.take(6);
    const keyType = this.itemType = this.view.getUint8(start);
    const valueType = this.valueType = this.view.getUint8(start + 1);
    const size = this.view.getInt32(start + 2);
    if (size !== 0) this.count(size, minBytes(keyType) + minBytes(valueType));
    this.enter();
    return size;
  }

  bool(): boolean {
    return this.bytes[this.take(1)] !== 0;
  }
  i16(): number {
    return this.view.getInt16(this.take(2));
  }
  i32(): number {
    return this.view.getInt32(this.take(4));
  }
  i64(): bigint {
    return this.view.getBigInt64(this.take(8));
  }
  double(): number {
    return this.view.getFloat64(this.take(8));
  }
  protected override size(): number {
    const size = this.i32();
    if (size < 0) throw new Fault("a length in it is negative");
    return size;
  }
}

/** Writes the binary protocol, strict. */
export class BinaryWriter extends ByteWriter implements Writer {
  messageBegin({ name, type, seqid }: MessageHead): void {
    this.i32(VERSION << 16 | type);
    this.string(name);
    this.i32(seqid);
  }

  structBegin(): void {}
  structEnd(): void {
    this.i8(0);
  }
  fieldBegin(type: WireType, id: number): void {
    const start = this.room(3);
    this.bytes[start] = type;
    this.view.setInt16(start + 1, id);
  }
  listBegin(itemType: WireType, size: number): void {
    const start = this.room(5);
    this.bytes[start] = itemType;
    this.view.setInt32(start + 1, size);
  }
  mapBegin(keyType: WireType, valueType: WireType, size: number): void {
    const start = this.room(6);
    this.bytes[start] = keyType;
    this.bytes[start + 1] = valueType;
    this.view.setInt32(start + 2, size);
  }

  // `room` comes first: it may put another view in place of this one.
  bool(value: boolean): void {
    this.i8(value ? 1 : 0);
  }
  i16(value: number): void {
    const start = this.room(2);
    this.view.setInt16(start, value);
  }
  i32(value: number): void {
    const start = this.room(4);
    this.view.setInt32(start, value);
  }
  i64(value: bigint): void {
    const start = this.room(8);
    this.view.setBigInt64(start, value);
  }
  double(value: number): void {
    const start = this.room(8);
    this.view.setFloat64(start, value);
  }
  protected override size(size: number): void {
    this.i32(size);
  }
}
