/**
 * The fields of structs, unions, exceptions and methods.
 * @module
 */
import type { Type } from "./types.ts";

/**
 * A field: its number, its type, and what holds when it is not there.
 * @typeParam T The value.
 * @typeParam Optional Whether it may be left out.
 */
export interface Field<T, Optional extends boolean = boolean> {
  /** Its number on the wire. */
  readonly id: number;
  /** Its type. */
  readonly type: Type<T>;
  /** Whether it may be left out. */
  readonly isOptional: Optional;
  /** What stands in when a peer has left it out. */
  readonly default?: T | undefined;
}

/**
 * Options for {@linkcode field}.
 * @typeParam T The value.
 * @typeParam Optional Whether it may be left out.
 */
export interface FieldOptions<T, Optional extends boolean> {
  /**
   * Whether it may be left out.
   * @default {false}
   */
  readonly optional?: Optional;
  /** What stands in when a peer has left it out. */
  readonly default?: T;
}

/** Fields, by the names that they have in the object. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/**
 * The objects that have some fields.
 * @typeParam F The fields.
 */
export type StructOf<F extends Fields> = Flat<
  & {
    readonly [K in keyof F as F[K]["isOptional"] extends true ? never : K]: ValueOf<F[K]>;
  }
  & {
    readonly [K in keyof F as F[K]["isOptional"] extends true ? K : never]?:
      | ValueOf<F[K]>
      | undefined;
  }
>;

/**
 * The value of a field.
 * @typeParam F The field.
 */
export type ValueOf<F> = F extends Field<infer T> ? T : never;

/**
 * The same type, shown as one object.
 * @typeParam T The type.
 */
export type Flat<T> = { readonly [K in keyof T]: T[K] };

/**
 * Describes a field.
 * @typeParam T The value.
 * @typeParam Optional Whether it may be left out.
 * @param id Its number on the wire.
 * @param type Its type.
 * @param options Whether it may be left out, and what stands in then.
 * @returns The field, for {@linkcode struct} and others.
 * @example Usage
 * ```ts
 * import { field, i32, string, struct } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const Page = struct("Page", {
 *   query: field(1, string),
 *   size: field(2, i32, { default: 10 }),
 *   token: field(3, string, { optional: true }),
 * });
 * assert.equal(Page.name, "Page");
 * ```
 */
export function field<T, const Optional extends boolean = false>(
  id: number,
  type: Type<T>,
  options: FieldOptions<NoInfer<T>, Optional> = {},
): Field<T, Optional> {
  return {
    id,
    type,
    isOptional: (options.optional ?? false) as Optional,
    ...(options.default === undefined ? {} : { default: options.default }),
  };
}
