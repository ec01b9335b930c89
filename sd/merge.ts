/**
 * Several instancers as one.
 * @module
 */
import { derive } from "./_derive.ts";
import type { Instancer } from "./instancer.ts";

/**
 * Tells the instances of several instancers as one set, from the first that has told any.
 *
 * The error of one is told and hides nothing: its last set stays in, and as long as another is well
 * the whole set is told again right after it. The instancers are subscribed to while somebody is
 * subscribed to the result; who made them disposes of them.
 * @param instancers The instancers. Of an address that several tell, the description of the one
 * named first counts.
 * @returns The instancer; it holds nothing that has to be closed.
 * @throws {TypeError} If there is none.
 * @example A registry, and a list for what is not in it
 * ```ts
 * import { fixed, merge } from "@kit/sd";
 * import { manual } from "@kit/sd/testing";
 * import assert from "node:assert/strict";
 * const registry = manual(["b:80"]);
 * const seen: string[] = [];
 * using _ = merge(registry, fixed(["a:80"])).subscribe(({ instances, error }) =>
 *   seen.push(String(error?.message ?? instances?.map(({ address }) => address)))
 * );
 * registry.fail(new Error("refused"));
 * assert.deepEqual(seen, ["a:80,b:80", "refused", "a:80,b:80"]);
 * ```
 */
export function merge(...instancers: readonly Instancer[]): Instancer {
  if (instancers.length === 0) throw new TypeError("Cannot merge instancers as there is none");
  return derive(instancers, (sets) => sets.flatMap((set) => set ?? []));
}
