/**
 * Passing over values that nobody has described.
 * @module
 */
import { Fault } from "./_fault.ts";
import { type Reader, WIRE_TYPES, type WireType } from "./protocol.ts";

/** Reads a value and forgets it. The reader bounds how deep it goes. */
export function skip(input: Reader, type: WireType): void {
  switch (type) {
    case WIRE_TYPES.struct:
      input.structBegin();
      for (let kind = input.fieldBegin(); kind !== 0; kind = input.fieldBegin()) {
        skip(input, kind);
        input.fieldEnd();
      }
      return input.structEnd();
    case WIRE_TYPES.list:
    case WIRE_TYPES.set: {
      const size = input.listBegin();
      const { itemType } = input;
      for (let i = 0; i < size; i++) skip(input, itemType);
      return input.listEnd();
    }
    case WIRE_TYPES.map: {
      const size = input.mapBegin();
      const { itemType, valueType } = input;
      for (let i = 0; i < size; i++) {
        skip(input, itemType);
        skip(input, valueType);
      }
      return input.mapEnd();
    }
    default:
      skipPlain(input, type);
  }
}

/** Reads a value that has no others in it. */
export function skipPlain(input: Reader, type: WireType): void {
  switch (type) {
    case WIRE_TYPES.bool:
      return void input.bool();
    case WIRE_TYPES.i8:
      return void input.i8();
    case WIRE_TYPES.i16:
      return void input.i16();
    case WIRE_TYPES.i32:
      return void input.i32();
    case WIRE_TYPES.i64:
      return void input.i64();
    case WIRE_TYPES.double:
      return void input.double();
    case WIRE_TYPES.string:
      return input.skipString();
    case WIRE_TYPES.uuid:
      return void input.uuid();
    default:
      throw new Fault("a kind of values in it is not known");
  }
}
