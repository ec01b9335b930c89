/**
 * The root of every context.
 * @module
 */
import type { Context } from "./context.ts";
import { NO_METADATA } from "./metadata.ts";

class Background implements Context {
  readonly canAbort = false;
  readonly deadline = undefined;
  readonly metadata = NO_METADATA;
  readonly outgoing = NO_METADATA;
  #signal: AbortSignal | undefined;

  get signal(): AbortSignal {
    return this.#signal ??= new AbortController().signal;
  }

  value(): undefined {
    return undefined;
  }
}

const root: Context = new Background();

/**
 * Gives the empty context that every other one is derived from.
 * @returns A context that is never aborted, without deadline, metadata or values.
 * @example Usage
 * ```ts
 * import { background } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * assert.equal(background().deadline, undefined);
 * ```
 */
export function background(): Context {
  return root;
}
