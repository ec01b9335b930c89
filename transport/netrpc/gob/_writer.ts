/**
 * Writes numbers, texts and bytes of messages.
 * @module
 */

const utf8 = new TextEncoder();

const float64 = new Float64Array(1);
const float64Bytes = new Uint8Array(float64.buffer);

const START_BYTES = 512;
/** A buffer that one large message has made is not kept. */
const KEPT_BYTES = 1 << 16;
/** Up to how many characters a text is written by hand, which is quicker. */
const SHORT = 64;

/** A buffer that grows. */
export class Writer {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(START_BYTES);
  length = 0;

  /** Makes room. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Hands over what was written, and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const { bytes, length } = this;
    this.length = 0;
    if (length <= KEPT_BYTES && bytes.length <= KEPT_BYTES) return bytes.slice(0, length);
    this.bytes = new Uint8Array(START_BYTES);
    return bytes.subarray(0, length);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** A whole number from 0 to 2^54, if it is even above 2^53. */
  uint(value: number): void {
    this.reserve(9);
    const { bytes } = this;
    if (value < 0x80) {
      bytes[this.length++] = value;
      return;
    }
    const size = sizeOf(value);
    bytes[this.length++] = 256 - size;
    let rest = value;
    for (let i = this.length + size - 1; i >= this.length; i--) {
      bytes[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.length += size;
  }

  /** A whole number; its lowest bit on the wire says whether the others are complemented. */
  int(value: number): void {
    if (value >= 0) return this.uint(value * 2);
    const half = -value - 1;
    if (half < 0x4000_0000) return this.uint(half * 2 + 1);
    // Twice the number and one may be more than a number can be: the lowest byte goes by itself.
    const rest = Math.floor(half / 128);
    this.reserve(9);
    const start = this.length;
    this.uint(rest);
    this.bytes[start]!--;
    this.bytes[this.length++] = (half % 128) * 2 + 1;
  }

  uint64(value: bigint): void {
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return this.uint(Number(value));
    this.reserve(9);
    const size = sizeOf(Number(value >> 32n)) + 4;
    this.bytes[this.length++] = 256 - size;
    let rest = value;
    for (let i = this.length + size - 1; i >= this.length; i--) {
      this.bytes[i] = Number(rest & 255n);
      rest >>= 8n;
    }
    this.length += size;
  }

  int64(value: bigint): void {
    this.uint64(value < 0n ? (~value << 1n) | 1n : value << 1n);
  }

  float(value: number): void {
    float64[0] = value;
    let zeros = 0;
    while (zeros < 8 && float64Bytes[zeros] === 0) zeros++;
    this.reserve(9);
    if (zeros === 8) {
      this.bytes[this.length++] = 0;
      return;
    }
    if (zeros < 7 || float64Bytes[7]! >= 0x80) this.bytes[this.length++] = 256 - (8 - zeros);
    for (; zeros < 8; zeros++) this.bytes[this.length++] = float64Bytes[zeros]!;
  }

  /** Bytes after their length. */
  raw(bytes: Uint8Array): void {
    this.uint(bytes.length);
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A text as UTF-8 after its length. */
  text(text: string): void {
    if (text.length > SHORT) return this.raw(utf8.encode(text));
    const start = this.length;
    this.reserve(text.length + 1);
    this.bytes[this.length++] = text.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.length = start;
        return this.raw(utf8.encode(text));
      }
      this.bytes[this.length++] = code;
    }
  }

  /** Begins a message. */
  begin(): number {
    this.reserve(1);
    return this.length++;
  }

  /** Ends the message that was begun at `start`, by putting its length before it. */
  finish(start: number): void {
    const size = this.length - start - 1;
    if (size < 0x80) {
      this.bytes[start] = size;
      return;
    }
    const more = sizeOf(size);
    this.reserve(more);
    const { bytes, length } = this;
    bytes.copyWithin(start + 1 + more, start + 1, length);
    this.length = start;
    this.uint(size);
    this.length = length + more;
  }

  /** Moves what was written from `middle` on before what was written from `start` on. */
  rotate(start: number, middle: number): void {
    const first = this.bytes.slice(start, middle);
    this.bytes.copyWithin(start, middle, this.length);
    this.bytes.set(first, this.length - first.length);
  }
}

/** How many bytes a whole number has. */
function sizeOf(value: number): number {
  let size = 1;
  for (let bound = 0x100; value >= bound; bound *= 0x100) size++;
  return size;
}
