/**
 * The contract that every balancer keeps.
 * @module
 */
import { background } from "@kit/endpoint";
import { type Endpointer, endpointer } from "@kit/sd";
import { manual } from "@kit/sd/testing";
import assert from "node:assert/strict";
import type { Balancer } from "./balancer.ts";

/** One line of a contract, to be run as a test. */
export interface ContractCase {
  /** What the line says. */
  readonly name: string;
  /** Fails if it does not hold. */
  readonly run: () => Promise<void>;
}

/** Makes the balancer to be tested. Whoever balances by a key takes the request as the key. */
export type BalancerMaker = (endpointer: Endpointer<string, string>) => Balancer<string, string>;

/**
 * Gives the contract that every balancer keeps.
 * @param make Makes the balancer to be tested.
 * @returns The lines of the contract.
 * @example Usage
 * ```ts
 * import { roundRobin } from "@kit/lb";
 * import { balancerContract } from "@kit/lb/testing";
 * for (const { run } of balancerContract(roundRobin)) await run();
 * ```
 */
export function balancerContract(make: BalancerMaker): readonly ContractCase[] {
  return [
    {
      name: `pick() throws "unavailable" when there are no endpoints`, // LB2
      run: () =>
        withSet([], ({ pick }) => {
          assert.throws(pick, { code: "unavailable", message: "No endpoints available" });
        }),
    },
    {
      name: "pick() throws the error of the endpointer as it is", // LB2
      run: async () => {
        const error = new Error("registry is down");
        const balancer = make({
          endpoints() {
            throw error;
          },
        });
        assert.throws(() => balancer.pick("", background()), error);
        await Promise.resolve();
      },
    },
    {
      name: "pick() reaches every instance, and each answers for itself",
      run: () =>
        withSet(names(3), async ({ balancer }) => {
          const seen = new Set<string>();
          for (let call = 0; call < 1000; call++) {
            const entry = balancer.pick(`key ${call}`, background());
            seen.add(await entry.endpoint("", background()));
            assert.equal(await entry.endpoint("", background()), entry.instance.address);
          }
          assert.deepEqual([...seen].sort(), names(3));
        }),
    },
    {
      name: "pick() follows the set at once", // K1
      run: () =>
        withSet(names(3), ({ set, pick }) => {
          const picks = (count: number) => new Set(Array.from({ length: count }, pick));
          picks(10);
          set(["other:80"]);
          assert.deepEqual([...picks(10)], ["other:80"]);
          set(["other:80", "new:80"]);
          assert.deepEqual([...picks(1000)].sort(), ["new:80", "other:80"]);
          set([]);
          assert.throws(pick, { code: "unavailable" });
          set(names(1));
          assert.deepEqual([...picks(3)], names(1));
        }),
    },
    {
      name: "pick() leaves out what was tried while there is another", // P1
      run: () =>
        withSet(names(4), ({ balancer }) => {
          for (let call = 0; call < 200; call++) {
            const exclude = new Set<string>();
            for (let attempt = 0; attempt < 4; attempt++) {
              const { address } = balancer.pick(`key ${call}`, background(), { exclude }).instance;
              assert(!exclude.has(address), `"${address}" was picked twice`);
              exclude.add(address);
            }
          }
        }),
    },
    {
      name: "pick() picks something even when all were tried",
      run: () =>
        withSet(names(2), ({ balancer }) => {
          const exclude = new Set([...names(2), "gone:80"]);
          const { address } = balancer.pick("", background(), { exclude }).instance;
          assert(names(2).includes(address));
        }),
    },
    {
      name: "pick() answers one entry for an instance, with one endpoint",
      run: () =>
        withSet(names(2), ({ balancer, set }) => {
          const seen = new Map<string, ReturnType<typeof balancer.pick>["endpoint"]>();
          for (let call = 0; call < 100; call++) {
            if (call === 50) set([...names(2), "other:80"]);
            const { instance: { address }, endpoint } = balancer.pick(`key ${call}`, background());
            assert.equal(seen.get(address) ?? endpoint, endpoint);
            seen.set(address, endpoint);
          }
        }),
    },
    {
      name: "pick() answers the instance as it was last described",
      run: async () => {
        const instancer = manual(["a:80"]);
        const entries = endpointer(instancer, () => (_: string) => Promise.resolve(""));
        const entry = make(entries).pick("", background());
        instancer.set([{ address: "a:80", version: "2" }]);
        assert.equal(make(entries).pick("", background()).instance.version, "2");
        assert.equal(entry.instance.version, "2");
        await entries[Symbol.asyncDispose]();
      },
    },
    {
      name: "pick() does with one instance and with ten thousand",
      run: async () => {
        await withSet(names(1), ({ pick }) => assert.equal(pick(), names(1)[0]));
        const many = names(10_000);
        await withSet(many, ({ pick }) => assert(new Set(many).has(pick())));
      },
    },
  ];

  async function withSet(
    addresses: readonly string[],
    body: (given: {
      readonly balancer: Balancer<string, string>;
      readonly set: (addresses: readonly string[]) => void;
      readonly pick: () => string;
    }) => Promise<void> | void,
  ): Promise<void> {
    const instancer = manual(addresses);
    const entries = endpointer(
      instancer,
      ({ address }) => (_: string) => Promise.resolve(address),
    );
    const balancer = make(entries);
    let call = 0;
    const pick = () => balancer.pick(`key ${call++}`, background()).instance.address;
    try {
      await body({ balancer, set: (list) => instancer.set(list), pick });
    } finally {
      await entries[Symbol.asyncDispose]();
    }
  }
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `host${i}:80`);
}
