/**
 * Exceptions that a method declares.
 * @module
 */
import { type ErrorCode, KitError } from "@kit/endpoint";
import type { Fields, StructOf } from "./field.ts";
import type { Reader, Writer } from "./protocol.ts";
import { struct } from "./struct.ts";
import type { Type } from "./types.ts";

/**
 * A declared exception: what {@linkcode exception} makes classes of. A handler throws one, and the
 * caller's endpoint rejects with one of the same class.
 * @typeParam V The fields.
 */
export class ThriftException<V> extends KitError {
  /** The fields, apart from those of the error itself: both may have a `message` and a `code`. */
  readonly value: V;

  /**
   * Creates the exception.
   * @param code What kind of failure it is.
   * @param message What the caller may read.
   * @param value The fields.
   */
  constructor(code: ErrorCode, message: string, value: V) {
    super(code, message);
    this.value = value;
  }
}

/**
 * The class of a declared exception, which is its type as well.
 * @typeParam V The fields.
 */
export interface ExceptionType<V> extends Type<ThriftException<V>> {
  /** Creates the exception with its fields. */
  new (value: V): ThriftException<V>;
}

/**
 * Options for {@linkcode exception}.
 * @typeParam V The fields.
 */
export interface ExceptionOptions<V> {
  /**
   * What kind of failure it is, for middleware such as breakers and retries. It does not travel: each
   * side has its own.
   * @default {"failed_precondition"}
   */
  readonly code?: ErrorCode;
  /**
   * Makes the message of the error.
   * @default The field `message` if that is text, else the name of the exception.
   */
  readonly message?: (value: V) => string;
}

/**
 * Describes an exception, as a class that a handler throws and that a caller can tell.
 * @typeParam F The fields.
 * @param name What it is called.
 * @param fields The fields.
 * @param options Its code and its message.
 * @returns The class.
 * @throws {TypeError} If two fields have one number, or a field has a name that every object has.
 * @throws {RangeError} If the number of a field is none of 16 bits.
 * @example Usage
 * ```ts
 * import { exception, field, string } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const NotFound = exception("NotFound", { id: field(1, string) }, { code: "not_found" });
 * const error = new NotFound({ id: "7" });
 * assert(error instanceof NotFound);
 * assert.equal(error.code, "not_found");
 * assert.equal(error.value.id, "7");
 * ```
 */
export function exception<F extends Fields>(
  name: string,
  fields: F,
  options: ExceptionOptions<StructOf<F>> = {},
): ExceptionType<StructOf<F>> {
  const { code = "failed_precondition", message = messageOf } = options;
  const body = struct(name, fields);
  class Declared extends ThriftException<StructOf<F>> {
    constructor(value: StructOf<F>) {
      super(code, message(value), value);
      this.name = name;
    }
  }
  function messageOf(value: StructOf<F>): string {
    const text = (value as { readonly message?: unknown }).message;
    return typeof text === "string" ? text : name;
  }
  Object.defineProperty(Declared, "name", { value: name });
  return Object.assign(Declared, {
    wire: body.wire,
    read: (input: Reader) => new Declared(body.read(input)),
    write: (output: Writer, error: ThriftException<StructOf<F>>) => body.write(output, error.value),
  });
}
