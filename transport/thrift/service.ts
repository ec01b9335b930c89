/**
 * Services and their methods.
 * @module
 */
import type { Context } from "@kit/endpoint";
import { planFields } from "./_plan.ts";
import type { ThriftException } from "./exception.ts";
import type { Field, Fields, StructOf } from "./field.ts";
import { struct } from "./struct.ts";
import type { Type } from "./types.ts";

/**
 * A method: what it takes, what it answers, and what it throws.
 * @typeParam Req The arguments, as an object.
 * @typeParam Res The result.
 */
export interface Method<Req, Res> {
  /** Its name on the wire; empty until it is part of a service. */
  readonly name: string;
  /** The arguments. */
  readonly args: Type<Req>;
  /** The result; `undefined` if there is none. */
  readonly result: Type<Res> | undefined;
  /** The exceptions that it declares. */
  readonly throws: readonly Field<ThriftException<unknown>>[];
  /** Whether nobody waits for its end. */
  readonly isOneway: boolean;
}

/**
 * What {@linkcode method} describes.
 * @typeParam A The arguments.
 * @typeParam Res The result.
 */
export interface MethodOptions<A extends Fields, Res> {
  /**
   * The arguments.
   * @default {{}}
   */
  readonly args?: A;
  /** The type of the result; left out for `void`. */
  readonly result?: Type<Res>;
  /**
   * The exceptions that it declares: fields whose types {@linkcode exception} made.
   * @default {{}}
   */
  readonly throws?: Readonly<Record<string, Field<ThriftException<unknown>>>>;
  /**
   * Whether the caller does not wait for its end, and is told of no failure.
   * @default {false}
   */
  readonly oneway?: boolean;
}

/** Methods, by their names on the wire. */
export type Methods = Readonly<Record<string, Method<unknown, unknown>>>;

/**
 * A service.
 * @typeParam M The methods.
 */
export interface Service<M extends Methods> {
  /** What it is called. */
  readonly name: string;
  /** The methods, by their names on the wire. */
  readonly methods: M;
}

/**
 * The endpoints that implement a service.
 * @typeParam M The methods.
 */
export type Handlers<M extends Methods> = {
  readonly [K in keyof M]: M[K] extends Method<infer Req, infer Res>
    ? (request: Req, ctx: Context) => Promise<Res>
    : never;
};

/**
 * Describes a method.
 * @typeParam A The arguments.
 * @typeParam Res The result.
 * @param options What it takes, what it answers, and what it throws.
 * @returns The method, for {@linkcode service}.
 * @throws {TypeError} If two arguments have one number, or the method is oneway and yet has a result or
 * declares exceptions.
 */
export function method<const A extends Fields = Record<never, never>, Res = void>(
  options: MethodOptions<A, Res> = {},
): Method<StructOf<A>, NoInfer<Res>> {
  const { args = {} as A, result, throws = {}, oneway = false } = options;
  planFields("throws", throws);
  if (oneway && (result !== undefined || Object.keys(throws).length > 0)) {
    throw new TypeError("Cannot describe a oneway method with a result as nobody waits for it");
  }
  return {
    name: "",
    args: struct("arguments", args),
    result,
    throws: Object.values(throws),
    isOneway: oneway,
  };
}

/**
 * Describes a service.
 * @typeParam M The methods.
 * @param name What it is called.
 * @param methods The methods, by their names on the wire.
 * @returns The service, for `server` and `client`.
 * @example Usage
 * ```ts
 * import { field, i64, method, service, string, struct } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const SumReply = struct("SumReply", { value: field(1, i64), err: field(2, string) });
 * const AddService = service("AddService", {
 *   Sum: method({ args: { a: field(1, i64), b: field(2, i64) }, result: SumReply }),
 * });
 * assert.equal(AddService.methods.Sum.name, "Sum");
 * ```
 */
export function service<const M extends Methods>(name: string, methods: M): Service<M> {
  const named = Object.entries(methods).map(([key, method]) => [key, { ...method, name: key }]);
  return { name, methods: Object.fromEntries(named) as M };
}
