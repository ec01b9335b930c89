/**
 * Unions.
 * @module
 */
import { Fault, located, misfit } from "./_fault.ts";
import type { Fields, ValueOf } from "./field.ts";
import { planFields } from "./_plan.ts";
import { WIRE_TYPES } from "./protocol.ts";
import { skip } from "./_skip.ts";
import type { Type } from "./types.ts";

/**
 * The values of a union: which field it is, and its value.
 * @typeParam F The fields.
 */
export type UnionOf<F extends Fields> = {
  readonly [K in keyof F & string]: { readonly type: K; readonly value: ValueOf<F[K]> };
}[keyof F & string];

/**
 * Describes a union, of which exactly one field is there.
 * @typeParam F The fields.
 * @param name What it is called in messages.
 * @param fields The fields, by the names that `type` has for them.
 * @returns The type. Reading a union none of whose fields is described is an error.
 * @throws {TypeError} If two fields have one number, or a field has a name that every object has.
 * @throws {RangeError} If the number of a field is none of 16 bits.
 * @example Usage
 * ```ts
 * import { double, field, type Infer, string, union } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const Size = union("Size", { exact: field(1, double), named: field(2, string) });
 * const size: Infer<typeof Size> = { type: "named", value: "large" };
 * assert.equal(size.type === "named" ? size.value : "", "large");
 * ```
 */
export function union<F extends Fields>(name: string, fields: F): Type<UnionOf<F>> {
  const { inOrder, byId } = planFields(name, fields);
  const byKey = new Map(inOrder.map((field) => [field.key, field]));
  return {
    name,
    wire: WIRE_TYPES.struct,
    read: (input) => {
      let found: { type: string; value: unknown } | undefined;
      input.structBegin();
      for (let kind = input.fieldBegin(); kind !== 0; kind = input.fieldBegin()) {
        const field = byId.get(input.fieldId);
        if (field === undefined || field.type.wire !== kind) skip(input, kind);
        else if (found !== undefined) throw new Fault(`union ${name} has two fields`);
        else {
          try {
            found = { type: field.key, value: field.type.read(input) };
          } catch (error) {
            throw located(error, field.key);
          }
        }
        input.fieldEnd();
      }
      input.structEnd();
      if (found === undefined) throw new Fault(`union ${name} has no field that is known`);
      return found as UnionOf<F>;
    },
    write: (output, union) => {
      const field = byKey.get(union?.type);
      if (field === undefined) throw misfit(`a field of union ${name}`, union?.type);
      output.structBegin();
      output.fieldBegin(field.type.wire, field.id);
      try {
        field.type.write(output, union.value);
      } catch (error) {
        throw located(error, field.key);
      }
      output.fieldEnd();
      output.structEnd();
    },
  };
}
