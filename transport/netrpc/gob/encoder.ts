/**
 * Writes a stream of gobs.
 * @module
 */
import { defineNode, INTERFACE_ID, wireType } from "./_definition.ts";
import { type Target, writeTop } from "./_encode.ts";
import { type BaseNode, baseOf, type Node, nodeOf } from "./_node.ts";
import { Writer } from "./_writer.ts";
import type { GobType } from "./type.ts";

/** The first id that Go gives to a type. */
const FIRST_ID = 65;

/**
 * Writes a stream of gobs: each value, and before the first of a type the definition of that.
 *
 * What one encoder writes has to be read by one decoder, in order.
 * @example Usage
 * ```ts
 * import { Decoder, Encoder, int, struct } from "@kit/transport/netrpc/gob";
 * import assert from "node:assert/strict";
 * const Point = struct("Point", { x: int, y: int });
 * const encoder = new Encoder();
 * const decoder = new Decoder();
 * for (const x of [1, 2]) {
 *   decoder.push(encoder.encode(Point, { x, y: 0 }));
 *   assert.deepEqual(decoder.decode(Point)?.value, { x, y: 0 });
 * }
 * ```
 */
export class Encoder {
  readonly #writer = new Writer();
  readonly #ids = new Map<Node, number>();
  /** What has an id and is not defined yet. */
  #undefined: BaseNode[] = [];
  /** What the last value that was added has defined. */
  #defined: readonly BaseNode[] = [];
  readonly #target: Target = {
    writer: this.#writer,
    idOf: (node) => this.#idOf(node),
    label: "",
  };

  /**
   * Makes the bytes of a value that come next in the stream.
   * @typeParam T The value.
   * @param type Its type.
   * @param value The value.
   * @returns The bytes, with those of {@linkcode Encoder.add} before them.
   * @throws {TypeError} If the value is not of the type. The stream is as it was then.
   */
  encode<T>(type: GobType<T>, value: NoInfer<T>): Uint8Array<ArrayBuffer> {
    this.add(type, value);
    return this.take();
  }

  /**
   * Adds a value to what {@linkcode Encoder.take} gives.
   * @typeParam T The value.
   * @param type Its type.
   * @param value The value.
   * @throws {TypeError} If the value is not of the type. Nothing is added then.
   */
  add<T>(type: GobType<T>, value: NoInfer<T>): void {
    const writer = this.#writer;
    const start = writer.length;
    const node = nodeOf(type);
    try {
      this.#message(node, this.#idOf(node), value);
    } catch (error) {
      writer.length = start;
      throw this.#explain(node, error);
    }
    this.#defined = this.#undefined;
    if (this.#undefined.length > 0) {
      const middle = writer.length;
      this.#define();
      writer.rotate(start, middle);
    }
  }

  /**
   * Adds two values, or, if one of them is not of its type, none.
   * @typeParam A The first value.
   * @typeParam B The second value.
   * @param first The type and the value that come first.
   * @param second Those that come then.
   * @throws {TypeError} If a value is not of its type. Nothing is added then.
   */
  addPair<A, B>(
    first: readonly [type: GobType<A>, value: A],
    second: readonly [type: GobType<B>, value: B],
  ): void {
    const start = this.#writer.length;
    this.add<A>(...first);
    const defined = this.#defined;
    try {
      this.add<B>(...second);
    } catch (error) {
      this.#writer.length = start;
      this.#undefined.push(...defined);
      throw error;
    }
  }

  /**
   * Hands over the bytes of what was added.
   * @returns The bytes.
   */
  take(): Uint8Array<ArrayBuffer> {
    return this.#writer.take();
  }

  #message(node: Node, id: number, value: unknown): void {
    const start = this.#writer.begin();
    this.#writer.int(id);
    this.#target.label = "";
    writeTop(this.#target, node, value);
    this.#writer.finish(start);
  }

  #idOf(node: Node): number {
    const base = baseOf(node);
    if (base.kind === "basic") return base.id;
    if (base.kind === "interface") return INTERFACE_ID;
    let id = this.#ids.get(base);
    if (id === undefined) {
      id = FIRST_ID + this.#ids.size;
      this.#ids.set(base, id);
      this.#undefined.push(base);
    }
    return id;
  }

  #define(): void {
    // It grows while it is gone through.
    for (const base of this.#undefined) {
      const id = this.#ids.get(base)!;
      const definition = defineNode(base, id, (node) => this.#idOf(node));
      this.#message(nodeOf(wireType), -id, definition);
    }
    this.#undefined = [];
  }

  #explain(node: Node, error: unknown): unknown {
    if (!(error instanceof Error) || !error.message.startsWith("as it must be")) return error;
    const what = this.#target.label || node.name;
    return new TypeError(`Cannot encode ${what} ${error.message}`);
  }
}
