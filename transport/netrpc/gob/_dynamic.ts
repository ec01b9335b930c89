/**
 * Reads values of which there is no description, to look at them or to pass over them.
 * @module
 */
import type { Decode, Source } from "./_decode.ts";
import type { Definition } from "./_definition.ts";
import { fail } from "./_fail.ts";
import type { Reader } from "./_reader.ts";

/** Makes what reads values of a type; without `keep` it makes nothing of them. */
export function dynamicDecoder(
  source: Source,
  id: number,
  { keep }: { readonly keep: boolean },
): Decode {
  const definition = source.definition(id);
  switch (definition.kind) {
    case "basic":
      return basicDecoder(source, definition.id, keep);
    case "opaque":
      return keep ? (reader) => reader.raw() : passOver;
    case "slice":
    case "array": {
      const element = source.dynamic(definition.element, { keep });
      return (reader) => {
        const length = reader.uint();
        if (definition.kind === "array" && length !== definition.length) {
          fail("the length of an array is wrong");
        }
        const values: unknown[] = [];
        reader.enter();
        for (let i = 0; i < length; i++) {
          const value = element(reader);
          if (keep) values.push(value);
        }
        reader.depth--;
        return values;
      };
    }
    case "map": {
      const key = source.dynamic(definition.key, { keep });
      const element = source.dynamic(definition.value, { keep });
      return (reader) => {
        const map = new Map<unknown, unknown>();
        reader.enter();
        for (let left = reader.uint(); left > 0; left--) {
          const name = key(reader);
          const value = element(reader);
          if (keep) map.set(name, value);
        }
        reader.depth--;
        return map;
      };
    }
    case "struct":
      return structDecoder(source, definition, keep);
  }
}

/** Reads a value that is in no other. */
export function readDynamic(
  source: Source,
  id: number,
  reader: Reader,
  { keep }: { readonly keep: boolean },
): unknown {
  if (source.definition(id).kind !== "struct" && reader.uint() !== 0) {
    fail("a value does not begin with a zero");
  }
  return source.dynamic(id, { keep })(reader);
}

function passOver(reader: Reader): void {
  reader.skip(reader.length());
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function basicDecoder(source: Source, id: number, keep: boolean): Decode {
  switch (id) {
    case 1:
      return (reader) => reader.uint() !== 0;
    case 2:
      return (reader) => exact(reader.int64());
    case 3:
      return (reader) => exact(reader.uint64());
    case 4:
      return (reader) => reader.float();
    case 5:
      return keep ? (reader) => reader.raw() : passOver;
    case 6:
      return keep ? (reader) => reader.text() : passOver;
    case 7:
      return (reader) => ({ re: reader.float(), im: reader.float() });
    default:
      return (reader) => readInterface(source, reader, keep);
  }
}

function readInterface(source: Source, reader: Reader, keep: boolean): unknown {
  const name = reader.text();
  if (name === "") return null;
  reader.enter();
  const id = source.typeSequence(reader);
  reader.uint();
  const value = readDynamic(source, id, reader, { keep });
  reader.depth--;
  return keep ? { name, value } : undefined;
}

function structDecoder(
  source: Source,
  definition: Extract<Definition, { kind: "struct" }>,
  keep: boolean,
): Decode {
  const fields = definition.fields.map(({ name, id }) => ({
    name,
    decode: source.dynamic(id, { keep }),
  }));
  return (reader) => {
    // The names came from the peer, so the object has no prototype that they could touch.
    const value: Record<string, unknown> | undefined = keep ? Object.create(null) : undefined;
    reader.enter();
    reader.take(1);
    let at = -1;
    for (let delta = reader.uint(); delta !== 0; delta = reader.uint()) {
      at += delta;
      const field = fields[at];
      if (field === undefined) fail("a field has a number that is not defined");
      const member = field.decode(reader);
      if (value !== undefined) value[field.name] = member;
    }
    reader.depth--;
    return value;
  };
}
