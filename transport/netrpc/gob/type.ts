/**
 * What describes a Go type to the codec.
 * @module
 */

/**
 * Describes a Go type, and the type that its values have in TypeScript. Make one of `int`, `struct`,
 * `slice` and the like.
 * @typeParam T The values in TypeScript.
 */
export interface GobType<T> {
  /** What the type is called in messages, and on the wire if it is a struct. */
  readonly name: string;
  /** Carries the type; it is never set. */
  readonly type?: T;
}

/**
 * The values that a description stands for.
 * @typeParam G The description.
 */
export type Infer<G> = G extends GobType<infer T> ? T : never;
