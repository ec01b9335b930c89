/**
 * An endpoint that does nothing.
 * @module
 */

/**
 * Answers every request with a new empty object. It stands in for an endpoint in tests of what is
 * around it.
 * @returns An empty object.
 * @example Usage
 * ```ts
 * import { background, type Endpoint, nop } from "@kit/endpoint";
 * import assert from "node:assert/strict";
 * const endpoint: Endpoint<string, object> = nop;
 * assert.deepEqual(await endpoint("anything", background()), {});
 * ```
 */
export function nop(): Promise<Record<never, never>> {
  return Promise.resolve({});
}
