/** What a node holds: `host:port`, as Go kit writes it, or an instance as JSON. */
import { KitError } from "@kit/endpoint";
import { parseAddress } from "@kit/sd/address";
import type { Instance } from "@kit/sd/instance";

/** Writes an instance: its address alone if there is no more to say. */
export function encodeInstance(instance: Instance): string {
  return Object.keys(instance).length === 1 ? instance.address : JSON.stringify(instance);
}

/**
 * Reads an instance.
 * @throws {TypeError} If it is none.
 */
export function decodeInstance(data: string): Instance {
  const text = data.trim();
  const instance = text.startsWith("{") ? pick(JSON.parse(text)) : { address: text };
  parseAddress(instance.address);
  return instance;
}

/** Reads the data of a node, or tells what is wrong with it. */
export function decodeNode(
  path: string,
  data: Uint8Array,
  decode: (data: string) => Instance,
): Instance | KitError {
  try {
    return decode(new TextDecoder().decode(data));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new KitError("data_loss", `Cannot read instance in "${path}": ${why.slice(0, 200)}`, {
      cause,
    });
  }
}

const isText = (value: unknown) => typeof value === "string";

const FIELDS: Readonly<Record<keyof Instance, (value: unknown) => boolean>> = {
  address: isText,
  weight: (value) => typeof value === "number" && value >= 0,
  priority: (value) => typeof value === "number",
  zone: isText,
  version: isText,
  tags: (value) => Array.isArray(value) && value.every(isText),
  metadata: (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every(isText),
};

/** Takes the fields of an instance from JSON, and leaves what it does not know. */
function pick(json: Record<string, unknown>): Instance {
  const known = Object.entries(FIELDS).filter(([name]) => json[name] !== undefined);
  const wrong = known.find(([name, isRight]) => !isRight(json[name]));
  if (wrong !== undefined) {
    throw new TypeError(`Cannot use "${wrong[0]}" as it is of another type`);
  }
  if (json.address === undefined) throw new TypeError(`Cannot use JSON as it has no "address"`);
  return Object.fromEntries(known.map(([name]) => [name, json[name]])) as unknown as Instance;
}
