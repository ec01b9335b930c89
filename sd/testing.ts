/**
 * An instancer that a test moves by hand, and the contract that every instancer keeps.
 * @module
 */
import { InstanceCache } from "./cache.ts";
import type { Instance } from "./instance.ts";
import type { Instancer } from "./instancer.ts";

/** An instancer that a test moves by hand. */
export interface ManualInstancer extends Instancer {
  /** How many subscribers there are. */
  readonly subscribers: number;
  /**
   * Tells a set, at once and even if it is empty.
   * @param instances Addresses, or instances.
   */
  set(instances: Iterable<string | Instance>): void;
  /**
   * Tells an error.
   * @param error What failed.
   */
  fail(error: unknown): void;
}

/**
 * Makes an instancer that a test moves by hand.
 * @param instances What it knows at first; nothing at all when left out.
 * @returns The instancer.
 * @example Usage
 * ```ts
 * import { manual } from "@kit/sd/testing";
 * import assert from "node:assert/strict";
 * const instancer = manual(["a:80"]);
 * const sizes: (number | undefined)[] = [];
 * using _ = instancer.subscribe(({ instances }) => sizes.push(instances?.length));
 * instancer.set([]);
 * assert.deepEqual(sizes, [1, 0]);
 * ```
 */
export function manual(instances?: Iterable<string | Instance>): ManualInstancer {
  const cache = new InstanceCache({ source: "manual", emptyGraceMs: 0 });
  const set = (list: Iterable<string | Instance>) =>
    cache.update(Array.from(list, (one) => typeof one === "string" ? { address: one } : one));
  if (instances !== undefined) set(instances);
  let subscribers = 0;
  return {
    get subscribers() {
      return subscribers;
    },
    subscribe(listener) {
      const subscription = cache.subscribe(listener);
      subscribers++;
      let isOver = false;
      return {
        [Symbol.dispose]() {
          if (!isOver) subscribers--;
          isOver = true;
          subscription[Symbol.dispose]();
        },
      };
    },
    set,
    fail: (error) => cache.fail(error),
  };
}
