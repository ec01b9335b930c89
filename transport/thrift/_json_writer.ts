/**
 * Writes Thrift's JSON protocol.
 * @module
 */
import { NAME_OF, Places, VERSION } from "./_json_places.ts";
import type { MessageHead, WireType, Writer } from "./protocol.ts";

const encoder = new TextEncoder();

/** Writes the JSON protocol. */
export class JsonWriter implements Writer {
  #text = "";
  readonly #places = new Places();

  finish(): Uint8Array {
    const bytes = encoder.encode(this.#text);
    this.clear();
    return bytes;
  }
  clear(): void {
    this.#text = "";
    this.#places.clear();
  }

  messageBegin({ name, type, seqid }: MessageHead): void {
    this.#open("[");
    this.i32(VERSION);
    this.string(name);
    this.i32(type);
    this.i32(seqid);
  }
  messageEnd(): void {
    this.#close("]");
  }
  structBegin(): void {
    this.#open("{");
  }
  structEnd(): void {
    this.#close("}");
  }
  fieldBegin(type: WireType, id: number): void {
    this.i16(id);
    this.#open("{");
    this.string(NAME_OF.get(type)!);
  }
  fieldEnd(): void {
    this.#close("}");
  }
  listBegin(itemType: WireType, size: number): void {
    this.#open("[");
    this.string(NAME_OF.get(itemType)!);
    this.i32(size);
  }
  listEnd(): void {
    this.#close("]");
  }
  mapBegin(keyType: WireType, valueType: WireType, size: number): void {
    this.#open("[");
    this.string(NAME_OF.get(keyType)!);
    this.string(NAME_OF.get(valueType)!);
    this.i32(size);
    this.#open("{");
  }
  mapEnd(): void {
    this.#close("}");
    this.#close("]");
  }
  bool(value: boolean): void {
    this.#number(value ? "1" : "0");
  }
  i8(value: number): void {
    this.#number(String(value));
  }
  i16(value: number): void {
    this.#number(String(value));
  }
  i32(value: number): void {
    this.#number(String(value));
  }
  i64(value: bigint): void {
    this.#number(String(value));
  }
  double(value: number): void {
    if (Number.isFinite(value)) this.#number(Object.is(value, -0) ? "-0" : String(value));
    else this.string(String(value));
  }
  string(value: string): void {
    this.#text += this.#places.next() + JSON.stringify(value);
  }
  binary(value: Uint8Array): void {
    this.#text += `${this.#places.next()}"${value.toBase64()}"`;
  }
  uuid(value: string): void {
    this.string(value.toLowerCase());
  }

  #number(text: string): void {
    const isKey = this.#places.isKey;
    this.#text += this.#places.next() + (isKey ? `"${text}"` : text);
  }

  #open(bracket: "[" | "{"): void {
    this.#text += this.#places.next() + bracket;
    if (bracket === "[") this.#places.beginArray();
    else this.#places.beginObject();
  }

  #close(bracket: "]" | "}"): void {
    this.#text += bracket;
    this.#places.end();
  }
}
