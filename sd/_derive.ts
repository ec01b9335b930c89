/**
 * Instancers made of other instancers.
 * @module
 */
import { InstanceCache } from "./cache.ts";
import type { Instance } from "./instance.ts";
import type { DiscoveryEvent, Instancer } from "./instancer.ts";

/** What each upstream told last; nothing where it has told no set yet. */
export type Sets = readonly (readonly Instance[] | undefined)[];

interface Open extends Disposable {
  readonly cache: InstanceCache;
}

/**
 * Makes an instancer of others. They are subscribed to while it has subscribers itself. An error is
 * passed on; when others are well, the set follows it, so that theirs stay in use.
 */
export function derive(
  upstreams: readonly Instancer[],
  combine: (sets: Sets) => Iterable<Instance>,
): Instancer {
  let subscribers = 0;
  let open: Open | undefined;

  function start(): Open {
    const cache = new InstanceCache({ emptyGraceMs: 0 });
    const sets: (readonly Instance[] | undefined)[] = upstreams.map(() => undefined);
    const failing = new Set<number>();
    const hear = (i: number, { instances, error, source }: DiscoveryEvent) => {
      if (instances === undefined) {
        failing.add(i);
        cache.fail(error, source);
      } else {
        failing.delete(i);
        sets[i] = instances;
      }
      if (!sets.some((set, i) => set !== undefined && !failing.has(i))) return;
      try {
        cache.update(combine(sets));
      } catch (error) {
        cache.fail(error);
      }
    };
    const subscriptions = upstreams.map((one, i) => one.subscribe((event) => hear(i, event)));
    return {
      cache,
      [Symbol.dispose]() {
        for (const subscription of subscriptions) subscription[Symbol.dispose]();
        cache[Symbol.dispose]();
      },
    };
  }

  return {
    subscribe(listener) {
      subscribers++;
      open ??= start();
      const subscription = open.cache.subscribe(listener);
      let isOver = false;
      return {
        [Symbol.dispose]() {
          if (isOver) return;
          isOver = true;
          subscription[Symbol.dispose]();
          if (--subscribers > 0) return;
          open?.[Symbol.dispose]();
          open = undefined;
        },
      };
    },
  };
}
