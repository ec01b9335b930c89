/**
 * Thrift's compact protocol.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 * @module
 */
import { ByteReader } from "./_byte_reader.ts";
import { ByteWriter } from "./_byte_writer.ts";
import { Fault } from "./_fault.ts";
import {
  type MessageHead,
  type Reader,
  WIRE_TYPES,
  type WireType,
  type Writer,
} from "./protocol.ts";

const PROTOCOL_ID = 0x82;
const VERSION = 1;

/** Doubles are, unlike those of the binary protocol. */
const IS_LITTLE_ENDIAN = true;

/** The kinds of the wire by the compact protocol's own numbers: 1 is true, 2 is false. */
const WIRE: readonly WireType[] = [0, 2, 2, 3, 6, 8, 10, 4, 11, 15, 14, 13, 12, 16];

/** The compact protocol's numbers by the kinds of the wire. */
const COMPACT: readonly number[] = byWireType();

function byWireType(): number[] {
  const numbers: number[] = [];
  WIRE.forEach((type, number) => numbers[type] ??= number);
  return numbers;
}

function wireType(number: number): WireType {
  const type = WIRE[number];
  if (!type) throw new Fault("a kind of values in it is not known");
  return type;
}

/** The fewest bytes that a value takes, by its kind. */
function minBytes(type: WireType): number {
  return type === WIRE_TYPES.double ? 8 : type === WIRE_TYPES.uuid ? 16 : 1;
}

/** Reads the compact protocol. */
export class CompactReader extends ByteReader implements Reader {
  /** The number of the last field of each struct that is being read. */
  readonly #last: number[] = [];
  /** The value of a boolean field, which its header tells. */
  #bool: boolean | undefined;

  messageBegin(): MessageHead {
    const start = this.take(2);
    const second = this.bytes[start + 1]!;
    if (this.bytes[start] !== PROTOCOL_ID || (second & 0x1f) !== VERSION) {
      throw new Fault("it does not begin with the compact version");
    }
    const seqid = this.#varint() | 0;
    return { name: this.string(), type: second >> 5, seqid };
  }

  structBegin(): void {
    this.enter();
    this.#last.push(0);
  }
  structEnd(): void {
    this.leave();
    this.#last.pop();
  }
  fieldBegin(): WireType {
    const header = this.bytes[this.take(1)]!;
    if (header === 0) return 0;
    const number = header & 0x0f;
    const type = wireType(number);
    const delta = header >> 4;
    const top = this.#last.length - 1;
    const id = delta === 0 ? this.i16() : this.#last[top]! + delta;
    if (id > 32_767) throw new Fault("the number of a field in it is beyond 32767");
    this.fieldId = this.#last[top] = id;
    this.#bool = type === WIRE_TYPES.bool ? number === 1 : undefined;
    return type;
  }
  listBegin(): number {
    const header = this.bytes[this.take(1)]!;
    const short = header >> 4;
    const size = short === 15 ? this.#varint() : short;
    const itemType = this.itemType = size === 0 ? 0 : wireType(header & 0x0f);
    this.count(size, minBytes(itemType));
    this.enter();
    return size;
  }
  mapBegin(): number {
    const size = this.#varint();
    if (size !== 0) {
      const types = this.bytes[this.take(1)]!;
      const keyType = this.itemType = wireType(types >> 4);
      const valueType = this.valueType = wireType(types & 0x0f);
      this.count(size, minBytes(keyType) + minBytes(valueType));
    }
    this.enter();
    return size;
  }

  bool(): boolean {
    const told = this.#bool;
    if (told === undefined) return this.bytes[this.take(1)] === 1;
    this.#bool = undefined;
    return told;
  }
  i16(): number {
    const value = this.i32();
    if (value << 16 >> 16 !== value) throw new Fault("an integer in it has more than 16 bits");
    return value;
  }
  i32(): number {
    const value = this.#varint();
    return (value >>> 1) ^ -(value & 1);
  }
  i64(): bigint {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.take(1)]!;
      const part = byte & 0x7f;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= part << 28;
        high = part >> 4;
      } else high |= part << (shift - 32);
      if (byte < 0x80) {
        if (shift === 63 && part > 1) break;
        // The zigzag is undone in halves, as shifts of a bigint are dear.
        const sign = -(low & 1);
        const lower = (low >>> 1 | high << 31) ^ sign;
        return BigInt((high >>> 1) ^ sign) << 32n | BigInt(lower >>> 0);
      }
    }
    throw new Fault("an integer in it has more than 64 bits");
  }
  double(): number {
    return this.view.getFloat64(this.take(8), IS_LITTLE_ENDIAN);
  }
  protected override size(): number {
    return this.#varint();
  }

  /** An integer of 32 bits without a sign. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.take(1)]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift === 28 && byte > 15) break;
        return value >>> 0;
      }
    }
    throw new Fault("an integer in it has more than 32 bits");
  }
}

/** Writes the compact protocol. */
export class CompactWriter extends ByteWriter implements Writer {
  /** The number of the last field of each struct that is being written. */
  readonly #last: number[] = [];
  /** The number of a boolean field whose header waits for the value. */
  #boolField: number | undefined;

  messageBegin({ name, type, seqid }: MessageHead): void {
    this.i8(PROTOCOL_ID);
    this.i8(VERSION | type << 5);
    this.#varint(seqid >>> 0);
    this.string(name);
  }

  structBegin(): void {
    this.#last.push(0);
  }
  structEnd(): void {
    this.#last.pop();
    this.i8(0);
  }
  fieldBegin(type: WireType, id: number): void {
    if (type === WIRE_TYPES.bool) this.#boolField = id;
    else this.#field(COMPACT[type]!, id);
  }
  listBegin(itemType: WireType, size: number): void {
    const type = COMPACT[itemType]!;
    if (size < 15) this.i8(size << 4 | type);
    else {
      this.i8(0xf0 | type);
      this.#varint(size);
    }
  }
  mapBegin(keyType: WireType, valueType: WireType, size: number): void {
    this.#varint(size);
    if (size !== 0) this.i8(COMPACT[keyType]! << 4 | COMPACT[valueType]!);
  }

  bool(value: boolean): void {
    const number = value ? 1 : 2;
    if (this.#boolField === undefined) return this.i8(number);
    this.#field(number, this.#boolField);
    this.#boolField = undefined;
  }
  i16(value: number): void {
    this.i32(value);
  }
  i32(value: number): void {
    this.#varint((value << 1 ^ value >> 31) >>> 0);
  }
  i64(value: bigint): void {
    let rest = BigInt.asUintN(64, value << 1n ^ value >> 63n);
    while (rest > 0xffff_ffffn) {
      this.i8(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#varint(Number(rest));
  }
  double(value: number): void {
    const start = this.room(8);
    this.view.setFloat64(start, value, IS_LITTLE_ENDIAN);
  }
  protected override size(size: number): void {
    this.#varint(size);
  }

  override clear(): void {
    super.clear();
    // What was being written may have broken off.
    this.#last.length = 0;
    this.#boolField = undefined;
  }

  #field(number: number, id: number): void {
    const top = this.#last.length - 1;
    const delta = id - this.#last[top]!;
    this.#last[top] = id;
    if (delta > 0 && delta <= 15) this.i8(delta << 4 | number);
    else {
      this.i8(number);
      this.i16(id);
    }
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.i8(rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    this.i8(rest);
  }
}
