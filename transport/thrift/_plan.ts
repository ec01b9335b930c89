/**
 * Fields, made ready for reading and writing.
 * @module
 */
import type { Field, Fields } from "./field.ts";

/** A field with its name. */
export interface PlannedField extends Field<unknown> {
  readonly key: string;
}

/** Fields in the order of their numbers, and by these. */
export interface Plan {
  readonly inOrder: readonly PlannedField[];
  readonly byId: ReadonlyMap<number, PlannedField>;
  /** Those that a value cannot do without. */
  readonly needed: readonly PlannedField[];
}

/** Checks fields and puts them in order. */
export function planFields(name: string, fields: Fields): Plan {
  const byId = new Map<number, PlannedField>();
  for (const [key, field] of Object.entries(fields)) {
    const { id, type, isOptional } = field;
    const where = `Cannot describe field "${key}" of "${name}" as`;
    if (key in Object.prototype || key === "__proto__") {
      throw new TypeError(`${where} every object has one of that name: use another`);
    }
    if (!Number.isInteger(id) || id < -32_768 || id > 32_767) {
      throw new RangeError(`${where} its number must have 16 bits: current value is ${id}`);
    }
    const other = byId.get(id);
    if (other !== undefined) {
      throw new TypeError(`${where} "${other.key}" has the same number: current value is ${id}`);
    }
    byId.set(id, { key, id, type, isOptional, default: field.default });
  }
  const inOrder = [...byId.values()].sort((a, b) => a.id - b.id);
  return {
    inOrder,
    byId,
    needed: inOrder.filter((field) => !field.isOptional || field.default !== undefined),
  };
}
