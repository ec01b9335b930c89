/** Jute, the encoding of ZooKeeper's wire: big-endian numbers, lengths before what they count. */

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** Writes one frame. */
export class JuteWriter {
  #bytes = new Uint8Array(128);
  #view = new DataView(this.#bytes.buffer);
  #length = 4;

  int(value: number): this {
    const at = this.#grow(4);
    this.#view.setInt32(at, value);
    return this;
  }

  long(value: bigint): this {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value);
    return this;
  }

  bool(value: boolean): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value ? 1 : 0);
    return this;
  }

  buffer(value: Uint8Array): this {
    this.int(value.length);
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  string(value: string): this {
    return this.buffer(utf8.encode(value));
  }

  vector<T>(values: readonly T[], write: (value: T) => void): this {
    this.int(values.length);
    values.forEach(write);
    return this;
  }

  /** Gives the frame, with its length before it. */
  frame(): Uint8Array {
    this.#view.setInt32(0, this.#length - 4);
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }
}

/** Reads one frame. Each method throws a `RangeError` if the frame ends too early. */
export class JuteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  int(): number {
    return this.#view.getInt32(this.skip(4));
  }

  long(): bigint {
    return this.#view.getBigInt64(this.skip(8));
  }

  bool(): boolean {
    return this.#view.getUint8(this.skip(1)) !== 0;
  }

  /** Reads bytes; the length -1, which stands for none at all, gives an empty array. */
  buffer(): Uint8Array {
    const length = this.#count(1);
    const at = this.skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  string(): string {
    return text.decode(this.buffer());
  }

  /** Reads a list of values that take `leastBytes` each, so that no length can ask for more. */
  vector<T>(leastBytes: number, read: () => T): T[] {
    return Array.from({ length: this.#count(leastBytes) }, read);
  }

  /** Passes over bytes and tells where they began. */
  skip(count: number): number {
    const at = this.#at;
    if (count > this.left) throw new RangeError(`${count} bytes are due and ${this.left} are left`);
    this.#at += count;
    return at;
  }

  #count(leastBytes: number): number {
    const count = this.int();
    if (count === -1) return 0;
    if (count < 0 || count * leastBytes > this.left) {
      throw new RangeError(`a length is ${count} and ${this.left} bytes are left`);
    }
    return count;
  }
}

/** Cuts what a socket says into frames. */
export class FrameSplitter {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #due = -1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes bytes in and gives the frames that are complete, without their lengths.
   * @throws {RangeError} If a frame says that it is longer than allowed, or shorter than nothing.
   */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      if (this.#due < 0) {
        if (this.#size < 4) return;
        this.#due = new JuteReader(this.#take(4)).int();
        if (this.#due < 0 || this.#due > this.#maxBytes) {
          throw new RangeError(`a frame of ${this.#due} bytes is announced`);
        }
      }
      if (this.#size < this.#due) return;
      const frame = this.#take(this.#due);
      this.#due = -1;
      yield frame;
    }
  }

  #take(count: number): Uint8Array {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : concat(this.#chunks, this.#size);
    this.#size -= count;
    this.#chunks = this.#size === 0 ? [] : [all.subarray(count)];
    return all.subarray(0, count);
  }
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
