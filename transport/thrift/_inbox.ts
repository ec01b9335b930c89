/**
 * Bytes that have arrived on a connection, and the messages in them.
 * @module
 */
import { Fault } from "./_fault.ts";
import { type Scanner, scannerOf } from "./_scan.ts";
import type { Protocol } from "./protocol.ts";

/** How messages are told apart. */
export interface Framing {
  readonly protocol: Protocol;
  readonly framed: boolean;
  readonly maxBytes: number;
}

/** How much room there is at first, and when nothing is there. */
const MIN_BYTES = 4096;

/** How many bytes a frame begins with. */
const HEADER_BYTES = 4;

/** Holds what has arrived until it is a message. It grows as bytes arrive, not as they are promised. */
export class Inbox {
  #bytes = new Uint8Array(MIN_BYTES);
  #start = 0;
  #end = 0;
  readonly #framing: Framing;
  readonly #scanner: Scanner | undefined;

  constructor(framing: Framing) {
    this.#framing = framing;
    this.#scanner = framing.framed ? undefined : scannerOf(framing.protocol, framing.maxBytes);
  }

  /** Whether nothing is there, not even the beginning of a message. */
  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  /** Gives room for what arrives next. It is to be read into before anything else is done here. */
  room(): Uint8Array {
    const size = this.#end - this.#start;
    if (size === 0) {
      this.#start = this.#end = 0;
      // Room that a large message has needed is given back.
      if (this.#bytes.length > 16 * MIN_BYTES) this.#bytes = new Uint8Array(MIN_BYTES);
    } else if (this.#end === this.#bytes.length) {
      const isHalfFree = this.#start > this.#bytes.length / 2;
      const bytes = isHalfFree ? this.#bytes : new Uint8Array(2 * this.#bytes.length);
      bytes.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = bytes;
      this.#start = 0;
      this.#end = size;
    }
    return this.#bytes.subarray(this.#end);
  }

  /** Tells that some bytes have been read into the room. */
  arrived(size: number): void {
    this.#end += size;
  }

  /** Takes the next message, if all of it is there. */
  next(): Uint8Array | undefined {
    if (this.isEmpty) return undefined;
    return this.#scanner === undefined ? this.#nextFrame() : this.#nextScanned(this.#scanner);
  }

  #nextFrame(): Uint8Array | undefined {
    const available = this.#end - this.#start - HEADER_BYTES;
    if (available < 0) return undefined;
    const { buffer } = this.#bytes;
    const size = new DataView(buffer).getInt32(this.#start);
    if (size < 0) throw new Fault("it has no frame");
    if (size > this.#framing.maxBytes) throw tooLarge(this.#framing);
    if (available < size) return undefined;
    return this.#take(this.#start + HEADER_BYTES, this.#start + HEADER_BYTES + size);
  }

  #nextScanned(scanner: Scanner): Uint8Array | undefined {
    const end = scanner.scan(this.#bytes, this.#start, this.#end);
    const size = (end < 0 ? this.#end : end) - this.#start;
    if (size > this.#framing.maxBytes) throw tooLarge(this.#framing);
    return end < 0 ? undefined : this.#take(this.#start, end);
  }

  /** A copy, as the room is used again. */
  #take(from: number, to: number): Uint8Array {
    this.#start = to;
    return this.#bytes.slice(from, to);
  }
}

function tooLarge({ maxBytes }: Framing): Fault {
  return new Fault(`it has more than ${maxBytes} bytes`, "resource_exhausted");
}

/** Puts a message into a frame, if it needs one. */
export function enframe(message: Uint8Array, framed: boolean): Uint8Array {
  if (!framed) return message;
  const bytes = new Uint8Array(HEADER_BYTES + message.length);
  new DataView(bytes.buffer).setInt32(0, message.length);
  bytes.set(message, HEADER_BYTES);
  return bytes;
}
