/**
 * Finds where messages end in a stream without frames, each byte looked at once however few arrive at
 * a time.
 * @module
 */
import type { ByteReader } from "./_byte_reader.ts";
import { readerOf } from "./_codec.ts";
import { Fault, STARVED } from "./_fault.ts";
import { type Protocol, type Reader, WIRE_TYPES, type WireType } from "./protocol.ts";
import { skipPlain } from "./_skip.ts";

/** Looks for the end of a message. */
export interface Scanner {
  /**
   * Goes on looking.
   * @param bytes What has arrived, up to `end`.
   * @param start Where the message begins.
   * @returns Where the message ends, or -1 if that has not arrived.
   */
  scan(bytes: Uint8Array, start: number, end: number): number;
}

/** Makes a scanner for one message after the other. */
export function scannerOf(protocol: Protocol, maxBytes: number): Scanner {
  return protocol === "json" ? new JsonScanner() : new PiecewiseScanner(protocol, maxBytes);
}

/** Further than any server reads, so that depth is an error of the call and not of the connection. */
const LIMITS = { maxDepth: 1024, maxItems: Infinity };

/** A struct or a container that has begun. */
interface Level {
  readonly wire: WireType;
  /** The kinds of its values, in turns; of a struct, the kind of the field that has begun. */
  readonly kinds: WireType[];
  /** How many values it still has. */
  left: number;
  at: number;
}

/** Reads the pieces of the binary and the compact protocol, and stops between two of them. */
class PiecewiseScanner implements Scanner {
  readonly #levels: Level[] = [];
  #reader: (ByteReader & Reader) | undefined;
  /** How much of the message has been looked at. */
  #done = 0;

  constructor(readonly protocol: Protocol, readonly maxBytes: number) {}

  scan(bytes: Uint8Array, start: number, end: number): number {
    const input = this.#reader ??= readerOf(this.protocol, LIMITS);
    input.attach(bytes, start + this.#done, end, start + this.maxBytes);
    let before = input.at;
    try {
      if (this.#done === 0) {
        input.messageBegin();
        this.#value(input, WIRE_TYPES.struct);
      }
      while (this.#levels.length > 0) {
        before = input.at;
        this.#step(input, this.#levels.at(-1)!);
      }
    } catch (error) {
      if (error !== STARVED) throw error;
      this.#done = before - start;
      return -1;
    }
    this.#done = 0;
    this.#reader = undefined;
    return input.at;
  }

  #step(input: Reader, level: Level): void {
    if (level.left > 0) {
      this.#value(input, level.kinds[level.at % level.kinds.length]!);
      level.left--;
      level.at++;
    } else if (level.wire === WIRE_TYPES.struct) {
      const kind = input.fieldBegin();
      if (kind === 0) {
        input.structEnd();
        this.#levels.pop();
      } else {
        level.kinds[0] = kind;
        level.left = 1;
      }
    } else {
      if (level.wire === WIRE_TYPES.map) input.mapEnd();
      else input.listEnd();
      this.#levels.pop();
    }
  }

  /** Passes over a plain value, or begins another. Nothing changes if its bytes are missing. */
  #value(input: Reader, wire: WireType): void {
    switch (wire) {
      case WIRE_TYPES.struct:
        input.structBegin();
        this.#levels.push({ wire, kinds: [0], left: 0, at: 0 });
        break;
      case WIRE_TYPES.list:
      case WIRE_TYPES.set: {
        const left = input.listBegin();
        this.#levels.push({ wire, kinds: [input.itemType], left, at: 0 });
        break;
      }
      case WIRE_TYPES.map: {
        const pairs = input.mapBegin();
        const kinds = [input.itemType, input.valueType];
        this.#levels.push({ wire, kinds, left: 2 * pairs, at: 0 });
        break;
      }
      default:
        skipPlain(input, wire);
    }
  }
}

/** Counts brackets: a message of the JSON protocol is an array. */
class JsonScanner implements Scanner {
  #done = 0;
  #depth = 0;
  #isText = false;
  #isEscaped = false;

  scan(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start + this.#done; at < end; at++) {
      if (!this.#ends(bytes[at]!)) continue;
      this.#done = 0;
      return at + 1;
    }
    this.#done = end - start;
    return -1;
  }

  /** Looks at the next byte, and tells whether it is the last. */
  #ends(byte: number): boolean {
    if (this.#isText) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === 0x5c) this.#isEscaped = true;
      else if (byte === 0x22) this.#isText = false;
      return false;
    }
    if (byte === 0x5b || byte === 0x7b) this.#depth++;
    else if (this.#depth === 0) {
      if (byte > 0x20) throw new Fault("it does not begin as JSON does");
    } else if (byte === 0x22) this.#isText = true;
    else if (byte === 0x5d || byte === 0x7d) return --this.#depth === 0;
    return false;
  }
}
