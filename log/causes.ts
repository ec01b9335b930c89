/**
 * An error with what led to it, as a field.
 * @module
 */
import { errorText, panicText } from "./_text.ts";

/** How many errors are told at most. */
const MAX_CAUSES = 16;

/**
 * Gives the message of an error and those of its causes in one text, as Go programs wrap errors.
 * @param error Anything that was thrown.
 * @returns The messages from the outermost to the first cause, joined by `": "`.
 * @example Usage
 * ```ts
 * import { causes, formatLogfmt } from "@kit/log";
 * import assert from "node:assert/strict";
 * const error = new Error("Cannot load profile", { cause: new Error("connection refused") });
 * assert.equal(
 *   formatLogfmt({ err: causes(error) }),
 *   'err="Cannot load profile: connection refused"',
 * );
 * ```
 */
export function causes(error: unknown): string {
  const seen = new Set<unknown>();
  const texts: string[] = [];
  let current = error;
  try {
    while (current !== undefined && !seen.has(current) && seen.size < MAX_CAUSES) {
      seen.add(current);
      texts.push(current instanceof Error ? errorText(current) : String(current));
      current = current instanceof Error ? current.cause : undefined;
    }
  } catch (thrown) {
    texts.push(panicText("cause", thrown));
  }
  return texts.join(": ");
}
