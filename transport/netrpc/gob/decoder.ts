/**
 * Reads a stream of gobs.
 * @module
 */
import { type KitError, toKitError } from "@kit/endpoint";
import { checkPositiveInteger } from "@kit/endpoint/check";
import { type Decode, makeDecoder, readTop, type Source } from "./_decode.ts";
import { definitionOf, Definitions, WIRE_TYPE_ID, wireType } from "./_definition.ts";
import { dynamicDecoder, readDynamic } from "./_dynamic.ts";
import { fail, tooMuch } from "./_fail.ts";
import { baseOf, type Node, nodeOf } from "./_node.ts";
import { Reader } from "./_reader.ts";
import type { GobType, Infer } from "./type.ts";

/** Options for {@linkcode Decoder} and {@linkcode decode}. */
export interface DecoderOptions {
  /**
   * The most bytes that a value may have, and the most members, counting those that were left out.
   * @default {4194304}
   */
  readonly maxBytes?: number;
  /**
   * How deep values may lie in each other.
   * @default {500}
   */
  readonly maxDepth?: number;
  /**
   * How many types a stream may define; its definitions may have 1 MiB together.
   * @default {1000}
   */
  readonly maxTypes?: number;
}

/** Thrown where a value goes on in a message that has not come yet. */
const MORE: unique symbol = Symbol("more");

const EMPTY = new Uint8Array(0);

/** How often the bytes of a value may be gone through, one that comes in several messages. */
const MAX_ATTEMPTS = 16;

/**
 * Reads a stream of gobs, as an {@linkcode Encoder} or Go writes it.
 *
 * Lengths are believed only as far as bytes have come. A value that is not of the type that is asked
 * for is passed over, and the stream goes on. What is wrong with the stream itself ends it.
 */
