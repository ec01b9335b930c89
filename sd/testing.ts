/**
 * An instancer that a test moves by hand, and the contract that every instancer keeps.
 * @module
 */
import assert from "node:assert/strict";
import { InstanceCache } from "./cache.ts";
import type { Instance } from "./instance.ts";
import type { DiscoveryEvent, DiscoveryListener, Instancer } from "./instancer.ts";

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

/** One line of a contract, to be run as a test. */
export interface ContractCase {
  /** What the line says. */
  readonly name: string;
  /** Fails if it does not hold. */
  readonly run: () => Promise<void>;
}

/** An instancer with the registry behind it, for {@linkcode instancerContract}. */
export interface InstancerHarness extends AsyncDisposable {
  /** The instancer, without a grace time for an empty answer. */
  readonly instancer: Instancer;
  /**
   * Makes the registry hold exactly these, without anything but the address.
   * @param addresses The addresses; there may be none.
   */
  set(addresses: readonly string[]): Promise<void> | void;
  /** Makes the registry fail; left out where that cannot be arranged. */
  fail?(): Promise<void> | void;
  /** Ends the failure. */
  recover?(): Promise<void> | void;
}

/** A subscriber that waits for sets. */
interface Watched extends Disposable {
  readonly events: readonly DiscoveryEvent[];
  readonly sees: (...expected: readonly string[]) => Promise<void>;
}

type Watch = (instancer: Instancer, hear?: DiscoveryListener) => Watched;

/** Options for {@linkcode instancerContract}. */
export interface InstancerContractOptions {
  /**
   * How long a change may take to be told, in real milliseconds.
   * @default {5000}
   */
  readonly withinMs?: number;
}

/**
 * Gives the contract that every instancer keeps.
 * @param make Makes an instancer with an empty registry behind it; what it makes is disposed of.
 * @param options How long to wait.
 * @returns The lines of the contract.
 * @example Usage
 * ```ts
 * import { instancerContract, manual } from "@kit/sd/testing";
 * const cases = instancerContract(() => {
 *   const instancer = manual([]);
 *   return { instancer, set: instancer.set, async [Symbol.asyncDispose]() {} };
 * });
 * for (const { run } of cases) await run();
 * ```
 */
export function instancerContract(
  make: () => Promise<InstancerHarness> | InstancerHarness,
  options: InstancerContractOptions = {},
): readonly ContractCase[] {
  const { withinMs = 5000 } = options;
  const a = "127.0.0.1:8001";
  const b = "127.0.0.1:8002";
  const c = "[::1]:8003";

  async function until(condition: () => boolean, what: string): Promise<void> {
    const endsAt = performance.now() + withinMs;
    while (!condition()) {
      assert(performance.now() < endsAt, `${what} took longer than ${withinMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Subscribes, and waits for sets. */
  function watch(instancer: Instancer, hear?: DiscoveryListener): Watched {
    const events: DiscoveryEvent[] = [];
    const subscription = instancer.subscribe((event) => {
      events.push(event);
      hear?.(event);
    });
    const last = () => events.at(-1)?.instances?.map(({ address }) => address);
    const sees = (...expected: readonly string[]) =>
      until(() => String(last()) === String(expected) && last() !== undefined, `"${expected}"`);
    return { events, sees, [Symbol.dispose]: () => subscription[Symbol.dispose]() };
  }

  const lines: Record<string, (harness: InstancerHarness, watch: Watch) => Promise<void>> = {
    "subscribe() tells each full set, sorted": async ({ instancer, set }, watch) => { // SC1, SD1
      const watched = watch(instancer);
      await watched.sees();
      await set([b, a, c]);
      await watched.sees(a, b, c);
      await set([c]);
      await watched.sees(c);
      await set([]);
      await watched.sees();
    },
    "subscribe() tells a late subscriber the set at once": async ({ instancer, set }, watch) => { // SC1, S9
      await set([a]);
      const early = watch(instancer);
      await early.sees(a);
      const late = watch(instancer);
      assert.deepEqual(late.events.map(({ instances }) => instances), [[{ address: a }]]);
    },
    "subscribe() never tells the same twice": async ({ instancer, set }, watch) => { // SC1, SC3
      const watched = watch(instancer);
      for (let round = 0; round < 3; round++) {
        await set([a, b]);
        await watched.sees(a, b);
        await set([b, a]);
        await set([a]);
        await watched.sees(a);
      }
      const told = watched.events.map(({ instances, error }) =>
        JSON.stringify(instances ?? error.message)
      );
      assert(told.every((text, i) => text !== told[i - 1]), `${told}`);
    },
    "subscribe() tells nothing more once disposed of": async ({ instancer, set }, watch) => { // SC1
      const gone = watch(instancer);
      const watched = watch(instancer);
      await watched.sees();
      gone[Symbol.dispose]();
      gone[Symbol.dispose]();
      const told = gone.events.length;
      await set([a]);
      await watched.sees(a);
      assert.equal(gone.events.length, told);
    },
    "subscribe() tells lists that no subscriber can disturb": async ({ instancer, set }, watch) => { // SC2, R8
      const watched = watch(instancer);
      await set([a, b]);
      await watched.sees(a, b);
      const list = watched.events.at(-1)!.instances as Instance[];
      assert.throws(() => list.reverse(), TypeError);
      assert.throws(() => Object.assign(list[0]!, { address: "other:80" }), TypeError);
    },
    "subscribe() serves all although one throws": async ({ instancer, set }, watch) => { // SC4
      watch(instancer, () => {
        throw new Error("thrown by a listener");
      });
      const watched = watch(instancer);
      await set([a]);
      await watched.sees(a);
    },
    "subscribe() tells an error, and the set again after it": async (harness, watch) => { // SD1, P9
      if (harness.fail === undefined || harness.recover === undefined) return;
      const watched = watch(harness.instancer);
      await harness.set([a]);
      await watched.sees(a);
      await harness.fail();
      await until(() => watched.events.at(-1)?.error instanceof Error, "an error");
      const late = watch(harness.instancer);
      assert.deepEqual(late.events[0]?.instances, [{ address: a }]);
      assert(late.events[1]?.error instanceof Error);
      await harness.recover();
      await watched.sees(a);
    },
  };
  return Object.entries(lines).map(([name, check]) => ({
    name,
    run: async () => {
      const harness = await make();
      const open: Watched[] = [];
      try {
        await check(harness, (...args) => {
          open.push(watch(...args));
          return open.at(-1)!;
        });
      } finally {
        for (const watched of open) watched[Symbol.dispose]();
        await harness[Symbol.asyncDispose]();
      }
    },
  }));
}
