/** Instances as text, as registries hold them: `host:port`, as Go kit writes it, or JSON. */
import { parseAddress } from "./address.ts";
import type { Instance } from "./instance.ts";

/** Writes an instance: its address alone if there is no more to say. */
export function encodeInstance(instance: Instance): string {
  return Object.keys(instance).length === 1 ? instance.address : JSON.stringify(instance);
}

/**
 * Reads an instance.
 * @throws {TypeError} If it is none.
 */
export function decodeInstance(value: string): Instance {
  const text = value.trim();
  const instance = text.startsWith("{") ? pick(JSON.parse(text)) : { address: text };
  parseAddress(instance.address);
  return instance;
}

const isText = (value: unknown) => typeof value === "string";
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const FIELDS: Readonly<Record<keyof Instance, (value: unknown) => boolean>> = {
  address: isText,
  weight: (value) => typeof value === "number" && value >= 0,
  priority: (value) => typeof value === "number",
  zone: isText,
  version: isText,
  tags: (value) => Array.isArray(value) && value.every(isText),
  metadata: (value) => isObject(value) && Object.values(value).every(isText),
};

/** Takes the fields of an instance from JSON, and leaves what it does not know. */
function pick(json: Record<string, unknown>): Instance {
  const given = typeof json.Addr === "string" ? fromGrpc(json) : json;
  const known = Object.entries(FIELDS).filter(([name]) => given[name] !== undefined);
  const wrong = known.find(([name, isRight]) => !isRight(given[name]));
  if (wrong !== undefined) {
    throw new TypeError(`Cannot use "${wrong[0]}" as it is of another type`);
  }
  if (given.address === undefined) throw new TypeError(`Cannot use JSON as it has no "address"`);
  return Object.fromEntries(known.map(([name]) => [name, given[name]])) as unknown as Instance;
}

/** What etcd's resolver for gRPC writes: `{"Op":0,"Addr":"a:80","Metadata":{...}}`. */
function fromGrpc({ Addr, Metadata }: Record<string, unknown>): Record<string, unknown> {
  if (!isObject(Metadata)) return { address: Addr };
  const texts = Object.entries(Metadata).filter(([, value]) => isText(value));
  return { address: Addr, metadata: Object.fromEntries(texts) };
}
