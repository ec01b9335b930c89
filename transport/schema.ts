/**
 * Validation by Standard Schema (https://standardschema.dev), which zod, valibot, arktype and others
 * implement. Kit depends on none of them.
 * @module
 */
import { type ErrorDetail, KitError } from "@kit/endpoint";

/** How many issues are told: a value of 4 MiB can have a million. */
const MAX_DETAILS = 100;

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where: the keys on the way to it, each bare or as `{ key }`. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * What a validation answers: the typed value, or what is wrong.
 * @typeParam T The value.
 */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/**
 * A schema of the Standard Schema specification, version 1.
 * @typeParam T The value that it lets through.
 */
export interface Schema<T> {
  /** The interface of the specification. */
  readonly "~standard": {
    /** Version of the specification. */
    readonly version: 1;
    /** Who made the schema. */
    readonly vendor: string;
    /** Validates a value. */
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;
    /** The types of the schema. */
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

/**
 * Validates a value.
 * @typeParam T The value that the schema lets through.
 * @param schema The schema.
 * @param value The value.
 * @param what What the value is, for the message: `request`, `response`.
 * @returns The value as the schema gives it, at once or as a promise, as the schema does.
 * @throws {KitError} With code `invalid_argument` and one detail a field, `{ pointer, detail }`, up to
 * a hundred of them, if the schema refuses the value.
 * @example Usage
 * ```ts
 * import { type Schema, validate } from "@kit/transport/schema";
 * import assert from "node:assert/strict";
 * const text: Schema<string> = {
 *   "~standard": {
 *     version: 1,
 *     vendor: "me",
 *     validate: (value) =>
 *       typeof value === "string" ? { value } : { issues: [{ message: "must be text" }] },
 *   },
 * };
 * assert.equal(validate(text, "a", "request"), "a");
 * assert.throws(() => validate(text, 1, "request"), { code: "invalid_argument" });
 * ```
 */
export function validate<T>(schema: Schema<T>, value: unknown, what: string): T | Promise<T> {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise
    ? result.then((settled) => accepted(settled, what))
    : accepted(result, what);
}

function accepted<T>(result: SchemaResult<T>, what: string): T {
  if (result.issues === undefined) return result.value;
  const details = result.issues.slice(0, MAX_DETAILS).map(detailOf);
  const text = details.map(({ pointer, detail }) =>
    pointer === "" ? detail : `${pointer} ${detail}`
  );
  const left = result.issues.length - details.length;
  if (left > 0) text.push(`and ${left} more`);
  throw new KitError("invalid_argument", `Cannot decode ${what}: ${text.join("; ")}`, { details });
}

function detailOf({ path = [], message }: SchemaIssue): ErrorDetail {
  const keys = path.map((step) => String(typeof step === "object" ? step.key : step));
  // RFC 6901 section 3.
  const pointer = keys.map((key) => "/" + key.replaceAll("~", "~0").replaceAll("/", "~1")).join("");
  return { pointer, detail: message };
}
