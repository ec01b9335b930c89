/**
 * Reads Thrift's JSON protocol, as TJSONProtocol of the Apache libraries has it.
 * @module
 */
import { ByteReader } from "./_byte_reader.ts";
import { Fault } from "./_fault.ts";
import { Places, TYPE_OF, VERSION } from "./_json_places.ts";
import { utf8 } from "./_text.ts";
import type { MessageHead, Reader, WireType } from "./protocol.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The longest number that is read: a double has at most 25 characters. */
const MAX_DIGITS = 64;

/** Reads the JSON protocol. */
export class JsonReader extends ByteReader implements Reader {
  readonly #places = new Places();

  messageBegin(): MessageHead {
    this.#open("[");
    if (this.i32() !== VERSION) throw new Fault("it does not begin with the JSON version");
    return { name: this.string(), type: this.i32(), seqid: this.i32() };
  }
  override messageEnd(): void {
    this.#close("]");
    this.#space();
  }

  structBegin(): void {
    this.#open("{");
    this.enter();
  }
  structEnd(): void {
    this.#close("}");
    this.leave();
  }
  fieldBegin(): WireType {
    this.#space();
    if (this.#peek() === 0x7d) return 0;
    this.fieldId = this.i16();
    this.#open("{");
    return this.#type();
  }
  override fieldEnd(): void {
    this.#close("}");
  }
  listBegin(): number {
    this.#open("[");
    this.itemType = this.#type();
    return this.#items(1);
  }
  override listEnd(): void {
    this.#close("]");
    this.leave();
  }
  mapBegin(): number {
    this.#open("[");
    this.itemType = this.#type();
    this.valueType = this.#type();
    const size = this.#items(2);
    this.#open("{");
    return size;
  }
  override mapEnd(): void {
    this.#close("}");
    this.#close("]");
    this.leave();
  }

  bool(): boolean {
    return this.#integer(1) !== 0;
  }
  override i8(): number {
    return this.#integer(8);
  }
  i16(): number {
    return this.#integer(16);
  }
  i32(): number {
    return this.#integer(32);
  }
  i64(): bigint {
    const value = BigInt(this.#digits());
    if (BigInt.asIntN(64, value) !== value) throw tooLarge(64);
    return value;
  }
  double(): number {
    this.#next();
    const text = this.#peek() === QUOTE ? this.#text() : this.#number();
    const value = Number(text);
    if (text.trim() === "" || Number.isNaN(value) && text !== "NaN") throw notNumber();
    return value;
  }
  protected override size(): number {
    throw new Fault("a text in it has no length");
  }
  override string(): string {
    this.#next();
    return this.#text();
  }
  override binary(): Uint8Array {
    const text = this.string().replace(/=+$/, "");
    try {
      return Uint8Array.fromBase64(text);
    } catch {
      throw new Fault("bytes in it are not base64");
    }
  }
  override uuid(): string {
    const text = this.string().toLowerCase();
    if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(text)) {
      throw new Fault("a UUID in it is none");
    }
    return text;
  }
  override skipString(): void {
    this.string();
  }

  #peek(): number {
    const start = this.take(1);
    this.at = start;
    return this.bytes[start]!;
  }

  #space(): void {
    while (!this.isAtEnd) {
      const byte = this.#peek();
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return;
      this.at++;
    }
  }

  #expect(character: string): void {
    this.#space();
    if (this.bytes[this.take(1)] !== character.charCodeAt(0)) {
      throw new Fault(`it lacks a ${character} at position ${this.at - 1}`);
    }
  }

  #next(): void {
    const before = this.#places.next();
    if (before !== "") this.#expect(before);
    this.#space();
  }

  #open(bracket: "[" | "{"): void {
    this.#next();
    this.#expect(bracket);
    if (bracket === "[") this.#places.beginArray();
    else this.#places.beginObject();
  }

  #close(bracket: "]" | "}"): void {
    this.#expect(bracket);
    this.#places.end();
  }

  #type(): WireType {
    const type = TYPE_OF.get(this.string());
    if (type === undefined) throw new Fault("a kind of values in it is not known");
    return type;
  }

  #items(valuesEach: number): number {
    const size = this.i32();
    this.count(size, 2 * valuesEach);
    this.enter();
    return size;
  }

  #integer(bits: number): number {
    const value = Number(this.#digits());
    const limit = 2 ** (bits - 1);
    if (bits > 1 && (value < -limit || value >= limit)) throw tooLarge(bits);
    return value | 0;
  }

  #digits(): string {
    const isKey = this.#places.isKey;
    this.#next();
    const text = isKey || this.#peek() === QUOTE ? this.#text() : this.#number();
    if (!/^-?\d{1,20}$/.test(text)) throw notNumber();
    return text;
  }

  #number(): string {
    let text = "";
    while (!this.isAtEnd && text.length <= MAX_DIGITS) {
      const character = String.fromCharCode(this.#peek());
      if (!/[-+.\deE]/.test(character)) return text;
      text += character;
      this.at++;
    }
    throw notNumber();
  }

  #text(): string {
    this.#expect(`"`);
    const start = this.at;
    let isEscaped = false;
    for (;;) {
      const byte = this.bytes[this.take(1)]!;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        isEscaped = true;
        this.take(1);
      }
    }
    const text = utf8(this.bytes, start, this.at - 1 - start);
    return isEscaped ? unescaped(text) : text;
  }
}

function unescaped(text: string): string {
  let value: string | undefined;
  try {
    value = JSON.parse(`"${text}"`) as string;
  } catch {
    // Said below.
  }
  if (value?.isWellFormed()) return value;
  throw new Fault("a text in it is not JSON");
}

function notNumber(): Fault {
  return new Fault("a number in it is none");
}

function tooLarge(bits: number): Fault {
  return new Fault(`an integer in it has more than ${bits} bits`);
}
