/**
 * Structs.
 * @module
 */
import type { Fields, StructOf } from "./field.ts";
import { planFields } from "./_plan.ts";
import { Fault, located, misfit } from "./_fault.ts";
import { WIRE_TYPES } from "./protocol.ts";
import { skip } from "./_skip.ts";
import type { Type } from "./types.ts";

/**
 * Describes a struct, whose values are plain objects.
 *
 * Fields that are not described, and fields that come as another kind than described, are passed
 * over. A field that is neither optional nor has a default must be there.
 * @typeParam F The fields.
 * @param name What it is called in messages.
 * @param fields The fields, by the names that they have in the object.
 * @returns The type.
 * @throws {TypeError} If two fields have one number, or a field has a name that every object has.
 * @throws {RangeError} If the number of a field is none of 16 bits.
 * @example Usage
 * ```ts
 * import { field, i64, type Infer, string, struct } from "@kit/transport/thrift";
 * import assert from "node:assert/strict";
 * const SumReply = struct("SumReply", {
 *   value: field(1, i64),
 *   err: field(2, string, { optional: true }),
 * });
 * const reply: Infer<typeof SumReply> = { value: 3n };
 * assert.equal(reply.err, undefined);
 * ```
 */
export function struct<F extends Fields>(name: string, fields: F): Type<StructOf<F>> {
  const plan = planFields(name, fields);
  const { inOrder, byId } = plan;
  return {
    name,
    wire: WIRE_TYPES.struct,
    read: (input) => {
      const value: Record<string, unknown> = {};
      input.structBegin();
      let expected = 0;
      for (let kind = input.fieldBegin(); kind !== 0; kind = input.fieldBegin()) {
        const id = input.fieldId;
        // Fields come in order more often than not.
        let field = inOrder[expected++];
        if (field?.id !== id) field = byId.get(id);
        if (field === undefined || field.type.wire !== kind) skip(input, kind);
        else {
          try {
            value[field.key] = field.type.read(input);
          } catch (error) {
            throw located(error, field.key);
          }
        }
        input.fieldEnd();
      }
      input.structEnd();
      for (const field of plan.needed) {
        if (value[field.key] !== undefined) continue;
        if (field.default === undefined) throw new Fault("it is missing").within(field.key);
        value[field.key] = field.default;
      }
      return value as StructOf<F>;
    },
    write: (output, value) => {
      if (typeof value !== "object" || value === null) throw misfit("an object", value);
      output.structBegin();
      for (const { key, id, type, isOptional, default: otherwise } of inOrder) {
        const own = (value as Record<string, unknown>)[key] ?? otherwise;
        if (own == null) {
          if (isOptional) continue;
          throw new Fault("it is missing").within(key);
        }
        output.fieldBegin(type.wire, id);
        try {
          type.write(output, own);
        } catch (error) {
          throw located(error, key);
        }
        output.fieldEnd();
      }
      output.structEnd();
    },
  };
}
