/**
 * Values of described types as Go's encoding/json has them.
 * @module
 */
import { Buffer } from "node:buffer";
import { KitError } from "@kit/endpoint";
import { baseOf, type BasicNode, type Node, type StructNode } from "./gob/_node.ts";
import { zeroOf } from "./gob/_zero.ts";

/** A number in JSON that a number of TypeScript cannot be. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** A string, or an integer that may be too long for a number. */
const LONG = /"[^"\\]*(?:\\[^][^"\\]*)*"|(?<![\d.eE+-])-?[1-9]\d{15,99}(?![\d.eE])/g;

/**
 * Parses JSON; integers that a number cannot hold become `bigint`s, so that none is wrong. Those of more
 * digits than anybody needs do not: to read millions of digits takes a second.
 *
 * They pass the parser as strings that nobody else can have written: a reviver, which is told their
 * texts, takes fifty times as long for all that is around them.
 */
export function parseExact(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const mark = `${crypto.randomUUID()} `;
  const marked = text.replace(LONG, (part) => part[0] === '"' ? part : `"${mark}${part}"`);
  return restored(JSON.parse(marked), mark);
}

/** Puts integers back where their marks are. The depth is bounded by whoever framed the text. */
function restored(value: unknown, mark: string): unknown {
  if (typeof value === "string" && value.startsWith(mark)) return integer(value.slice(mark.length));
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (typeof value[i] !== "number") value[i] = restored(value[i], mark);
    }
  } else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      if (key.startsWith(mark)) throw new SyntaxError("A key is no string");
      // An assignment to __proto__ would be another thing.
      if (typeof member === "object" || typeof member === "string") {
        Object.defineProperty(value, key, {
          value: restored(member, mark),
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
    }
  }
  return value;
}

function unfit(node: Node, rule: string): never {
  throw new TypeError(`Cannot encode ${node.name} as it must be ${rule}`);
}

/** Makes what `JSON.stringify` writes as Go would. */
export function toJson(node: Node, value: unknown): unknown {
  switch (node.kind) {
    case "basic":
      return basicToJson(node, value);
    case "lazy":
      return toJson(node.resolve(), value);
    case "pointer":
      return value === null || value === undefined ? null : toJson(node.element, value);
    case "slice":
    case "array": {
      const isArray = Array.isArray(value) &&
        (node.kind === "slice" || value.length === node.length);
      if (!isArray) unfit(node, node.kind === "array" ? `an array of ${node.length}` : "an array");
      return value.map((one) => toJson(node.element, one));
    }
    case "map": {
      if (!(value instanceof Map)) unfit(node, "a Map");
      const key = baseOf(node.key);
      const isKey = key.kind === "basic" && ["string", "int", "bigint"].includes(key.json);
      if (!isKey) unfit(node, "a map of strings or integers, as JSON has no other keys");
      const pairs = [...value].map(([k, v]) => [String(k), toJson(node.value, v)]);
      return Object.fromEntries(pairs);
    }
    case "struct": {
      if (typeof value !== "object" || value === null) unfit(node, "an object");
      const out: Record<string, unknown> = {};
      for (const { key, jsonName, node: field } of node.fields) {
        const member = (value as Record<string, unknown>)[key];
        if (member !== undefined) out[jsonName] = toJson(field, member);
      }
      return out;
    }
    case "interface": {
      if (value === null || value === undefined) return null;
      const { name, value: held } = value as { name: string; value: unknown };
      const type = node.types.get(name);
      if (type === undefined) unfit(node, "of a type that is described");
      return toJson(type, held);
    }
    case "opaque":
      if (node.toJson === undefined) unfit(node, "of a type with JSON");
      return node.toJson(value);
    case "dynamic":
      return value;
  }
}

function basicToJson(node: BasicNode, value: unknown): unknown {
  const isFit = node.isValid(value) && (node.json !== "float" || Number.isFinite(value));
  if (!isFit || node.json === "none") {
    unfit(node, node.json === "none" ? "of a type with JSON" : node.rule);
  }
  if (node.json === "bigint") return rawJSON(String(value));
  return node.json === "bytes" ? Buffer.from(value as Uint8Array).toString("base64") : value;
}

function wrong(node: Node): never {
  throw new KitError("invalid_argument", `Cannot decode JSON as it is no ${node.name}`);
}

/** Makes a value of what was parsed; `null` and what is not there are zero, as Go has it. */
export function fromJson(node: Node, json: unknown): unknown {
  if (json === null || json === undefined) return zeroOf(node);
  switch (node.kind) {
    case "basic":
      return basicFromJson(node, json);
    case "lazy":
      return fromJson(node.resolve(), json);
    case "pointer":
      return fromJson(node.element, json);
    case "slice":
      if (!Array.isArray(json)) wrong(node);
      return json.map((one) => fromJson(node.element, one));
    case "array":
      // Go drops what is too much, and leaves zero what is not there.
      if (!Array.isArray(json)) wrong(node);
      return Array.from({ length: node.length }, (_, i) => fromJson(node.element, json[i]));
    case "map": {
      if (!isObject(json)) wrong(node);
      const key = baseOf(node.key);
      const isText = key.kind === "basic" && key.json === "string";
      return new Map(
        Object.entries(json).map(([k, v]) => [
          isText ? k : fromJson(key, /^-?\d{1,20}$/.test(k) ? integer(k) : k),
          fromJson(node.value, v),
        ]),
      );
    }
    case "struct":
      return structFromJson(node, json);
    case "interface":
      throw new KitError("unimplemented", "Cannot decode interface as JSON does not tell its type");
    case "opaque":
      if (node.fromJson === undefined) wrong(node);
      try {
        return node.fromJson(json);
      } catch {
        return wrong(node);
      }
    case "dynamic":
      return json;
  }
}

function integer(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** The keys of JSON are found in any case, as Go finds them. */
function structFromJson(node: StructNode, json: unknown): unknown {
  if (!isObject(json)) wrong(node);
  const members = new Map(Object.entries(json).map(([key, value]) => [key.toLowerCase(), value]));
  const value: Record<string, unknown> = {};
  for (const { key, jsonName, node: field } of node.fields) {
    value[key] = fromJson(field, members.get(jsonName.toLowerCase()));
  }
  return value;
}

function basicFromJson(node: BasicNode, json: unknown): unknown {
  let value = json;
  if (node.json === "bigint" && typeof json === "number" && Number.isInteger(json)) {
    value = BigInt(json);
  } else if (node.json === "float" && typeof json === "bigint") value = Number(json);
  else if (node.json === "bytes") {
    const isBase64 = typeof json === "string" && /^[A-Za-z0-9+/\r\n]*={0,2}$/.test(json);
    if (!isBase64) wrong(node);
    value = new Uint8Array(Buffer.from(json, "base64"));
  }
  if (node.json === "none" || !node.isValid(value)) wrong(node);
  return value;
}
