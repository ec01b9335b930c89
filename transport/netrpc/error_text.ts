/**
 * The table between the codes of Kit and the one text that an error is on this wire.
 * @module
 */
import { CODES, type ErrorCode, KitError, toKitError } from "@kit/endpoint";

/** The codes as grpc-go prints them. */
const NAMES: ReadonlyMap<ErrorCode, string> = new Map(
  CODES.filter((code) => code !== "ok").map((code) => [
    code,
    code === "cancelled"
      ? "Canceled"
      : code.replaceAll(/(?:^|_)([a-z])/g, (_, c) => c.toUpperCase()),
  ]),
);
const CODES_BY_NAME = new Map([...NAMES].map(([code, name]) => [name, code]));

const STATUS = /^rpc error: code = (\w+|Code\(\d+\)) desc = ([^]*)$/;

/** What Go's own packages say, by how it begins. */
const OF_GO: readonly (readonly [start: string, code: ErrorCode])[] = [
  ["rpc: can't find ", "unimplemented"],
  ["rpc: service/method request ill-formed: ", "invalid_argument"],
  ["rpc: ", "invalid_argument"],
  ["gob: ", "invalid_argument"],
  ["jsonrpc: ", "invalid_argument"],
  ["context deadline exceeded", "deadline_exceeded"],
  ["context canceled", "cancelled"],
];

/**
 * Tells the text of an error. A code and its message are written as grpc-go prints a status, which
 * {@linkcode parseErrorText} reads; `unknown` is the message alone.
 * @param error Anything that was thrown.
 * @returns The text, never empty; of what is no `KitError` it shows nothing.
 * @example Usage
 * ```ts
 * import { KitError } from "@kit/endpoint";
 * import { errorText } from "@kit/transport/netrpc";
 * import assert from "node:assert/strict";
 * const error = new KitError("not_found", "Cannot find profile");
 * assert.equal(errorText(error), "rpc error: code = NotFound desc = Cannot find profile");
 * assert.equal(errorText(new Error("password=hunter2")), "Unknown error");
 * ```
 */
export function errorText(error: unknown): string {
  const { code, message } = toKitError(error);
  const name = NAMES.get(code) ?? "Unknown";
  // A message that would be read as something else needs its code as well.
  const isPlain = name === "Unknown" && message !== "" && !STATUS.test(message) &&
    !OF_GO.some(([start]) => message.startsWith(start));
  return isPlain ? message : `rpc error: code = ${name} desc = ${message}`;
}

/**
 * Makes the error of its text. What Go's own packages say has the code that fits; any other text is
 * the message of an `unknown`, since the peer has shown it on purpose.
 * @param text The text.
 * @returns The error.
 * @example Usage
 * ```ts
 * import { parseErrorText } from "@kit/transport/netrpc";
 * import assert from "node:assert/strict";
 * assert.equal(parseErrorText("rpc: can't find service Arith.Pow").code, "unimplemented");
 * assert.equal(parseErrorText("divide by zero").code, "unknown");
 * ```
 */
export function parseErrorText(text: string): KitError {
  const [, name, message] = STATUS.exec(text) ?? [];
  if (name !== undefined) return new KitError(CODES_BY_NAME.get(name) ?? "unknown", message!);
  const known = OF_GO.find(([start]) => text.startsWith(start));
  return new KitError(known?.[1] ?? "unknown", text);
}
