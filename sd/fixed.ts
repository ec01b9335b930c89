/**
 * A list of instances that never changes.
 * @module
 */
import { parseAddress } from "./address.ts";
import { type Instance, normalizeInstances } from "./instance.ts";
import type { Instancer } from "./instancer.ts";

/**
 * Tells a list that never changes.
 * @param instances Addresses, or instances with all that is known of them. The list is copied.
 * @returns The instancer; it holds nothing that has to be closed.
 * @throws {TypeError} If an address is none.
 * @example Usage
 * ```ts
 * import { fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * fixed(["localhost:8002", "localhost:8001"]).subscribe(({ instances }) =>
 *   assert.deepEqual(instances, [{ address: "localhost:8001" }, { address: "localhost:8002" }])
 * );
 * ```
 */
export function fixed(instances: Iterable<string | Instance>): Instancer {
  const list = normalizeInstances(
    Array.from(instances, (one) => typeof one === "string" ? { address: one } : one),
  );
  for (const { address } of list) parseAddress(address);
  const event = Object.freeze({ instances: list });
  return {
    subscribe(listener) {
      listener(event);
      return { [Symbol.dispose]() {} };
    },
  };
}