export class Decoder {
  readonly #maxBytes: number;
  readonly #definitions: Definitions;
  readonly #reader: Reader;
  readonly #links = new Map<Node, Map<number, Decode>>();
  readonly #kept = new Map<number, Decode>();
  readonly #skipped = new Map<number, Decode>();
  readonly #source: Source = {
    definition: (id) => this.#definitions.get(id),
    decoder: (node, id) => this.#decoder(node, id),
    dynamic: (id, { keep }) => this.#dynamic(id, keep),
    typeSequence: (reader) => this.#typeSequence(reader),
  };
  /** What has come: from `#start` to `#limit`. */
  #bytes: Uint8Array = EMPTY;
  #isOwn = true;
  #start = 0;
  #limit = 0;
  /** How many bytes have been gone through for the value that is being read. */
  #work = 0;
  #isDefining = false;
  #error: KitError | undefined;

  /**
   * Makes a decoder for one stream.
   * @param options Limits.
   * @throws {RangeError} If a limit is not a positive integer.
   */
  constructor(options: DecoderOptions = {}) {
    const { maxBytes = 4_194_304, maxDepth = 500, maxTypes = 1000 } = options;
    checkPositiveInteger("maxBytes", maxBytes);
    checkPositiveInteger("maxDepth", maxDepth);
    checkPositiveInteger("maxTypes", maxTypes);
    this.#maxBytes = maxBytes;
    this.#definitions = new Definitions(maxTypes);
    this.#reader = new Reader(maxDepth, maxBytes);
  }

  /** What has ended the stream, if anything has. */
  get error(): KitError | undefined {
    return this.#error;
  }

  /** Whether a value has come in part, so that a stream that ends here has been cut off. */
  get isPending(): boolean {
    return this.#start < this.#limit || this.#isDefining;
  }

  /**
   * Adds bytes that have come. Decode what can be decoded before adding more.
   * @param bytes The bytes, which must not change until they are decoded.
   */
  push(bytes: Uint8Array): void {
    if (this.#error !== undefined) return;
    const left = this.#limit - this.#start;
    if (left === 0) {
      // A Buffer of Node is a Uint8Array whose `slice` copies nothing.
      this.#bytes = bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      this.#isOwn = false;
      this.#start = 0;
      this.#limit = bytes.length;
      return;
    }
    const needed = left + bytes.length;
    if (!this.#isOwn || needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(left * 2, left + (1 << 20))));
      grown.set(this.#bytes.subarray(this.#start, this.#limit));
      this.#bytes = grown;
      this.#isOwn = true;
      this.#start = 0;
    } else if (this.#limit + bytes.length > this.#bytes.length) {
      this.#bytes.copyWithin(0, this.#start, this.#limit);
      this.#start = 0;
    }
    this.#bytes.set(bytes, this.#start + left);
    this.#limit = this.#start + needed;
  }

  /**
   * Decodes the next value.
   * @typeParam T The value.
   * @param type Its type.
   * @returns The value, or `undefined` if more bytes are needed.
   * @throws {KitError} With code `invalid_argument` if the value is not of the type or the stream is
   * no gob, `resource_exhausted` if it is beyond a limit. Where {@linkcode Decoder.error} is set then,
   * the stream is at its end; else the next value can be decoded.
   */
  decode<T>(type: GobType<T>): { readonly value: T } | undefined {
    return this.#next(nodeOf(type)) as { readonly value: T } | undefined;
  }

  /**
   * Passes over the next value, of whatever type it is.
   * @returns Whether there was one; `false` if more bytes are needed.
   * @throws {KitError} As {@linkcode Decoder.decode} does.
   */
  skip(): boolean {
    return this.#next(undefined) !== undefined;
  }

  #next(node: Node | undefined): { readonly value: unknown } | undefined {
    if (this.#error !== undefined) throw this.#error;
    const reader = this.#reader;
    reader.bytes = this.#bytes;
    try {
      while (this.#open(this.#start)) {
        reader.depth = reader.cells = 0;
        const id = reader.int();
        if (id >= 0) return this.#value(node, id);
        this.#define(-id);
        if (reader.pos !== reader.end) fail("there is more than a definition in its message");
        this.#start = reader.end;
        this.#isDefining = true;
      }
      return undefined;
    } catch (error) {
      if (this.#isIntact) {
        this.#isIntact = false;
      } else {
        this.#error = toKitError(error);
        this.#bytes = EMPTY;
        this.#start = this.#limit = 0;
      }
      throw error;
    }
  }
  /** Whether what was thrown concerns one value only. */
  #isIntact = false;

  /** Makes the message that begins at `start` the one to be read, if it is here. */
  #open(start: number): boolean {
    const reader = this.#reader;
    reader.pos = start;
    reader.end = this.#limit;
    if (start === this.#limit) return false;
    const first = this.#bytes[start]!;
    const size = first < 0x80 ? 1 : 257 - first;
    if (size > 9) fail("a number has more than 8 bytes");
    if (this.#limit - start < size) return false;
    const length = reader.uint();
    if (reader.pos + length - this.#start > this.#maxBytes + 9) {
      tooMuch(`a value has over ${this.#maxBytes} bytes`);
    }
    if (length > this.#limit - reader.pos) return false;
    reader.end = reader.pos + length;
    return true;
  }

  #value(node: Node | undefined, id: number): { readonly value: unknown } | undefined {
    const reader = this.#reader;
    const { pos, end } = reader;
    try {
      const value = this.#attempt(
        id,
        (id) => node === undefined ? this.#skip(id) : readTop(this.#source, node, id, reader),
      );
      if (value === undefined) return undefined;
      this.#done();
      return value;
    } catch (error) {
      if (node === undefined || this.#definitions.mayContinue(id)) {
        // Where it ends is not known before it has been gone through.
        reader.pos = pos;
        reader.end = end;
        if (this.#attempt(id, (id) => this.#skip(id)) === undefined) return undefined;
      }
      this.#done();
      this.#isIntact = true;
      throw error;
    }
  }

  /** Tries to read a value; `undefined` if it goes on in a message that has not come. */
  #attempt(id: number, read: (id: number) => unknown): { readonly value: unknown } | undefined {
    const reader = this.#reader;
    const from = reader.pos;
    reader.depth = reader.cells = 0;
    reader.label = "a value";
    this.#added.length = 0;
    try {
      const value = read(id);
      if (reader.pos !== reader.end) fail("there is more than a value in its message");
      return { value };
    } catch (error) {
      for (const id of this.#added) this.#definitions.delete(id);
      this.#forget();
      if (error !== MORE) throw error;
      this.#work += reader.pos - from;
      if (this.#work > MAX_ATTEMPTS * this.#maxBytes) tooMuch("a value comes in too many messages");
      return undefined;
    }
  }
  /** The types that the value being read has defined. */
  readonly #added: number[] = [];

  #done(): void {
    this.#start = this.#reader.end;
    this.#work = 0;
    this.#isDefining = false;
    if (this.#start === this.#limit) {
      this.#bytes = this.#reader.bytes = EMPTY;
      this.#start = this.#limit = 0;
    }
  }

  #skip(id: number): void {
    const reader = this.#reader;
    if (this.#definitions.mayContinue(id)) readDynamic(this.#source, id, reader, { keep: false });
    else reader.pos = reader.end;
  }

  #define(id: number): void {
    const reader = this.#reader;
    const from = reader.pos;
    const wire = this.#decoder(nodeOf(wireType), WIRE_TYPE_ID)(reader) as Infer<typeof wireType>;
    this.#definitions.add(id, definitionOf(wire), reader.pos - from);
  }

  /** A definition within a value ends its message, or, in a value within that, a part of it. */
  #typeSequence(reader: Reader): number {
    for (;;) {
      if (reader.pos === reader.end && !this.#open(reader.pos)) throw MORE;
      const id = reader.int();
      if (id >= 0) return id;
      const { depth } = reader;
      this.#define(-id);
      reader.depth = depth;
      this.#added.push(-id);
      if (reader.pos < reader.end) reader.uint();
    }
  }

  #decoder(node: Node, id: number): Decode {
    const base = baseOf(node);
    let links = this.#links.get(base);
    if (links === undefined) this.#links.set(base, links = new Map());
    return this.#link(links, id, () => makeDecoder(this.#source, base, id));
  }

  #dynamic(id: number, keep: boolean): Decode {
    const links = keep ? this.#kept : this.#skipped;
    return this.#link(links, id, () => dynamicDecoder(this.#source, id, { keep }));
  }

  /** A recursive type finds the link to itself while it is being made. */
  #link(links: Map<number, Decode>, id: number, make: () => Decode): Decode {
    const known = links.get(id);
    if (known !== undefined) return known;
    let made: Decode | undefined;
    links.set(id, (reader) => made!(reader));
    try {
      made = make();
    } catch (error) {
      links.delete(id);
      throw error;
    }
    links.set(id, made);
    return made;
  }

  /** Drops what was made for types that are defined no more. */
  #forget(): void {
    if (this.#added.length === 0) return;
    this.#links.clear();
    this.#kept.clear();
    this.#skipped.clear();
    this.#added.length = 0;
  }
}
