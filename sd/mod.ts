/**
 * Service discovery: who tells where a service runs, and what turns that into endpoints.
 *
 * ```ts
 * import { endpointer, fixed } from "@kit/sd";
 * import assert from "node:assert/strict";
 *
 * await using names = endpointer(
 *   fixed(["b:80", "a:80"]),
 *   ({ address }) => () => Promise.resolve(address),
 * );
 * const addresses = names.endpoints().map(({ instance }) => instance.address);
 * assert.deepEqual(addresses, ["a:80", "b:80"]);
 * ```
 * @module
 */
export * from "./address.ts";
export * from "./cache.ts";
export * from "./endpointer.ts";
export * from "./factory.ts";
export * from "./filter_instances.ts";
export * from "./fixed.ts";
export * from "./instance.ts";
export * from "./instancer.ts";
export * from "./merge.ts";
export * from "./registrar.ts";
export * from "./status.ts";
export * from "./subset.ts";
