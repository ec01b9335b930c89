/**
 * What travels beside a request: HTTP headers, gRPC metadata, message headers.
 * @module
 */

/**
 * Names with values that travel beside a request: HTTP headers, gRPC metadata, NATS headers, AMQP
 * properties. Names ignore case, a name may have several values, and nothing changes once made.
 */
export interface Metadata extends Iterable<readonly [name: string, value: string]> {
  /**
   * Tells the first value of a name.
   * @param name The name, in any case.
   * @returns The value, or `undefined` when there is none.
   */
  get(name: string): string | undefined;
  /**
   * Tells all values of a name, in the order they came.
   * @param name The name, in any case.
   * @returns The values; an empty list when there are none.
   */
  getAll(name: string): readonly string[];
}

/** What {@linkcode metadata} makes metadata of. */
export type MetadataInit =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string | readonly string[]>>;

class ListMetadata implements Metadata {
  readonly #values = new Map<string, string[]>();

  constructor(pairs: Iterable<readonly [string, string]>) {
    for (const [name, value] of pairs) {
      const key = name.toLowerCase();
      const values = this.#values.get(key);
      if (values === undefined) this.#values.set(key, [value]);
      else values.push(value);
    }
  }

  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase())?.[0];
  }

  getAll(name: string): readonly string[] {
    return this.#values.get(name.toLowerCase())?.slice() ?? [];
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    for (const [name, values] of this.#values) {
      for (const value of values) yield [name, value];
    }
  }
}

/** Metadata without a single name. */
export const NO_METADATA: Metadata = /* @__PURE__ */ Object.freeze(
  {
    get: (): undefined => undefined,
    getAll: (): readonly string[] => [],
    [Symbol.iterator]: (): Iterator<readonly [string, string]> => [][Symbol.iterator](),
  },
);

function* pairsOf(init: MetadataInit): Iterable<readonly [string, string]> {
  if (Symbol.iterator in init) {
    yield* init as Iterable<readonly [string, string]>;
    return;
  }
  for (const [name, values] of Object.entries(init)) {
    if (typeof values === "string") yield [name, values];
    else for (const value of values) yield [name, value];
  }
}

/**
 * Makes metadata of pairs, of a record, or of `Headers`. With several sources the values of a later
 * one come after those of an earlier one.
 * @param init The names and values.
 * @returns The metadata; iterating it tells names in lower case, in the order they first came.
 * @example Usage
 * ```ts
 * import { metadata } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const md = metadata({ "X-Request-Id": "7", via: ["a", "b"] });
 * assert.equal(md.get("x-request-id"), "7");
 * assert.deepEqual(md.getAll("Via"), ["a", "b"]);
 * ```
 */
export function metadata(...init: readonly MetadataInit[]): Metadata {
  return new ListMetadata(init.flatMap((one) => [...pairsOf(one)]));
}
