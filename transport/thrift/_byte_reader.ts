/**
 * Bytes to read from, whose lengths are checked before anything is taken.
 * @module
 */
import { Fault, STARVED } from "./_fault.ts";
import type { Limits } from "./_limits.ts";
import { utf8 } from "./_text.ts";

/** What the binary and the compact reader share. */
export abstract class ByteReader {
  fieldId = 0;
  itemType = 0;
  valueType = 0;
  /** Where the next byte is. */
  at = 0;
  protected bytes!: Uint8Array;
  protected view!: DataView;
  /** Up to where there are bytes. */
  #end = 0;
  /** Up to where the message may go: further than `#end` while it is still arriving. */
  #limit = 0;
  #isPart = false;
  #depth = 0;
  #items = 0;
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Gives it the bytes of a message, or, with a limit, of what there is of one so far. */
  attach(bytes: Uint8Array, at = 0, end: number = bytes.length, limit?: number): this {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.at = at;
    this.#end = end;
    this.#limit = limit ?? end;
    this.#isPart = limit !== undefined;
    return this;
  }

  /** Whether nothing is left. */
  get isAtEnd(): boolean {
    return this.at === this.#end;
  }

  /** Takes some bytes, and tells where they begin. */
  protected take(size: number): number {
    const start = this.at;
    if (size > this.#end - start) {
      if (size > this.#limit - start) throw this.#beyond("it ends before something in it does");
      throw STARVED;
    }
    this.at = start + size;
    return start;
  }

  /** Checks a count of items, each of which takes some bytes at least. */
  protected count(items: number, minBytes: number): void {
    if (items < 0 || items * minBytes > this.#limit - this.at) {
      const rule = `a container in it cannot have ${items} items`;
      throw items < 0 ? new Fault(rule) : this.#beyond(rule);
    }
    if ((this.#items += items) > this.#limits.maxItems) {
      const { maxItems } = this.#limits;
      throw new Fault(`its containers have more than ${maxItems} items`, "resource_exhausted");
    }
  }

  /** What goes beyond a message that is here makes no sense; one that is arriving is too large. */
  #beyond(rule: string): Fault {
    return this.#isPart
      ? new Fault("it promises more bytes than it may have", "resource_exhausted")
      : new Fault(rule);
  }

  protected enter(): void {
    if (++this.#depth > this.#limits.maxDepth) {
      const { maxDepth } = this.#limits;
      throw new Fault(`it is nested more than ${maxDepth} deep`, "resource_exhausted");
    }
  }

  protected leave(): void {
    this.#depth--;
  }

  messageEnd(): void {}
  fieldEnd(): void {}
  listEnd(): void {
    this.#depth--;
  }
  mapEnd(): void {
    this.#depth--;
  }

  i8(): number {
    return this.view.getInt8(this.take(1));
  }

  /** Reads how long a text or a piece of bytes is. */
  protected abstract size(): number;

  string(): string {
    const size = this.size();
    return utf8(this.bytes, this.take(size), size);
  }

  /** A copy: a view would keep all of the message alive, and show what comes into its place. */
  binary(): Uint8Array {
    const size = this.size();
    const start = this.take(size);
    return this.bytes.slice(start, start + size);
  }

  skipString(): void {
    this.take(this.size());
  }

  uuid(): string {
    const start = this.take(16);
    let hex = "";
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) hex += "-";
      hex += this.bytes[start + i]!.toString(16).padStart(2, "0");
    }
    return hex;
  }
}
