/**
 * Reads numbers, texts and bytes of a message.
 * @module
 */
import { fail, tooMuch } from "./_fail.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const float64 = new Float64Array(1);
const float64Bytes = new Uint8Array(float64.buffer);

/** Up to how many bytes a text is put together by hand, which is quicker. */
const SHORT = 24;

/** A cursor over the bytes of one message. */
export class Reader {
  bytes: Uint8Array = new Uint8Array(0);
  pos = 0;
  /** Where the message ends. */
  end = 0;
  /** How deep the value being read lies in others. */
  depth = 0;
  /** How many members the value has so far, the zero ones that did not come included. */
  cells = 0;

  constructor(readonly maxDepth: number, readonly maxCells: number) {}

  /** Goes one level down; whoever calls it makes up for it with `depth--`, unless it throws. */
  enter(): void {
    if (++this.depth > this.maxDepth) tooMuch(`it is nested deeper than ${this.maxDepth}`);
  }

  /** Keeps account of memory, of which a byte on the wire can take many. */
  take(cells: number): void {
    this.cells += cells;
    if (this.cells > this.maxCells) tooMuch(`it has over ${this.maxCells} members`);
  }

  /** Which field is being read, for messages. */
  label = "a value";

  outOfRange(name: string): never {
    fail(`${this.label} is out of the range of ${name}`);
  }

  byte(): number {
    if (this.pos >= this.end) fail("it ends too early");
    return this.bytes[this.pos++]!;
  }

  /** An unsigned integer: the upper part, and the lower 32 bits in {@linkcode Reader.low}. */
  #wide(): number {
    const first = this.byte();
    if (first < 0x80) {
      this.low = first;
      return 0;
    }
    const size = 256 - first;
    if (size > 8) fail("a number has more than 8 bytes");
    if (size > this.end - this.pos) fail("it ends too early");
    const { bytes } = this;
    const end = this.pos + size;
    let high = 0;
    let low = 0;
    for (; this.pos < end - 4; this.pos++) high = high * 256 + bytes[this.pos]!;
    for (; this.pos < end; this.pos++) low = low * 256 + bytes[this.pos]!;
    this.low = low;
    return high;
  }
  low = 0;

  uint(): number {
    if (this.pos < this.end) {
      const first = this.bytes[this.pos]!;
      if (first < 0x80) {
        this.pos++;
        return first;
      }
    }
    const high = this.#wide();
    if (high > 0x1f_ffff) fail(`${this.label} is above 2^53 - 1, which a number cannot be`);
    return high * 0x1_0000_0000 + this.low;
  }

  int(): number {
    if (this.pos < this.end) {
      const first = this.bytes[this.pos]!;
      if (first < 0x80) {
        this.pos++;
        return (first & 1) === 1 ? -(first >>> 1) - 1 : first >>> 1;
      }
    }
    const half = this.#wide() * 0x8000_0000 + (this.low >>> 1);
    const value = (this.low & 1) === 1 ? -half - 1 : half;
    if (!Number.isSafeInteger(value)) {
      fail(`${this.label} is beyond 2^53 - 1, which a number cannot be`);
    }
    return value;
  }

  uint64(): bigint {
    const high = this.#wide();
    return (BigInt(high) << 32n) | BigInt(this.low);
  }

  int64(): bigint {
    const value = this.uint64();
    return (value & 1n) === 1n ? ~(value >> 1n) : value >> 1n;
  }

  /** The bytes of a float come in reverse, without those at its lower end that are zero. */
  float(): number {
    float64[0] = 0;
    const first = this.byte();
    if (first < 0x80) {
      float64Bytes[7] = first;
      return float64[0];
    }
    const size = 256 - first;
    if (size > 8) fail("a number has more than 8 bytes");
    if (size > this.end - this.pos) fail("it ends too early");
    for (let i = 8 - size; i < 8; i++) float64Bytes[i] = this.bytes[this.pos++]!;
    return float64[0];
  }

  /** The length of what follows, which has to be there. */
  length(): number {
    const length = this.uint();
    if (length > this.end - this.pos) fail("a length is beyond the end of its message");
    return length;
  }

  /** Passes over bytes that are known to be there. */
  skip(length: number): void {
    this.pos += length;
  }

  /** A copy of bytes, so that they do not hold the whole message. */
  raw(): Uint8Array {
    const length = this.length();
    return this.bytes.slice(this.pos, this.pos += length);
  }

  text(): string {
    const length = this.length();
    const start = this.pos;
    this.pos += length;
    const { bytes } = this;
    if (length <= SHORT) {
      let text = "";
      let i = start;
      for (; i < this.pos && bytes[i]! < 0x80; i++) text += String.fromCharCode(bytes[i]!);
      if (i === this.pos) return text;
    }
    try {
      return strict.decode(bytes.subarray(start, this.pos));
    } catch {
      return fail("a string is not UTF-8");
    }
  }
}
