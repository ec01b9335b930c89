/**
 * Finds the JSON objects in a stream of bytes: Go puts nothing between them but white space.
 * @module
 */
import { KitError } from "@kit/endpoint";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Cuts a stream of JSON objects into their texts. */
export class JsonFrames {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  #texts: string[] = [];
  #next = 0;

  constructor(readonly maxBytes: number, readonly maxDepth: number) {}

  /** Whether an object has come in part. */
  get isPending(): boolean {
    return this.#bytes > 0 || this.#next < this.#texts.length;
  }

  /** Gives the next object that is complete. */
  shift(): string | undefined {
    const text = this.#texts[this.#next];
    if (text === undefined) {
      this.#texts = [];
      this.#next = 0;
    } else this.#texts[this.#next++] = "";
    return text;
  }

  /** Adds bytes that have come. */
  push(bytes: Uint8Array): void {
    let start = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (this.#isString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isString = false;
      } else if (byte === QUOTE) this.#isString = true;
      else if (OPEN.has(byte)) this.#open();
      else if (CLOSE.has(byte) && --this.#depth === 0) {
        this.#part(bytes.subarray(start, i + 1));
        this.#finish();
        start = i + 1;
        continue;
      }
      if (this.#depth > 0) continue;
      if (!SPACE.has(byte)) throw invalid("it is no object");
      start = i + 1;
    }
    // The bytes are copied, as they may be a small part of a large buffer.
    if (start < bytes.length) this.#part(new Uint8Array(bytes.subarray(start)));
  }

  #open(): void {
    if (++this.#depth > this.maxDepth) {
      const text = `Cannot decode JSON as it is nested deeper than ${this.maxDepth}`;
      throw new KitError("resource_exhausted", text);
    }
  }

  #part(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.maxBytes) {
      const text = `Cannot decode JSON as a message has over ${this.maxBytes} bytes`;
      throw new KitError("resource_exhausted", text);
    }
    this.#parts.push(bytes);
  }

  #finish(): void {
    const all = this.#parts.length === 1 ? this.#parts[0]! : new Uint8Array(this.#bytes);
    if (this.#parts.length > 1) {
      let at = 0;
      for (const part of this.#parts) {
        all.set(part, at);
        at += part.length;
      }
    }
    this.#parts = [];
    this.#bytes = 0;
    try {
      this.#texts.push(utf8.decode(all));
    } catch (cause) {
      throw invalid("it is not UTF-8", cause);
    }
  }
}

function invalid(why: string, cause?: unknown): KitError {
  return new KitError("invalid_argument", `Cannot decode JSON as ${why}`, { cause });
}
