/**
 * Takes the body of an HTTP request apart into calls.
 * @module
 */
import type { KitError } from "@kit/endpoint";
import { numberIds } from "./_number_ids.ts";
import { JsonRpcError } from "./json_rpc_error.ts";
import type { Params, RequestId, RpcRequest } from "./request.ts";
import { INVALID_REQUEST } from "./rpc_codes.ts";

/** One call, or why it is none. */
export interface Entry {
  readonly call: RpcRequest | undefined;
  readonly error: unknown;
  /** The id as JSON; `undefined` for a notification, which gets no answer. */
  readonly id: string | undefined;
}

/** All that one body asks for. */
export interface Entries {
  readonly isBatch: boolean;
  readonly all: readonly Entry[];
}

/** The entry of what is no call. */
export function failed(error: unknown, id = "null"): Entry {
  return { call: undefined, error, id };
}

/** What is taken for a call. */
export interface EntryRules {
  readonly maxBatch: number;
  readonly lenient: boolean;
}

/** Takes a body apart: a value and the text that it was parsed from. */
export function entriesOf(value: unknown, text: string, rules: EntryRules): Entries {
  const { maxBatch, lenient } = rules;
  let ids: ReadonlyMap<number, string> | undefined;
  const written = (place: number) => (ids ??= numberIds(text)).get(place);
  const entry = (one: unknown, i: number) => entryOf(one, () => written(i), lenient);
  if (!Array.isArray(value)) return { isBatch: false, all: [entry(value, 0)] };
  if (value.length === 0) throw invalid("the batch is empty");
  if (value.length > maxBatch) throw invalid(`the batch has more than ${maxBatch} calls`);
  return { isBatch: true, all: value.map(entry) };
}

function entryOf(value: unknown, written: () => string | undefined, lenient: boolean): Entry {
  if (typeof value !== "object" || value === null) return failed(invalid("it must be an object"));
  const { jsonrpc, method, params } = value as Record<string, unknown>;
  const id = Object.hasOwn(value, "id") ? (value as { id: unknown }).id : undefined;
  if (!isId(id)) return failed(invalid(`"id" must be a string, a number or null`));
  const shown = typeof id === "number" && !Number.isSafeInteger(id)
    // Rounded, or not even finite.
    ? written() ?? "null"
    : id === undefined
    ? undefined
    : JSON.stringify(id);
  const isKnown = jsonrpc === "2.0" || lenient && (jsonrpc === undefined || jsonrpc === "");
  if (!isKnown) return failed(invalid(`"jsonrpc" must be "2.0"`), shown);
  if (typeof method !== "string") return failed(invalid(`"method" must be a string`), shown);
  if (!isParams(params)) {
    return failed(invalid(`"params" must be an object or an array`), shown);
  }
  return { call: { method, params: params ?? undefined, id }, error: undefined, id: shown };
}

function isId(id: unknown): id is RequestId | undefined {
  return id === undefined || id === null || typeof id === "string" || typeof id === "number";
}

/** Go's clients write `null` where they have no parameters. */
function isParams(params: unknown): params is Params | null | undefined {
  return params === undefined || typeof params === "object";
}

function invalid(why: string): KitError {
  return new JsonRpcError(INVALID_REQUEST, `Cannot take request as ${why}`);
}
