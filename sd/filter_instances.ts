/**
 * Some of the instances of an instancer.
 * @module
 */
import { derive } from "./_derive.ts";
import type { Instance } from "./instance.ts";
import type { Instancer } from "./instancer.ts";

/**
 * Tells only the instances that a predicate picks, by their tags, zone, version or metadata.
 * @param instancer Who tells all of them. It is subscribed to while somebody is subscribed to the
 * result; who made it disposes of it.
 * @param predicate Picks an instance. If it throws, that is told as an error and the last set stays.
 * @returns The instancer; it holds nothing that has to be closed.
 * @example Usage
 * ```ts
 * import { filterInstances, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 * const all = fixed([{ address: "a:80", tags: ["canary"] }, { address: "b:80" }]);
 * filterInstances(all, ({ tags }) => tags?.includes("canary") ?? false)
 *   .subscribe(({ instances }) => assert.deepEqual(instances?.map(({ address }) => address), ["a:80"]));
 * ```
 */
export function filterInstances(
  instancer: Instancer,
  predicate: (instance: Instance) => boolean,
): Instancer {
  return derive([instancer], ([set = []]) => set.filter((instance) => predicate(instance)));
}
