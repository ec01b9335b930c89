/**
 * Bytes to write to, that grow.
 * @module
 */

const encoder = new TextEncoder();

/** Up to which length a loop is faster than a call of the platform's encoder. */
const SHORT = 24;

/** How much is kept for the next message. */
const KEPT_BYTES = 65_536;

/** What the binary and the compact writer share. */
export abstract class ByteWriter {
  protected bytes: Uint8Array<ArrayBuffer> = new Uint8Array(512);
  protected view: DataView = new DataView(this.bytes.buffer);
  #size = 0;

  /** Makes room for some bytes, and tells where they go. */
  protected room(size: number): number {
    const start = this.#size;
    const end = start + size;
    if (end > this.bytes.length) this.#grow(end);
    this.#size = end;
    return start;
  }

  #grow(end: number): void {
    const larger = new Uint8Array(2 * end);
    larger.set(this.bytes.subarray(0, this.#size));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  /** Gives what was written, and begins anew. */
  finish(): Uint8Array {
    const written = this.bytes.slice(0, this.#size);
    this.clear();
    return written;
  }

  /** Forgets what was written. */
  clear(): void {
    this.#size = 0;
    if (this.bytes.length > KEPT_BYTES) {
      this.bytes = new Uint8Array(512);
      this.view = new DataView(this.bytes.buffer);
    }
  }

  messageEnd(): void {}
  fieldEnd(): void {}
  listEnd(): void {}
  mapEnd(): void {}

  i8(value: number): void {
    const start = this.room(1);
    this.view.setInt8(start, value);
  }

  /** Writes how long a text or a piece of bytes is. */
  protected abstract size(size: number): void;

  string(value: string): void {
    const length = value.length;
    if (length <= SHORT && isAscii(value)) {
      this.size(length);
      const start = this.room(length);
      for (let i = 0; i < length; i++) this.bytes[start + i] = value.charCodeAt(i);
    } else {
      this.binary(encoder.encode(value));
    }
  }

  binary(value: Uint8Array): void {
    this.size(value.length);
    // `room` may put other bytes in place of these.
    const start = this.room(value.length);
    this.bytes.set(value, start);
  }

  uuid(value: string): void {
    const hex = value.replaceAll("-", "");
    const start = this.room(16);
    for (let i = 0; i < 16; i++) {
      this.bytes[start + i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
    }
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return false;
  }
  return true;
}
